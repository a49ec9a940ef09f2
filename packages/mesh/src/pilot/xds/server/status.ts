import type { Protocol, Rejection, ResourceType } from '../resource.ts';
import { type StreamState, type TypeState, typeOrder } from './state.ts';

/** One connected proxy. A proxy that has just reconnected may be listed twice for a moment. */
export interface ProxyStatus {
  /** Unique among all streams of this server. */
  readonly streamId: number;
  readonly nodeId: string;
  /** Milliseconds since the epoch. */
  readonly connectedAtMs: number;
  readonly protocol: Protocol;
  /**
   * The proxy has asked for clusters and listeners and has answered everything that it should hold. With an empty
   * `rejected` it holds all of it; else it holds an earlier version of what it rejected.
   */
  readonly synced: boolean;
  /** It was synced at some time on this stream. */
  readonly everSynced: boolean;
  readonly rejected: readonly Rejection[];
  /** As it is when it is read: gathered only then, because it lists everything that the proxy holds. */
  readonly types: Readonly<Record<ResourceType, TypeStatus>>;
}

export interface TypeStatus {
  /** Names asked for; `'*'` for all. */
  readonly subscribed: number | '*';
  /** The version of each resource that the proxy holds. One that it may hold in part has an empty version. */
  readonly versions: ReadonlyMap<string, string>;
  /** Not answered yet: in flight, to be sent, or to be removed. */
  readonly pending: number;
}

export type AdsEvent =
  | { readonly kind: 'connected'; readonly streamId: number; readonly nodeId: string }
  /** `error` is set when this server ended the stream because of it. */
  | { readonly kind: 'disconnected'; readonly streamId: number; readonly nodeId: string; readonly error?: Error }
  /** `synced` or `rejected` is not what it was. */
  | {
      readonly kind: 'changed';
      readonly streamId: number;
      readonly nodeId: string;
      readonly synced: boolean;
      readonly rejected: readonly Rejection[];
    };

export interface StreamIdentity {
  readonly streamId: number;
  readonly nodeId: string;
  readonly connectedAtMs: number;
  readonly everSynced: boolean;
  readonly synced: boolean;
}

export function proxyStatus(identity: StreamIdentity, stream: StreamState): ProxyStatus {
  const { secret, cluster, endpoint, extension, listener, route, virtualHost } = stream.types;
  return {
    ...identity,
    protocol: stream.protocol,
    rejected: rejections(identity.nodeId, stream),
    get types() {
      return {
        secret: typeStatus(secret),
        cluster: typeStatus(cluster),
        endpoint: typeStatus(endpoint),
        extension: typeStatus(extension),
        listener: typeStatus(listener),
        route: typeStatus(route),
        virtualHost: typeStatus(virtualHost),
      };
    },
  };
}

export function rejections(nodeId: string, stream: StreamState): Rejection[] {
  return typeOrder.flatMap((type) =>
    [...stream.types[type].refused].map(([name, { version, message }]) => ({
      nodeId,
      type,
      names: [name],
      version,
      message,
    })),
  );
}

function typeStatus(state: TypeState): TypeStatus {
  const versions = new Map<string, string>();
  for (const [name, version] of state.held) if (version !== null) versions.set(name, version);
  const pending = new Set([
    ...state.dirty.keys(),
    ...state.removals,
    ...state.isolated.flat(),
    ...(state.inFlight?.items.keys() ?? []),
  ]);
  return { subscribed: state.wildcard ? '*' : state.names.size, versions, pending: pending.size };
}
