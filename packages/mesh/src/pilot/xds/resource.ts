/**
 * The resource types that Pilot serves, by the field's short names. Secrets are those of gateways; the workload's own
 * certificate is served by the agent beside each proxy.
 */
export const typeUrls = {
  secret: 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret',
  cluster: 'type.googleapis.com/envoy.config.cluster.v3.Cluster',
  endpoint: 'type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment',
  /** Configuration of a filter, to which listeners refer by its name (ECDS). */
  extension: 'type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig',
  listener: 'type.googleapis.com/envoy.config.listener.v3.Listener',
  route: 'type.googleapis.com/envoy.config.route.v3.RouteConfiguration',
  /** Of route tables whose hosts come on their own (VHDS): named `TABLE/HOST`. Delta only. */
  virtualHost: 'type.googleapis.com/envoy.config.route.v3.VirtualHost',
} as const;

export type ResourceType = keyof typeof typeUrls;

export const resourceTypes = Object.keys(typeUrls) as readonly ResourceType[];

/** One named resource as Envoy gets it: encoded once, shared by every proxy that holds it. */
export interface Resource {
  readonly type: ResourceType;
  readonly name: string;
  /** A hash of `bytes`: equal content has an equal version, also after a restart of the control plane. */
  readonly version: string;
  /** The encoded message (the `value` of the Any that carries it). */
  readonly bytes: Uint8Array;
  /** For a cluster: the name of its endpoint resource if its endpoints come by EDS. */
  readonly edsName?: string;
  /** For a virtual host that comes on its own: the hosts that it is for. */
  readonly domains?: readonly string[];
}

/** The xDS protocols: incremental and state of the world. */
export type Protocol = 'delta' | 'sotw';

/** What changed for one proxy: the names of resources that were added, altered or removed, by type. */
export type ResourceChange = ReadonlyMap<ResourceType, ReadonlySet<string>>;

/** What a connected proxy said of itself: Envoy's `Node`, reduced to what Pilot uses. */
export interface ProxyNode {
  /** Istio's form: `sidecar~IP~NAME.NAMESPACE~DNS_DOMAIN` or `router~...`. */
  readonly id: string;
  readonly cluster: string;
  readonly metadata: Readonly<Record<string, unknown>>;
}

/** The complete wanted state of one connected proxy. The server only diffs it against what the stream acknowledged. */
export interface ProxyView {
  resources(type: ResourceType): ReadonlyMap<string, Resource>;
  /** Calls `listener` after each change, synchronously, with the names that changed. One listener at a time. */
  onChange(listener: (change: ResourceChange) => void): void;
  /** The virtual host (VHDS) for what a proxy asks for as `TABLE/HOST[:PORT]`, if it is there. */
  hostFor(asked: string): string | undefined;
  /**
   * The proxy holds requests for these hosts, which it does not know. What there is for them is there afterwards, and told as
   * a change.
   */
  ask(names: readonly string[]): void;
  close(): void;
}

/** Where the xDS server gets the wanted state from. */
export interface ProxyDirectory {
  /** Refuses (throws LateenError) a node ID it cannot place. */
  connect(node: ProxyNode, protocol: Protocol): ProxyView;
  /** Runs `change`, and makes all connects and closes in it one change to the mesh. */
  together(change: () => void): void;
}

/** A proxy refused a resource. `message` is Envoy's own; the last good version stays in force there. */
export interface Rejection {
  readonly nodeId: string;
  readonly type: ResourceType;
  /** Names of the refused resources. */
  readonly names: readonly string[];
  /** The version that was refused, which may be no longer the one that the proxy should hold; null for a removal. */
  readonly version: string | null;
  readonly message: string;
}
