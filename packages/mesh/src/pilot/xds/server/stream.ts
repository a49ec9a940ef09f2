import { type ResourceChange, typeUrls } from '../resource.ts';
import { applyDeltaRequest, type Built, buildDeltaResponse } from './delta.ts';
import { defersRemovals, mayRemove, mayRepeat, type Ready, readyUpdates } from './order.ts';
import { applySotwRequest, buildSotwResponse } from './sotw.ts';
import {
  covers,
  force,
  isSetType,
  mark,
  type Need,
  need,
  type Request,
  type Response,
  resourceType,
  type StreamState,
  type TypeState,
  typeOrder,
  UNKNOWN_VERSION,
  type Wanted,
} from './state.ts';

export type Input =
  | { readonly kind: 'request'; readonly request: Request }
  /** The wanted state has changed already; these names are all that did. */
  | { readonly kind: 'change'; readonly change: ResourceChange }
  /** What there is for the hosts that were asked for is there now. */
  | { readonly kind: 'asked' }
  /** The time that an earlier output asked to be called at. */
  | { readonly kind: 'wake' };

export interface Output {
  /** To be sent in this order. */
  readonly responses: readonly Response[];
  /** When to give the input `wake` unless another input comes before. */
  readonly wakeAtMs: number | undefined;
}

/** Type URLs that we do not serve and will answer on one stream: a client has a handful. */
const MAX_FOREIGN_TYPES = 32;

/**
 * One step of a stream: takes in one input and says what to send. It reads nothing but its arguments and alters
 * nothing but `stream`. The work is proportional to what the input names, not to what the stream holds.
 */
export function step(stream: StreamState, wanted: Wanted, input: Input, nowMs: number): Output {
  stream.sequence++;
  stream.expectsHosts ||= wanted.resources('virtualHost').size > 0;
  const responses: Response[] = [];
  if (input.kind === 'change') applyChange(stream, wanted, input.change);
  else if (input.kind === 'request') applyRequest(stream, wanted, input.request, responses);
  else if (input.kind === 'asked') answerAbsent(stream, wanted, responses);
  for (const type of typeOrder) examine(stream, stream.types[type], wanted);
  // What is settled without a message may be what an earlier type waits for.
  let hasSettled: boolean;
  do {
    hasSettled = false;
    for (const type of typeOrder) {
      const outcome = advance(stream, stream.types[type], wanted, nowMs);
      if (outcome === 'settled') hasSettled = true;
      else if (outcome !== 'nothing') responses.push(outcome);
    }
  } while (hasSettled);
  let wakeAtMs: number | undefined;
  for (const type of typeOrder) {
    const { heldBackUntilMs, removalsWaitUntilMs } = stream.types[type];
    for (const atMs of [heldBackUntilMs, removalsWaitUntilMs]) {
      // A time that has passed woke us already; what still holds that type back ends with a request.
      if (atMs !== undefined && atMs > nowMs) wakeAtMs = Math.min(wakeAtMs ?? atMs, atMs);
    }
  }
  return { responses, wakeAtMs };
}

function applyChange(stream: StreamState, wanted: Wanted, change: ResourceChange): void {
  for (const [type, names] of change) {
    const state = stream.types[type];
    for (const name of names) if (covers(state, name)) mark(state, name, stream.sequence);
    if (type !== 'cluster') continue;
    const clusters = wanted.resources('cluster');
    for (const name of names) if (!clusters.has(name)) stream.awaited.delete(name);
  }
}

function applyRequest(stream: StreamState, wanted: Wanted, request: Request, responses: Response[]): void {
  const type = resourceType(request.typeUrl);
  if (type === undefined) {
    const response = answerForeign(stream, request);
    if (response !== undefined) responses.push(response);
    return;
  }
  const state = stream.types[type];
  const isFirst = !state.isRequested;
  if (request.protocol === 'delta') applyDeltaRequest(stream, state, request, wanted);
  else applySotwRequest(stream, state, request, wanted);
  if (type === 'cluster' && isFirst) awaitHeldClusters(stream, wanted);
  if (type === 'endpoint') endAwaiting(stream);
}

/** Requests for hosts that there will be nothing for do not wait any longer. */
function answerAbsent(stream: StreamState, wanted: Wanted, responses: Response[]): void {
  const absent = [...stream.asked].filter((name) => wanted.hostFor(name) === undefined);
  if (absent.length === 0) return;
  for (const name of absent) stream.asked.delete(name);
  const nonce = nextNonce(stream);
  responses.push({ typeUrl: typeUrls.virtualHost, nonce, version: nonce, resources: [], removed: [], absent });
}

/** A client that reconnects with its clusters has not asked for their endpoints on this stream yet. */
function awaitHeldClusters(stream: StreamState, wanted: Wanted): void {
  const { cluster, endpoint } = stream.types;
  for (const { name, version, edsName } of wanted.resources('cluster').values()) {
    if (edsName === undefined || cluster.held.get(name) !== version || covers(endpoint, edsName)) continue;
    stream.awaited.set(name, { edsName, since: 0, isSent: false });
  }
}

