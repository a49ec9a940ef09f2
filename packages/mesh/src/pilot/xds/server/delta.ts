import { type Resource, typeUrls } from '../resource.ts';
import { acknowledge, refuse } from './answer.ts';
import {
  covers,
  type DeltaRequest,
  force,
  forget,
  type HeldVersion,
  isSetType,
  markSubscribed,
  need,
  type Response,
  type StreamState,
  type TypeState,
  type Wanted,
} from './state.ts';

/** Takes in a `DeltaDiscoveryRequest` (the xDS protocol, "Incremental xDS"). */
export function applyDeltaRequest(stream: StreamState, state: TypeState, request: DeltaRequest, wanted: Wanted): void {
  if (request.nonce !== '' && request.nonce === state.inFlight?.nonce) {
    if (request.error === undefined) acknowledge(stream, state);
    else refuse(stream, state, request.error);
  }
  const isFirst = !state.isRequested;
  state.isRequested = true;
  const resources = wanted.resources(state.type);
  for (const name of request.unsubscribe) unsubscribe(stream, state, name);
  for (const name of request.subscribe) {
    if (name === '*') continue;
    state.names.add(name);
    const version = isFirst ? request.initialVersions.get(name) : undefined;
    if (version === undefined) {
      state.forced.add(name);
    } else {
      state.held.set(name, version);
    }
    markSubscribed(stream, state, name);
  }
  const isImplicit = isFirst && request.subscribe.length === 0 && isSetType(state.type);
  if (isImplicit) state.implicitWildcard = true;
  if ((isImplicit || request.subscribe.includes('*')) && !state.wildcard) {
    subscribeToAll(stream, state, isFirst ? request.initialVersions : new Map(), resources);
  }
}

function subscribeToAll(
  stream: StreamState,
  state: TypeState,
  initialVersions: ReadonlyMap<string, string>,
  resources: ReadonlyMap<string, Resource>,
): void {
  state.wildcard = true;
  for (const [name, version] of initialVersions) {
    state.held.set(name, version);
    markSubscribed(stream, state, name);
  }
  for (const name of resources.keys()) markSubscribed(stream, state, name);
  // A client that comes with nothing may wait for a first answer before it starts; one that reconnects does not.
  if (initialVersions.size === 0) {
    state.answerDue = true;
    markSubscribed(stream, state);
  }
}

function unsubscribe(stream: StreamState, state: TypeState, name: string): void {
  if (name === '*') {
    state.wildcard = false;
    state.implicitWildcard = false;
    for (const held of [...state.held.keys(), ...state.dirty]) {
      if (!state.names.has(held)) forget(stream, state, held);
    }
    return;
  }
  if (!state.names.delete(name)) return;
  // Still in the wildcard set or not: the client cannot know, so it is told.
  if (state.wildcard) force(state, name, stream.sequence);
  else forget(stream, state, name);
}

export interface Built {
  readonly response: Response;
  readonly items: ReadonlyMap<string, HeldVersion>;
  /** State of the world, clusters: what the client will hold. */
  readonly resources?: ReadonlyMap<string, Resource>;
}

/** A response with what `names` lack; undefined when they lack nothing and no answer is due. */
export function buildDeltaResponse(
  state: TypeState,
  names: Iterable<string>,
  wanted: Wanted,
  nonce: string,
): Built | undefined {
  const available = wanted.resources(state.type);
  const items = new Map<string, HeldVersion>();
  const resources: Resource[] = [];
  const removed: string[] = [];
  for (const name of names) {
    if (items.has(name) || !covers(state, name)) continue;
    const resource = available.get(name);
    if (need(state, name, resource) === 'none') continue;
    items.set(name, resource?.version ?? null);
    if (resource === undefined) removed.push(name);
    else resources.push(resource);
  }
  if (items.size === 0 && !state.answerDue) return undefined;
  return { response: { typeUrl: typeUrls[state.type], nonce, version: nonce, resources, removed }, items };
}
