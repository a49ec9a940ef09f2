import { createHash } from 'node:crypto';
import { type Resource, typeUrls } from '../resource.ts';
import { acknowledge, refuse } from './answer.ts';
import type { Built } from './delta.ts';
import {
  covers,
  forget,
  type HeldVersion,
  isSetType,
  markSubscribed,
  oweAnswer,
  type SotwRequest,
  type StreamState,
  type TypeState,
  type Wanted,
} from './state.ts';

/** Takes in a `DiscoveryRequest` (the xDS protocol, "Basic Protocol Overview"). */
export function applySotwRequest(stream: StreamState, state: TypeState, request: SotwRequest, wanted: Wanted): void {
  const isFirst = !state.isRequested;
  if (!isFirst && request.nonce !== '') {
    // Sent before the client saw our last response, to which its answer is still to come.
    if (request.nonce !== state.lastNonce) return;
    if (request.nonce === state.inFlight?.nonce) {
      if (request.error === undefined) acknowledge(stream, state);
      else refuse(stream, state, request.error);
    }
  }
  state.isRequested = true;
  if (isFirst) state.implicitWildcard = request.names.length === 0 && isSetType(state.type);
  else if (request.names.length > 0) state.implicitWildcard = false;
  const names = new Set(request.names);
  const hadWildcard = state.wildcard;
  state.wildcard = state.implicitWildcard || names.delete('*');
  for (const name of [...state.names]) {
    if (names.has(name)) continue;
    state.names.delete(name);
    if (!state.wildcard) forget(stream, state, name);
  }
  for (const name of names) {
    if (state.names.has(name)) continue;
    state.names.add(name);
    state.forced.add(name);
    markSubscribed(stream, state, name);
  }
  if (hadWildcard && !state.wildcard) {
    for (const name of [...state.held.keys(), ...state.dirty.keys()]) if (!names.has(name)) forget(stream, state, name);
  }
  if (isFirst && isSetType(state.type) && acceptsHeldSet(state, request.version, wanted)) return;
  if (isFirst || (state.wildcard && !hadWildcard)) {
    if (state.wildcard) for (const name of wanted.resources(state.type).keys()) markSubscribed(stream, state, name);
    if (isSetType(state.type)) {
      oweAnswer(stream, state);
    }
  }
}

/** A client that reconnects with the very set that it should have is not sent it again. */
function acceptsHeldSet(state: TypeState, version: string, wanted: Wanted): boolean {
  const resources = [...wanted.resources(state.type).values()].filter(({ name }) => covers(state, name));
  if (resources.length === 0 || version !== digest(resources)) return false;
  for (const resource of resources) {
    state.held.set(resource.name, resource.version);
    if (state.type === 'cluster') state.heldResources.set(resource.name, resource);
    state.forced.delete(resource.name);
  }
  return true;
}

/**
 * The full set of clusters or listeners, with those whose removal is withheld; or of other types what `names` lack. A
 * name that does not exist is left out: this protocol has no word for it.
 */
export function buildSotwResponse(
  state: TypeState,
  names: Iterable<string>,
  withheld: ReadonlySet<string>,
  wanted: Wanted,
  nonce: string,
): Built | undefined {
  const available = wanted.resources(state.type);
  const isSet = isSetType(state.type);
  const resources: Resource[] = [];
  const items = new Map<string, HeldVersion>();
  for (const name of isSet ? available.keys() : names) {
    const resource = available.get(name);
    if (resource === undefined || !covers(state, name)) continue;
    resources.push(resource);
    if (!isSet || state.held.get(name) !== resource.version || state.forced.has(name))
      items.set(name, resource.version);
  }
  if (!isSet) {
    if (resources.length === 0) return undefined;
    return { response: response(state, resources, nonce), items };
  }
  for (const name of [...state.held.keys(), ...state.forced]) {
    if (available.has(name)) continue;
    const kept = withheld.has(name) ? state.heldResources.get(name) : undefined;
    if (kept === undefined) items.set(name, null);
    else resources.push(kept);
  }
  const kept = state.type === 'cluster' ? new Map(resources.map((resource) => [resource.name, resource])) : undefined;
  return { response: response(state, resources, nonce), items, ...(kept && { resources: kept }) };
}

function response(state: TypeState, resources: readonly Resource[], nonce: string) {
  return { typeUrl: typeUrls[state.type], nonce, version: digest(resources), resources, removed: [] };
}

/** Equal sets have an equal version, whatever their order and also after a restart. */
function digest(resources: readonly Resource[]): string {
  const hash = createHash('sha256');
  for (const line of resources.map(({ name, version }) => `${name}\0${version}\n`).sort()) hash.update(line);
  return hash.digest('hex').slice(0, 16);
}
