import type { ResourceType } from '../resource.ts';
import { outstandingSince, type StreamState, type TypeState, typeOrder } from './state.ts';

/**
 * How long listeners and routes wait for clusters and endpoints at most. Envoy does not acknowledge clusters before
 * they are warm, and one that waits for DNS or for a secret must not hold up everything else.
 */
export const HOLD_BACK_MS = 2_000;

/**
 * What must have arrived before an update of this type goes out. Endpoints do not wait for the acknowledgement of
 * clusters: Envoy sends that only when the clusters are warm, for which it needs their endpoints.
 */
const needsFirst: Readonly<Record<ResourceType, readonly ResourceType[]>> = {
  // A cluster or listener that is not warm may wait for it, so it waits for nothing.
  secret: [],
  cluster: [],
  endpoint: [],
  extension: ['cluster', 'endpoint'],
  listener: ['cluster', 'endpoint', 'extension'],
  route: ['cluster', 'endpoint', 'listener'],
  // Envoy knows no virtual host of a table that it does not have.
  virtualHost: ['cluster', 'endpoint', 'listener', 'route'],
};

/**
 * What may still use a resource of this type until it has arrived. Listeners are removed together with updates. Few
 * clients ever ask for extensions, so nothing waits for the request; what uses them are listeners.
 */
const usedBy: Readonly<Record<ResourceType, readonly ResourceType[]>> = {
  secret: ['cluster', 'listener'],
  cluster: ['listener', 'route', 'virtualHost'],
  endpoint: ['cluster', 'listener', 'route', 'virtualHost'],
  extension: ['listener'],
  listener: [],
  route: ['listener'],
  // A table may come whole in their place.
  virtualHost: ['route'],
};

/** Removals of this type wait for their users; otherwise they travel with the updates. */
export function defersRemovals(type: ResourceType): boolean {
  return usedBy[type].length > 0;
}

/** Whether an earlier type still has changes on the way that this type's pending ones may refer to. */
function mustWait(stream: StreamState, state: TypeState): boolean {
  const first = needsFirst[state.type];
  if (first.length === 0) return false;
  if (first.some((type) => outstandingSince(stream.types[type]) <= state.changedAt)) return true;
  for (const { since } of stream.awaited.values()) if (since <= state.changedAt) return true;
  return false;
}

/** Whether the pending updates of `state` may go out now. Starts and ends the bounded wait. */
export function mayUpdate(stream: StreamState, state: TypeState, nowMs: number): boolean {
  const hasWaited = state.changedAt <= state.waitedFor;
  if (hasWaited || !mustWait(stream, state)) {
    state.heldBackUntilMs = undefined;
    return true;
  }
  state.heldBackUntilMs ??= nowMs + HOLD_BACK_MS;
  if (nowMs < state.heldBackUntilMs) return false;
  state.waitedFor = state.changedAt;
  return true;
}

/**
 * Whether the withheld removals of `state` may go out now: everything that could use them has been replaced. Two waits
 * are bounded. A client that reconnects asks for clusters first and says only later which listeners and routes it
 * holds, if any. And the absence of endpoints may be the very thing that a cluster waits for, to become warm.
 */
export function mayRemove(stream: StreamState, state: TypeState, nowMs: number): boolean {
  const users = usedBy[state.type].map((type) => stream.types[type]);
  const isInUse =
    areRemovalsSuspended(stream, state) ||
    users.some((user) => outstandingSince(user) <= state.removalsChangedAt || user.removals.size > 0);
  const isComplete = users.every((user) => user.isRequested || (user.type === 'virtualHost' && !stream.expectsHosts));
  if (!isInUse && isComplete) return true;
  if (isComplete && state.type !== 'endpoint') return false;
  state.removalsWaitUntilMs ??= nowMs + HOLD_BACK_MS;
  return nowMs >= state.removalsWaitUntilMs && (!isInUse || state.type === 'endpoint');
}

/**
 * A client that refused a listener or a route keeps the one before, which may use what was removed since. So removals
 * rest until the refused resource is mended.
 */
function areRemovalsSuspended(stream: StreamState, state: TypeState): boolean {
  return usedBy[state.type].some((type) => {
    const user = stream.types[type];
    return (
      (type !== 'cluster' && user.refused.size > 0) || (user.removals.size > 0 && areRemovalsSuspended(stream, user))
    );
  });
}

/** The age of the oldest thing that the client has still to get or to answer. */
export function oldestOutstanding(stream: StreamState): number {
  let oldest = Number.POSITIVE_INFINITY;
  for (const type of typeOrder) {
    const state = stream.types[type];
    oldest = Math.min(oldest, outstandingSince(state));
    if (state.removals.size > 0 && !areRemovalsSuspended(stream, state)) oldest = Math.min(oldest, state.removalsSince);
  }
  for (const { since } of stream.awaited.values()) oldest = Math.min(oldest, since);
  return oldest;
}

/** The client has asked for clusters and listeners and holds, or has refused, everything that it asked for. */
export function isSynced(stream: StreamState): boolean {
  const { cluster, listener } = stream.types;
  return cluster.isRequested && listener.isRequested && oldestOutstanding(stream) === Number.POSITIVE_INFINITY;
}
