import { type Protocol, type Resource, type ResourceType, typeUrls } from '../resource.ts';

/** Make before break: the order in which changes of one batch go out. A later type refers to earlier ones. */
export const typeOrder = [
  'secret',
  'cluster',
  'endpoint',
  'extension',
  'listener',
  'route',
  'virtualHost',
] as const satisfies readonly ResourceType[];

/** A `DeltaDiscoveryRequest` or `DiscoveryRequest`, without the node. */
export type Request = DeltaRequest | SotwRequest;

interface RequestBase {
  readonly typeUrl: string;
  /** Empty in a request that answers no response. */
  readonly nonce: string;
  /** Present in a NACK: the client's own words. */
  readonly error?: string;
}

export interface DeltaRequest extends RequestBase {
  readonly protocol: 'delta';
  readonly subscribe: readonly string[];
  readonly unsubscribe: readonly string[];
  /** What the client holds already, by name. Only the first request of a type on a stream may say so. */
  readonly initialVersions: ReadonlyMap<string, string>;
}

export interface SotwRequest extends RequestBase {
  readonly protocol: 'sotw';
  /** The `version_info` of the last response that the client accepted, perhaps on an earlier stream. */
  readonly version: string;
  readonly names: readonly string[];
}

/** What to send. The caller encodes it: the resources' bytes are shared and never changed. */
export interface Response {
  readonly typeUrl: string;
  readonly nonce: string;
  readonly version: string;
  readonly resources: readonly Resource[];
  /** Names that do not exist (any more). Always empty in the state-of-the-world protocol. */
  readonly removed: readonly string[];
  /** Other names, by the resource's own, under which the client asked for it: it waits for these. */
  readonly aliases?: ReadonlyMap<string, readonly string[]>;
  /** Names that were asked for and that nothing is there for. (To be told that they are removed is no answer to Envoy.) */
  readonly absent?: readonly string[];
}

/**
 * What a client holds under a name: a version; `null` when it was told that there is no such resource; or
 * `UNKNOWN_VERSION` when a response was refused of which it may have applied this part.
 */
export type HeldVersion = string | null;
export const UNKNOWN_VERSION = '';

export interface InFlight {
  readonly nonce: string;
  /** What the client will hold once it acknowledges; `null` is a removal. */
  readonly items: ReadonlyMap<string, HeldVersion>;
  /** The oldest change that this response carries. */
  readonly since: number;
  /** Clusters: each is ready for use as soon as its endpoints are there, which are sent behind it. */
  readonly isReadyWithEndpoints?: boolean;
  /** State of the world: the clusters in it, kept to be repeated while their removal is withheld. */
  readonly resources?: ReadonlyMap<string, Resource>;
}

export interface Refused {
  readonly version: HeldVersion;
  readonly message: string;
}

/** Everything that a stream knows of one resource type. `Number.POSITIVE_INFINITY` in a `...Since` means: none. */
export interface TypeState {
  readonly type: ResourceType;
  /** The client has sent a request of this type. Nothing is sent before. */
  isRequested: boolean;
  wildcard: boolean;
  /** Wildcard because the first request named nothing. Only the state-of-the-world protocol can lose it again. */
  implicitWildcard: boolean;
  readonly names: Set<string>;
  readonly held: Map<string, HeldVersion>;
  /** State of the world only: the last accepted content of each cluster. */
  readonly heldResources: Map<string, Resource>;
  /** Names that may differ from what the client holds, and have not been sent since. */
  readonly dirty: Map<string, Pending>;
  /** The oldest of them, and of the answer that is due. */
  dirtySince: number;
  /** Names to send even if the client holds this version, or refused it. */
  readonly forced: Set<string>;
  /** A first response is due although there may be nothing to put into it. */
  answerDue: Pending | undefined;
  /** Resources that are gone, and that earlier content of later types may still use. */
  readonly removals: Set<string>;
  removalsSince: number;
  removalsChangedAt: number;
  /** When waiting for requests of the types that may use them ends. */
  removalsWaitUntilMs: number | undefined;
  /** Parts of refused responses, each to be sent on its own, to find the resource that is at fault. */
  isolated: string[][];
  isolatedSince: number;
  inFlight: InFlight | undefined;
  /** The nonce of the last response of this type. */
  lastNonce: string;
  readonly refused: Map<string, Refused>;
  /** When waiting for earlier types ends for the first of those that wait. */
  heldBackUntilMs: number | undefined;
}

/** What waits to be sent. */
export interface Pending {
  /** The oldest change that it carries. */
  readonly since: number;
  /** The newest: what it may refer to is at most as new. */
  readonly changedAt: number;
  /** When its waiting for earlier types ends, once it has begun. */
  readonly waitsUntilMs?: number;
}

/** A cluster's endpoints that the client has not asked for yet. */
export interface AwaitedEndpoints {
  readonly edsName: string;
  readonly since: number;
  /** The cluster was sent on this stream, so the client needs its endpoints anew even if it holds them. */
  readonly isSent: boolean;
}

export interface StreamState {
  readonly protocol: Protocol;
  readonly types: Readonly<Record<ResourceType, TypeState>>;
  /** By the cluster's name. */
  readonly awaited: Map<string, AwaitedEndpoints>;
  /** Hosts that requests wait for at the client, as it named them, and that were not answered yet. */
  readonly asked: Set<string>;
  /** Some of its tables have virtual hosts that come on their own, so it will ask for these. */
  expectsHosts: boolean;
  /** Type URLs that Pilot does not serve and that were answered. */
  readonly foreign: Set<string>;
  /** Counts inputs: the age of a change. */
  sequence: number;
  nonces: number;
  /** Goes up whenever the refused resources change. */
  refusalRevision: number;
}

