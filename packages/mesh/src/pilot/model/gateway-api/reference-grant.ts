import type { ReferenceGrant as ReferenceGrantObject } from '@lateen/api/kinds.ts';
import type { Collection, Reader } from '../../incremental/collection.ts';
import type { Problem } from './conditions.ts';

/** An object that refers to one of another namespace. */
export interface Referrer {
  readonly group: string;
  readonly kind: string;
  readonly namespace: string;
}

export interface Referent extends Referrer {
  readonly name: string;
}

/** ReferenceGrants by the namespace that they are in, which is the one that is referred to. */
export type Grants = Collection<readonly ReferenceGrantObject[]>;

/** Within a namespace everything may be referred to; across namespaces, what a ReferenceGrant there allows. */
export function mayRefer(from: Referrer, to: Referent, grants: Grants, read: Reader): boolean {
  if (from.namespace === to.namespace) return true;
  return (read.get(grants, to.namespace) ?? []).some(
    ({ spec }) =>
      spec.from.some(
        (each) => each.group === from.group && each.kind === from.kind && each.namespace === from.namespace,
      ) &&
      spec.to.some(
        (each) =>
          each.group === to.group && each.kind === to.kind && (each.name === undefined || each.name === to.name),
      ),
  );
}

export function invalidReference(reason: string, message: string, path: string): Problem {
  return { type: 'ResolvedRefs', reason, message, path };
}

export function notPermitted(
  from: Pick<Referrer, 'kind' | 'namespace'>,
  kind: string,
  namespace: string,
  name: string,
  path: string,
): Problem {
  const message = `no ReferenceGrant in the namespace ${namespace} lets ${from.kind}s of ${from.namespace} refer to ${kind} ${name}`;
  return invalidReference('RefNotPermitted', message, path);
}
