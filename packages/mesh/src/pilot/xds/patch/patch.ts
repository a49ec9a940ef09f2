import type { WrittenMessage } from '@lateen/envoy-api/parse';
import type { SourceRef } from '../../proxy/ir/source.ts';

/** Which proxies, and for sidecars which direction of their traffic (Istio's PatchContext). */
export type PatchContext = 'SIDECAR_INBOUND' | 'SIDECAR_OUTBOUND' | 'GATEWAY';

export type PatchTarget =
  | 'LISTENER'
  | 'LISTENER_FILTER'
  | 'FILTER_CHAIN'
  | 'NETWORK_FILTER'
  | 'HTTP_FILTER'
  | 'ROUTE_CONFIGURATION'
  | 'VIRTUAL_HOST'
  | 'HTTP_ROUTE'
  | 'CLUSTER'
  | 'EXTENSION_CONFIG'
  | 'BOOTSTRAP';

export type PatchOperation = 'MERGE' | 'ADD' | 'REMOVE' | 'INSERT_BEFORE' | 'INSERT_AFTER' | 'INSERT_FIRST' | 'REPLACE';

/** One of an EnvoyFilter's `configPatches`, ready to be applied. */
export interface Patch {
  readonly source: SourceRef;
  readonly target: PatchTarget;
  readonly operation: PatchOperation;
  readonly context: PatchContext | 'ANY';
  readonly proxy: ProxyMatch;
  /** At most one of these, and the one that fits the target. */
  readonly listener?: ListenerMatch;
  readonly routes?: RoutesMatch;
  readonly cluster?: ClusterMatch;
  readonly filterClass: FilterClass;
  /** Always there but for REMOVE. */
  readonly value?: WrittenMessage;
}

/** The stage of processing that a filter belongs to. */
export type FilterClass = 'UNSPECIFIED' | 'AUTHN' | 'AUTHZ' | 'STATS';

export interface ProxyMatch {
  /** For the node metadata `ISTIO_VERSION`. */
  readonly version?: RegExp;
  readonly metadata: Readonly<Record<string, string>>;
}

/** What is absent matches everything, here and below. */
export interface ListenerMatch {
  readonly name?: string;
  readonly port?: number;
  /** In lower case. */
  readonly portName?: string;
  readonly listenerFilter?: string;
  readonly chain?: FilterChainMatch;
}

export interface FilterChainMatch {
  readonly name?: string;
  readonly sni?: string;
  readonly transportProtocol?: string;
  /** All of them. */
  readonly applicationProtocols: readonly string[];
  readonly destinationPort?: number;
  readonly filter?: string;
  readonly httpFilter?: string;
}

export interface RoutesMatch {
  readonly name?: string;
  readonly port?: number;
  /** In lower case. */
  readonly portName?: string;
  /** `NAMESPACE/NAME` */
  readonly gateway?: string;
  readonly host?: VirtualHostMatch;
}

export interface VirtualHostMatch {
  readonly name?: string;
  readonly domain?: string;
  readonly route?: RouteMatch;
}

export interface RouteMatch {
  readonly name?: string;
  readonly action?: 'ROUTE' | 'REDIRECT' | 'DIRECT_RESPONSE';
}

export interface ClusterMatch {
  readonly name?: string;
  readonly service?: string;
  readonly subset?: string;
  readonly port?: number;
}

/** Patches that apply to one proxy, in their order, by target. */
export type Patches = Readonly<Partial<Record<PatchTarget, readonly Patch[]>>>;

/** Takes note of the patches that found something to change. */
export type Applied = Set<Patch>;

export function byTarget(patches: readonly Patch[]): Patches {
  return Object.groupBy(patches, ({ target }) => target);
}

/** Patches for one target that hold in a context. */
export function patchesFor(patches: Patches, target: PatchTarget, context: PatchContext): readonly Patch[] {
  return (patches[target] ?? []).filter((patch) => patch.context === 'ANY' || patch.context === context);
}
