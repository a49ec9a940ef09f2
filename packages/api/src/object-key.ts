import type { ObjectRef } from './diagnostic.ts';

/** `VirtualService/default/reviews`; for kinds without a namespace `Namespace//default`. */
export type ObjectKey = `${string}/${string}/${string}`;

export function keyOf(object: { kind: string; metadata: { name: string; namespace?: string } }): ObjectKey {
  return `${object.kind}/${object.metadata.namespace ?? ''}/${object.metadata.name}`;
}

export function keyOfRef(ref: ObjectRef): ObjectKey {
  return `${ref.kind}/${ref.namespace}/${ref.name}`;
}

/** Inverse of `keyOfRef`: neither kinds, namespaces nor names contain a slash. */
export function refOfKey(key: ObjectKey): ObjectRef {
  const [kind = '', namespace = '', name = ''] = key.split('/');
  return { kind, namespace, name };
}
