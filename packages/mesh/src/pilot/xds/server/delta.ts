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
  oweAnswer,
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
  if (state.type === 'virtualHost') askForHosts(stream, state, request, wanted);
  else {
    const versions = isFirst ? request.initialVersions : NOTHING;
    for (const name of request.subscribe) subscribe(stream, state, name, versions, resources);
  }
  // Envoy asks for virtual hosts once without a name, and means all; later with names, and means to hurry.
  const isImplicit =
    isFirst && isSetType(state.type) && (request.subscribe.length === 0 || state.type === 'virtualHost');
  if (isImplicit) state.implicitWildcard = true;
  if ((isImplicit || request.subscribe.includes('*')) && !state.wildcard) {
    subscribeToAll(stream, state, isFirst ? request.initialVersions : NOTHING, resources);
  }
}

const NOTHING: ReadonlyMap<string, string> = new Map();

function subscribe(
  stream: StreamState,
  state: TypeState,
  name: string,
  initialVersions: ReadonlyMap<string, string>,
  resources: ReadonlyMap<string, Resource>,
): void {
  if (name === '*') return;
  const own = sharedName(name, resources);
  state.names.add(own);
  const version = initialVersions.get(name);
  if (version === undefined) state.forced.add(own);
  else state.held.set(own, sharedVersion(name, version, resources));
  markSubscribed(stream, state, own);
}

/** Each request brings its own copy of each name. What is kept of it is the one that all streams have. */
function sharedName(name: string, resources: ReadonlyMap<string, Resource>): string {
  return resources.get(name)?.name ?? name;
}

function sharedVersion(name: string, version: string, resources: ReadonlyMap<string, Resource>): string {
  const known = resources.get(name)?.version;
  return known === version ? known : version;
}

/** More than one client can have requests waiting for. */
const MAX_ASKED = 10_000;

/** Hosts that requests wait for. Those that come with what the client holds already are not waited for. */
function askForHosts(stream: StreamState, state: TypeState, request: DeltaRequest, wanted: Wanted): void {
  for (const asked of request.subscribe) {
    if (asked === '*' || request.initialVersions.has(asked) || stream.asked.size >= MAX_ASKED) continue;
    stream.asked.add(asked);
    const host = wanted.hostFor(asked);
    if (host !== undefined) force(state, host, stream.sequence);
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
    const own = sharedName(name, resources);
    state.held.set(own, sharedVersion(name, version, resources));
    markSubscribed(stream, state, own);
  }
  for (const name of resources.keys()) markSubscribed(stream, state, name);
  // A client that comes with nothing may wait for a first answer before it starts; one that reconnects does not.
  if (initialVersions.size === 0) {
    oweAnswer(stream, state);
  }
}

function unsubscribe(stream: StreamState, state: TypeState, name: string): void {
  if (name === '*') {
    state.wildcard = false;
    state.implicitWildcard = false;
    for (const held of [...state.held.keys(), ...state.dirty.keys()]) {
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
  stream: StreamState,
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
  if (items.size === 0 && state.answerDue === undefined) return undefined;
  const aliases = state.type === 'virtualHost' ? takeAliases(stream, items, wanted) : undefined;
  const more = aliases === undefined ? {} : { aliases };
  return { response: { typeUrl: typeUrls[state.type], nonce, version: nonce, resources, removed, ...more }, items };
}

/** The names under which hosts of a response were asked for: with it, they are answered. */
function takeAliases(
  { asked }: StreamState,
  items: ReadonlyMap<string, HeldVersion>,
  wanted: Wanted,
): ReadonlyMap<string, readonly string[]> | undefined {
  const aliases = new Map<string, string[]>();
  for (const name of asked) {
    const host = wanted.hostFor(name);
    if (host === undefined || !items.has(host)) continue;
    asked.delete(name);
    if (name !== host) aliases.set(host, [...(aliases.get(host) ?? []), name]);
  }
  return aliases.size === 0 ? undefined : aliases;
}