/** The wanted state, as `ProxyView` has it. */
export interface Wanted {
  resources(type: ResourceType): ReadonlyMap<string, Resource>;
  hostFor(asked: string): string | undefined;
}

const typeByUrl = new Map<string, ResourceType>(typeOrder.map((type) => [typeUrls[type], type]));

export function resourceType(typeUrl: string): ResourceType | undefined {
  return typeByUrl.get(typeUrl);
}

/**
 * Clusters and listeners: an empty subscription means all, and state-of-the-world responses carry the full set. So it is
 * with virtual hosts: Envoy asks once and for all of its tables, without a name.
 */
export function isSetType(type: ResourceType): boolean {
  return type === 'cluster' || type === 'listener' || type === 'virtualHost';
}

export function createStreamState(protocol: Protocol): StreamState {
  return {
    protocol,
    types: {
      secret: createTypeState('secret'),
      cluster: createTypeState('cluster'),
      endpoint: createTypeState('endpoint'),
      extension: createTypeState('extension'),
      listener: createTypeState('listener'),
      route: createTypeState('route'),
      virtualHost: createTypeState('virtualHost'),
    },
    awaited: new Map(),
    asked: new Set(),
    expectsHosts: false,
    foreign: new Set(),
    sequence: 0,
    nonces: 0,
    refusalRevision: 0,
  };
}

function createTypeState(type: ResourceType): TypeState {
  return {
    type,
    isRequested: false,
    wildcard: false,
    implicitWildcard: false,
    names: new Set(),
    held: new Map(),
    heldResources: new Map(),
    dirty: new Map(),
    dirtySince: Number.POSITIVE_INFINITY,
    forced: new Set(),
    answerDue: undefined,
    removals: new Set(),
    removalsSince: Number.POSITIVE_INFINITY,
    removalsChangedAt: 0,
    removalsWaitUntilMs: undefined,
    isolated: [],
    isolatedSince: Number.POSITIVE_INFINITY,
    inFlight: undefined,
    lastNonce: '',
    refused: new Map(),
    heldBackUntilMs: undefined,
  };
}

/** Whether the client wants to know about `name`. */
export function covers(state: TypeState, name: string): boolean {
  return state.wildcard || state.names.has(name);
}

/** Notes that `name` may have to be sent because of a change that is as old as `since`. */
export function mark(state: TypeState, name: string, since: number, changedAt = since): void {
  const before = state.dirty.get(name);
  state.dirty.set(name, before === undefined ? { since, changedAt } : together(before, { since, changedAt }));
  state.dirtySince = Math.min(state.dirtySince, since);
}

function together(before: Pending, now: Pending): Pending {
  return {
    ...before,
    since: Math.min(before.since, now.since),
    changedAt: Math.max(before.changedAt, now.changedAt),
  };
}

/** Notes that `name` has to be sent, whatever the client holds. */
export function force(state: TypeState, name: string, since: number): void {
  state.forced.add(name);
  mark(state, name, since);
}

/**
 * Notes a difference that a subscription brought to light. It may be older than any change that this stream has seen,
 * so removals wait for it and later types as well.
 */
export function markSubscribed(stream: StreamState, state: TypeState, name: string): void {
  mark(state, name, 0, stream.sequence);
}

/** Notes that the client waits for a first response, whatever there is to put into it. */
export function oweAnswer(stream: StreamState, state: TypeState): void {
  state.answerDue = { since: 0, changedAt: stream.sequence };
  state.dirtySince = 0;
}

/** The client no longer wants `name`: nothing about it is kept. */
export function forget(stream: StreamState, state: TypeState, name: string): void {
  state.held.delete(name);
  state.heldResources.delete(name);
  state.forced.delete(name);
  state.dirty.delete(name);
  state.removals.delete(name);
  if (state.refused.delete(name)) stream.refusalRevision++;
}

export type Need =
  | 'none'
  | 'update'
  /** The client asked for a name that does not exist and has to be told. Nothing of its own depends on it. */
  | 'absence'
  /** The client holds something that is gone. */
  | 'removal';

/** What the client lacks under `name`, of which `resource` is the wanted content. */
export function need(state: TypeState, name: string, resource: Resource | undefined): Need {
  if (!covers(state, name)) return 'none';
  const held = state.held.get(name);
  const isForced = state.forced.has(name);
  if (resource !== undefined) {
    if (isForced) return 'update';
    if (held === resource.version) return 'none';
    return state.refused.get(name)?.version === resource.version ? 'none' : 'update';
  }
  if (isForced) return 'absence';
  if (held === null) return 'none';
  if (held === undefined) return state.names.has(name) ? 'absence' : 'none';
  return state.refused.get(name)?.version === null ? 'none' : 'removal';
}

/** The age of the oldest change that was not yet acknowledged or refused; removals that may have to wait are apart. */
export function outstandingSince(state: TypeState): number {
  return Math.min(
    state.dirtySince,
    state.isolatedSince,
    state.inFlight === undefined ? Number.POSITIVE_INFINITY : state.inFlight.since,
  );
}
