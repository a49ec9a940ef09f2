import type { LocatedSource } from '@lateen/api/admin.ts';
import { keyOfRef, type ObjectKey } from '@lateen/api/object-key.ts';
import type { Origin } from './document-source.ts';

/** Adds file and line. To look a line up means to read the object's text again, so each is looked up once. */
export function sourceLocator(
  originOf: (key: ObjectKey) => Origin | undefined,
): (source: LocatedSource) => LocatedSource {
  const known = new Map<string, LocatedSource>();
  return (source) => {
    const { kind, namespace, name, path } = source;
    const key = `${keyOfRef(source)} ${path}`;
    const before = known.get(key);
    if (before !== undefined) return before;
    const origin = originOf(keyOfRef(source));
    const located: LocatedSource = {
      kind,
      namespace,
      name,
      ...(path === undefined ? {} : { path }),
      ...(origin === undefined
        ? {}
        : { file: origin.file, line: path === undefined ? origin.line : origin.lineOf(path) }),
    };
    known.set(key, located);
    return located;
  };
}
