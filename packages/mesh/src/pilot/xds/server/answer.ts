import { defersRemovals } from './order.ts';
import {
  covers,
  type HeldVersion,
  isSetType,
  mark,
  type StreamState,
  type TypeState,
  UNKNOWN_VERSION,
} from './state.ts';

/** More suspects than this, named in a refusal, are searched by halves like all others. */
const MAX_SUSPECTS = 8;

/** The client applied the response in flight. */
export function acknowledge(stream: StreamState, state: TypeState): void {
  const { inFlight } = state;
  if (inFlight === undefined) return;
  state.inFlight = undefined;
  for (const [name, version] of inFlight.items) {
    if (!covers(state, name)) continue;
    hold(state, name, version);
    if (state.refused.delete(name)) stream.refusalRevision++;
    const resource = inFlight.resources?.get(name);
    if (resource === undefined) state.heldResources.delete(name);
    else state.heldResources.set(name, resource);
  }
}

/**
 * The client refused the response in flight. It may have applied any part of it (Envoy applies the good clusters and
 * listeners, but only the routes before the first bad one). So unless it is clear what is at fault, the parts go out
 * again in ever smaller responses, and one bad resource never keeps the others from the client.
 */
export function refuse(stream: StreamState, state: TypeState, message: string): void {
  const { inFlight } = state;
  if (inFlight === undefined) return;
  if (stream.protocol === 'sotw' && isSetType(state.type)) {
    refuseSet(stream, state, message);
    return;
  }
  state.inFlight = undefined;
  const updates: string[] = [];
  const removals: string[] = [];
  for (const [name, version] of inFlight.items) {
    if (!covers(state, name)) continue;
    (version === null ? removals : updates).push(name);
    state.held.set(name, UNKNOWN_VERSION);
    if (state.type === 'cluster') stream.awaited.delete(name);
  }
  if (updates.length === 0 || updates.length + removals.length === 1) {
    for (const name of [...updates, ...removals]) note(stream, state, name, inFlight.items.get(name) ?? null, message);
    return;
  }
  const groups = split(updates, message);
  if (removals.length > 0) {
    if (defersRemovals(state.type)) {
      for (const name of removals) mark(state, name, inFlight.since);
    } else {
      // A listener that goes may be what holds the port of one that comes.
      groups.unshift(removals);
    }
  }
  state.isolated.unshift(...groups);
  state.isolatedSince = Math.min(state.isolatedSince, inFlight.since);
}

/**
 * A full set cannot be sent in parts: to leave one out is to remove it. What the message names is taken to be at
 * fault and the rest to be applied; when it names nothing, all that was new in the set.
 */
function refuseSet(stream: StreamState, state: TypeState, message: string): void {
  const items = state.inFlight?.items ?? new Map<string, HeldVersion>();
  const updates = [...items].filter(([, version]) => version !== null).map(([name]) => name);
  const suspects = updates.length === 0 ? [...items.keys()] : updates;
  const named = suspects.filter((name) => mentions(message, name));
  const blamed = named.length === 0 ? suspects : named;
  const before = new Map(state.heldResources);
  acknowledge(stream, state);
  for (const name of blamed) {
    if (!covers(state, name)) continue;
    const resource = before.get(name);
    if (resource === undefined) state.heldResources.delete(name);
    else state.heldResources.set(name, resource);
    state.held.set(name, UNKNOWN_VERSION);
    if (state.type === 'cluster') stream.awaited.delete(name);
    note(stream, state, name, items.get(name) ?? null, message);
  }
}

function hold(state: TypeState, name: string, version: HeldVersion): void {
  // That a resource is absent is worth knowing only where its name was asked for.
  if (version === null && !state.names.has(name)) state.held.delete(name);
  else state.held.set(name, version);
}

function note(stream: StreamState, state: TypeState, name: string, version: HeldVersion, message: string): void {
  state.refused.set(name, { version, message });
  stream.refusalRevision++;
}

/** Smaller groups than `names`, the ones that are probably good first. `names` has at least one element. */
function split(names: readonly string[], message: string): string[][] {
  const suspects = names.filter((name) => mentions(message, name));
  if (suspects.length > 0 && suspects.length <= MAX_SUSPECTS && names.length > 1) {
    const others = names.filter((name) => !suspects.includes(name));
    return [...(others.length > 0 ? [others] : []), ...suspects.map((name) => [name])];
  }
  const middle = Math.ceil(names.length / 2);
  return [names.slice(0, middle), names.slice(middle)].filter((group) => group.length > 0);
}

/** Whether `name` stands in `message` and is not just a part of a longer word. */
function mentions(message: string, name: string): boolean {
  for (let at = message.indexOf(name); at >= 0; at = message.indexOf(name, at + 1)) {
    const isPart = /[\w|]/.test(message[at - 1] ?? '') || /[\w|]/.test(message[at + name.length] ?? '');
    if (!isPart) return true;
  }
  return false;
}