/** Endpoints that the client has asked for by now are as urgent as the clusters that need them. */
function endAwaiting(stream: StreamState): void {
  const { endpoint } = stream.types;
  for (const [cluster, { edsName, since, isSent }] of stream.awaited) {
    if (!covers(endpoint, edsName)) continue;
    stream.awaited.delete(cluster);
    if (isSent) force(endpoint, edsName, since);
    else mark(endpoint, edsName, since);
  }
}

/** Nothing exists of a type that we do not serve. The client is told so, because it may wait for an answer. */
function answerForeign(stream: StreamState, request: Request): Response | undefined {
  const { typeUrl } = request;
  const isFirst = !stream.foreign.has(typeUrl);
  if (isFirst && stream.foreign.size >= MAX_FOREIGN_TYPES) return undefined;
  stream.foreign.add(typeUrl);
  const removed = request.protocol === 'delta' ? request.subscribe.filter((name) => name !== '*') : [];
  if (!isFirst && removed.length === 0) return undefined;
  const nonce = nextNonce(stream);
  return { typeUrl, nonce, version: nonce, resources: [], removed };
}

/** Reduces what is marked to what the client really lacks, and sets removals apart that have to wait. */
function examine(stream: StreamState, state: TypeState, wanted: Wanted): void {
  // What the client will hold is known only when it has answered.
  if (state.inFlight !== undefined) return;
  const available = wanted.resources(state.type);
  state.isolated = state.isolated
    .map((group) => group.filter((name) => keepIsolated(state, name, need(state, name, available.get(name)))))
    .filter((group) => group.length > 0);
  if (state.isolated.length === 0) state.isolatedSince = Number.POSITIVE_INFINITY;
  for (const name of state.dirty.keys()) {
    const lack = need(state, name, available.get(name));
    if (lack === 'update') continue;
    if (lack === 'none') dropDirty(stream, state, name);
    else if (lack === 'absence' && cannotRemove(stream, state)) tellNothing(stream, state, name);
    else if (lack === 'removal' && defersRemovals(state.type)) deferRemoval(stream, state, name);
  }
  for (const name of state.removals) {
    const lack = need(state, name, available.get(name));
    if (lack === 'removal') continue;
    state.removals.delete(name);
    // Replaced instead of removed: what waited for the removal waits for that.
    if (lack !== 'none') mark(state, name, state.removalsSince);
  }
  if (state.dirty.size === 0 && state.answerDue === undefined) state.dirtySince = Number.POSITIVE_INFINITY;
  if (state.removals.size === 0) {
    state.removalsSince = Number.POSITIVE_INFINITY;
    state.removalsWaitUntilMs = undefined;
  }
}

/** What was removed meanwhile leaves its group and waits its turn with the others; listeners' removals need not wait. */
function keepIsolated(state: TypeState, name: string, lack: Need): boolean {
  if (lack === 'none') return false;
  if (lack === 'update' || !defersRemovals(state.type)) return true;
  mark(state, name, state.isolatedSince);
  return false;
}

function dropDirty(stream: StreamState, state: TypeState, name: string): void {
  state.dirty.delete(name);
  const refused = state.refused.get(name);
  const held = state.held.get(name);
  if (refused !== undefined && held !== UNKNOWN_VERSION && refused.version !== held) {
    state.refused.delete(name);
    stream.refusalRevision++;
  }
}

/** The state-of-the-world protocol has no message for an endpoint set or a route table that is gone. */
function cannotRemove(stream: StreamState, state: TypeState): boolean {
  return stream.protocol === 'sotw' && !isSetType(state.type);
}

function tellNothing(stream: StreamState, state: TypeState, name: string): void {
  state.dirty.delete(name);
  state.forced.delete(name);
  state.held.set(name, null);
  if (state.refused.delete(name)) stream.refusalRevision++;
}

function deferRemoval(stream: StreamState, state: TypeState, name: string): void {
  const { since = state.dirtySince, changedAt = stream.sequence } = state.dirty.get(name) ?? {};
  state.dirty.delete(name);
  state.removals.add(name);
  // What was refused is not wanted any more.
  if (state.refused.delete(name)) stream.refusalRevision++;
  state.removalsSince = Math.min(state.removalsSince, since);
  state.removalsChangedAt = Math.max(state.removalsChangedAt, changedAt);
}

