import type { ResourceType } from '../resource.ts';
import {
  isSetType,
  outstandingSince,
  type Pending,
  type StreamState,
  type TypeState,
  typeOrder,
  type Wanted,
} from './state.ts';

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

/** The oldest change of an earlier type that is still on the way, by what `sinceOf` says of each; endpoints that are awaited count. */
function oldestOfEarlier(stream: StreamState, state: TypeState, sinceOf: (earlier: TypeState) => number): number {
  const first = needsFirst[state.type];
  if (first.length === 0) return Number.POSITIVE_INFINITY;
  let oldest = Number.POSITIVE_INFINITY;
  for (const type of first) oldest = Math.min(oldest, sinceOf(stream.types[type]));
  for (const { since } of stream.awaited.values()) oldest = Math.min(oldest, since);
  return oldest;
}

/** Virtual hosts that requests wait for. */
function hurriedHosts({ asked }: StreamState, { type }: TypeState, wanted: Wanted): ReadonlySet<string> {
  if (type !== 'virtualHost' || asked.size === 0) return NOBODY;
  return new Set([...asked].map((name) => wanted.hostFor(name)).filter((name) => name !== undefined));
}

const NOBODY: ReadonlySet<string> = new Set();

/**
 * The oldest change of a type that is not even on its way. Envoy takes responses in one after the other, and a cluster is
 * ready for use once its endpoints are there: who is in a hurry need not wait for the answers to these two.
 */
function unsentSince(state: TypeState): number {
  const { type, inFlight, dirtySince, isolatedSince } = state;
  const isReadyOnArrival = type === 'endpoint' || inFlight?.isReadyWithEndpoints === true;
  return isReadyOnArrival ? Math.min(dirtySince, isolatedSince) : outstandingSince(state);
}

/** What of a type may go out now. */
export interface Ready {
  readonly names: readonly string[];
  /** The answer that is due. */
  readonly answer: boolean;
}

/**
 * Each pending update waits for the changes of earlier types that it may refer to, which are at most as new as itself; so
 * one that came later, or that changes all the time, holds up no other. Starts and ends the bounded waits.
 */
export function readyUpdates(stream: StreamState, state: TypeState, wanted: Wanted, nowMs: number): Ready {
  state.heldBackUntilMs = undefined;
  if (state.dirty.size === 0 && state.answerDue === undefined) return { names: [], answer: false };
  const outstanding = oldestOfEarlier(stream, state, outstandingSince);
  const hurried = hurriedHosts(stream, state, wanted);
  const unsent = hurried.size === 0 ? outstanding : oldestOfEarlier(stream, state, unsentSince);
  const names: string[] = [];
  for (const [name, pending] of state.dirty) {
    const waiting = wait(state, pending, hurried.has(name) ? unsent : outstanding, nowMs);
    if (waiting === undefined) names.push(name);
    else state.dirty.set(name, waiting);
  }
  const waiting = state.answerDue && wait(state, state.answerDue, outstanding, nowMs);
  const answer = state.answerDue !== undefined && waiting === undefined;
  if (waiting !== undefined) state.answerDue = waiting;
  // A first answer goes out as a whole, and so does the full set of a state of the world.
  const isWhole = state.answerDue !== undefined || (stream.protocol === 'sotw' && isSetType(state.type));
  return isWhole && state.heldBackUntilMs !== undefined ? { names: [], answer: false } : { names, answer };
}

/** Parts of a refused response were ready once, so they wait only for what changed since. */
export function mayRepeat(stream: StreamState, state: TypeState, group: readonly string[], nowMs: number): boolean {
  const outstanding = oldestOfEarlier(stream, state, outstandingSince);
  state.heldBackUntilMs = undefined;
  return group.every((name) => {
    const pending = state.dirty.get(name);
    const waiting = pending && wait(state, pending, outstanding, nowMs);
    if (waiting !== undefined) state.dirty.set(name, waiting);
    return waiting === undefined;
  });
}

/** What is still to wait for `outstanding`, with the end of its wait; undefined when it may go out. */
function wait(state: TypeState, pending: Pending, outstanding: number, nowMs: number): Pending | undefined {
  const { changedAt, waitsUntilMs = nowMs + HOLD_BACK_MS } = pending;
  if (changedAt < outstanding || nowMs >= waitsUntilMs) return undefined;
  state.heldBackUntilMs = Math.min(state.heldBackUntilMs ?? waitsUntilMs, waitsUntilMs);
  return pending.waitsUntilMs === undefined ? { ...pending, waitsUntilMs } : pending;
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
