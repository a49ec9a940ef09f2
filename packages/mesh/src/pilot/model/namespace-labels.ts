import type { ConfigObject } from '@lateen/api/kinds.ts';
import { keyOfRef } from '@lateen/api/object-key.ts';
import type { Collection, Reader } from '../incremental/collection.ts';

/** Every Namespace has it, also one that nobody has written. */
const NAMESPACE_NAME_LABEL = 'kubernetes.io/metadata.name';

/** By which selectors of namespaces find one. */
export function namespaceLabels(
  namespace: string,
  objects: Collection<ConfigObject>,
  read: Reader,
): Readonly<Record<string, string>> {
  const found = read.get(objects, keyOfRef({ kind: 'Namespace', namespace: '', name: namespace }));
  return { ...found?.metadata.labels, [NAMESPACE_NAME_LABEL]: namespace };
}
