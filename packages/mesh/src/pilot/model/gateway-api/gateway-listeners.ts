import type { ConfigObject, KubernetesGateway, ListenerSet } from '@lateen/api/kinds.ts';
import type { Collection, Reader } from '../../incremental/collection.ts';
import { allows, buildAllowedNamespaces } from './allowed-namespaces.ts';
import type { Problem } from './conditions.ts';
import { buildListeners, type Listener, type ListenerOwner, ownerOf } from './listener.ts';
import { findConflicts } from './listener-conflicts.ts';
import { findOverlaps } from './listener-overlaps.ts';
import { ageRank, byRank } from './precedence.ts';
import { GATEWAY_GROUP } from './route-kind.ts';

/** A listener among all that its Gateway has. */
export interface PlacedListener extends Listener {
  /** Absent: it can be told apart from all others. */
  readonly conflict?: Problem;
  /** Listeners that have TLS for some of its hosts too. */
  readonly overlaps: readonly ListenerPlace[];
}

export interface ListenerPlace {
  readonly owner: ListenerOwner;
  readonly name: string;
}

/** What a Gateway or a ListenerSet opens. */
export interface GatewayListeners {
  /** The object that they are written in. */
  readonly owner: ListenerOwner;
  /** The Gateway whose proxies open it. */
  readonly gateway: { readonly namespace: string; readonly name: string };
  readonly controller: string;
  readonly listeners: readonly PlacedListener[];
  /** Why a ListenerSet as a whole is not taken: it has no listeners then. */
  readonly problem?: Problem;
}

/** Of the Gateway itself and of each of its ListenerSets, taken or not. */
export interface GatewayAndSets {
  readonly own: GatewayListeners;
  readonly sets: readonly { readonly object: ListenerSet; readonly listeners: GatewayListeners }[];
}

export function placeListeners(
  object: KubernetesGateway,
  controller: string,
  sets: readonly ListenerSet[],
  objects: Collection<ConfigObject>,
  read: Reader,
): GatewayAndSets {
  const { name, namespace } = object.metadata;
  const gateway = { namespace, name };
  const allowed = buildAllowedNamespaces(object.spec.allowedListeners?.namespaces, namespace, 'None');
  const ordered = sets
    .map((set) => ({ set, rank: ageRank(set.metadata) }))
    .sort(byRank)
    .map(({ set }) => ({ set, isAllowed: allows(allowed, set.metadata.namespace, objects, read) }));
  const own = buildListeners(object);
  const ofSets = ordered.map(({ set, isAllowed }) => (isAllowed ? buildListeners(set) : []));
  const all = [...own, ...ofSets.flat()];
  const conflicts = findConflicts(all);
  const overlaps = findOverlaps(all.filter(({ key }) => !conflicts.has(key)));
  const place = (listeners: readonly Listener[]) =>
    listeners.map((listener): PlacedListener => {
      const conflict = conflicts.get(listener.key);
      const placed = { ...listener, overlaps: overlaps.get(listener.key) ?? [] };
      return conflict === undefined ? placed : { ...placed, conflict };
    });
  return {
    own: {
      owner: ownerOf(object),
      gateway,
      controller,
      listeners: place(own),
    },
    sets: ordered.map(({ set, isAllowed }, i) => ({
      object: set,
      listeners: {
        owner: ownerOf(set),
        gateway,
        controller,
        listeners: place(ofSets[i] ?? []),
        ...(isAllowed ? {} : { problem: notAllowed(set, `${namespace}/${name}`) }),
      },
    })),
  };
}

function notAllowed({ metadata }: ListenerSet, gateway: string): Problem {
  return {
    type: 'Accepted',
    reason: 'NotAllowed',
    message: `the Gateway ${gateway} takes no listeners of the namespace ${metadata.namespace} (spec.allowedListeners)`,
    path: 'spec.parentRef',
  };
}

/** `NAMESPACE/NAME` of the Gateway that a ListenerSet adds to. */
export function gatewayOfSet({ metadata, spec }: ListenerSet): string | undefined {
  const { group = GATEWAY_GROUP, kind = 'Gateway', namespace = metadata.namespace, name } = spec.parentRef;
  return group === GATEWAY_GROUP && kind === 'Gateway' ? `${namespace}/${name}` : undefined;
}