/** The next response of a type if it can go out now; `settled` if something was done that needs no message. */
function advance(
  stream: StreamState,
  state: TypeState,
  wanted: Wanted,
  nowMs: number,
): Response | 'settled' | 'nothing' {
  if (!state.isRequested || state.inFlight !== undefined) return 'nothing';
  if (state.type === 'secret') isolateAll(state);
  const isolated = state.isolated[0];
  const ready = isolated === undefined ? readyUpdates(stream, state, wanted, nowMs) : NOTHING_READY;
  const sendsUpdates =
    isolated === undefined ? ready.names.length > 0 || ready.answer : mayRepeat(stream, state, isolated, nowMs);
  const sendsRemovals = isolated === undefined && state.removals.size > 0 && mayRemove(stream, state, nowMs);
  if (!sendsUpdates && !sendsRemovals) return 'nothing';

  const names = isolated ?? [...ready.names, ...(sendsRemovals ? state.removals : [])];
  const nonce = nextNonce(stream);
  const built =
    stream.protocol === 'delta'
      ? buildDeltaResponse(stream, state, names, wanted, nonce)
      : buildSotwResponse(state, names, sendsRemovals ? new Set() : state.removals, wanted, nonce);
  const since = Math.min(
    isolated === undefined ? takeReady(state, ready) : state.isolatedSince,
    sendsRemovals ? state.removalsSince : Number.POSITIVE_INFINITY,
  );
  if (isolated !== undefined) {
    state.isolated.shift();
    if (state.isolated.length === 0) state.isolatedSince = Number.POSITIVE_INFINITY;
  }
  if (sendsRemovals) {
    if (cannotRemove(stream, state)) for (const name of state.removals) tellNothing(stream, state, name);
    state.removals.clear();
    state.removalsSince = Number.POSITIVE_INFINITY;
    state.removalsWaitUntilMs = undefined;
  }
  if (built === undefined) return 'settled';
  takeOff(stream, state, built, since);
  return built.response;
}

const NOTHING_READY: Ready = { names: [], answer: false };

/** What is sent is no longer pending. Gives the oldest change in it. */
function takeReady(state: TypeState, { names, answer }: Ready): number {
  let since = Number.POSITIVE_INFINITY;
  for (const name of names) {
    since = Math.min(since, state.dirty.get(name)?.since ?? since);
    state.dirty.delete(name);
  }
  if (answer) {
    since = Math.min(since, state.answerDue?.since ?? since);
    state.answerDue = undefined;
  }
  state.dirtySince = state.answerDue?.since ?? Number.POSITIVE_INFINITY;
  for (const pending of state.dirty.values()) state.dirtySince = Math.min(state.dirtySince, pending.since);
  return since;
}

/**
 * Envoy refuses a bad secret once only: when it is sent again, to find out which one is bad, Envoy takes it for the one that
 * it has, and acknowledges it. So each goes out on its own from the beginning.
 */
function isolateAll(state: TypeState): void {
  if (state.dirty.size === 0) return;
  state.isolated.push(...[...state.dirty.keys()].map((name) => [name]));
  state.isolatedSince = Math.min(state.isolatedSince, state.dirtySince);
  state.dirty.clear();
  state.dirtySince = Number.POSITIVE_INFINITY;
}

function takeOff(stream: StreamState, state: TypeState, built: Built, since: number): void {
  const { items, resources, response } = built;
  const isReadyWithEndpoints =
    state.type === 'cluster' && response.resources.every(({ edsName }) => edsName !== undefined);
  state.inFlight = { nonce: response.nonce, items, since, isReadyWithEndpoints, ...(resources && { resources }) };
  state.lastNonce = response.nonce;
  for (const name of items.keys()) state.forced.delete(name);
  if (state.type === 'cluster') requireEndpoints(stream, built, since);
}

/**
 * Envoy warms a cluster that is new or altered, and for that it needs its endpoints once more: it may ask for them or,
 * if it holds them already, just wait.
 */
function requireEndpoints(stream: StreamState, { items, response }: Built, since: number): void {
  const { endpoint } = stream.types;
  for (const name of response.removed) stream.awaited.delete(name);
  for (const { name, edsName } of response.resources) {
    if (!items.has(name)) continue;
    if (edsName === undefined) stream.awaited.delete(name);
    else if (covers(endpoint, edsName)) force(endpoint, edsName, since);
    else if (isHurried(stream, endpoint)) subscribeEarly(endpoint, edsName, since);
    else stream.awaited.set(name, { edsName, since, isSent: true });
  }
}

/** Requests wait for what is being sent. */
function isHurried({ asked, protocol }: StreamState, { isRequested }: TypeState): boolean {
  return protocol === 'delta' && asked.size > 0 && isRequested;
}

/**
 * Envoy knows that it wants the endpoints of a cluster as soon as it has taken it in, so they may come right behind it; it
 * asks for them all the same, and gets them again.
 */
function subscribeEarly(endpoint: TypeState, edsName: string, since: number): void {
  endpoint.names.add(edsName);
  force(endpoint, edsName, since);
}

function nextNonce(stream: StreamState): string {
  stream.nonces++;
  return String(stream.nonces);
}
