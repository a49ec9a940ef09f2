import type { ObjectRef } from '@lateen/api/diagnostic.ts';
import type { DiagnosticCode } from '@lateen/api/diagnostic-codes.ts';
import type { ConfigObject } from '@lateen/api/kinds.ts';
import { writtenKind } from '@lateen/api/written-kind.ts';
import type { MeshView } from './mesh-view.ts';

/** Something that only the whole configuration shows. */
export interface Problem {
  readonly code: DiagnosticCode;
  readonly object: ObjectRef;
  /** Field path, such as `spec.http[0].match[1]`; absent: the object as a whole. */
  readonly path?: string;
  readonly message: string;
}

/** Looks at the whole configuration. Its cost must not grow faster than the configuration does. */
export interface Check {
  /** What is looked for, for people who read the list. */
  readonly about: string;
  /** It tells of what is missing, so it needs all of the mesh. */
  readonly needsAll?: true;
  readonly run: (mesh: MeshView) => Iterable<Problem>;
}

export function refOf({ kind, metadata }: ConfigObject): ObjectRef {
  return { kind, namespace: 'namespace' in metadata ? metadata.namespace : '', name: metadata.name };
}

/** `VirtualService default/reviews` */
export function titleOf({ kind, namespace, name }: ObjectRef): string {
  return `${writtenKind(kind)} ${namespace === '' ? name : `${namespace}/${name}`}`;
}

/** The elements that have each key, in their order. */
export function groupBy<T>(elements: Iterable<T>, keysOf: (element: T) => Iterable<string>): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const element of elements) {
    for (const key of keysOf(element)) {
      const group = groups.get(key);
      if (group === undefined) groups.set(key, [element]);
      else group.push(element);
    }
  }
  return groups;
}

/** `a=b,c=d` */
export function labelText(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join(',');
}
