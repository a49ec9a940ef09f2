import type { JsonObject } from '@bufbuild/protobuf';
import type { Diagnostic } from '@lateen/api/diagnostic.ts';
import type { BuiltInGateway } from '@lateen/api/gateway-workload.ts';
import type { ConfigMap, Deployment } from '@lateen/api/kinds.ts';
import type { ProxySettings } from '@lateen/api/proxy-settings.ts';
import type { WorkloadInstance } from '@lateen/api/workload-instance.ts';

/**
 * The messages between the supervisor of a laptop mesh (`lateen up`) and the control plane it starts, over Node's IPC
 * channel. Both sides always send whole states, so that either can be restarted and simply say everything again.
 */
export type ToControlPlane = StartMessage | InstancesMessage | ProblemsMessage | StopMessage;
export type ToSupervisor =
  | ReadyMessage
  | BootstrapPatchesMessage
  | ManifestsMessage
  | ProxiesMessage
  | SettledMessage
  | DiagnosticsMessage
  | NoticeMessage
  | FatalMessage;

/** First message: what the control plane needs to know to start. */
export interface StartMessage {
  readonly type: 'start';
  readonly mesh: string;
  /** Absolute folder of manifests. */
  readonly dir: string;
  /** More files or folders named with `-f`, absolute. */
  readonly files: readonly string[];
  /** Absolute; 0700. Holds ca/, applied/, tokens/. */
  readonly stateDir: string;
  readonly adminPort: number;
  /** Unix sockets to serve on. */
  readonly xdsSocket: string;
  readonly csrSocket: string;
  readonly adminToken: string;
  readonly supervisorPid: number;
}

/** All instances as they are now. The control plane opens its xDS socket only after it has had the first. */
export interface InstancesMessage {
  readonly type: 'instances';
  /** Grows by one with each message; comes back in `settled`. */
  readonly seq: number;
  readonly reports: readonly InstanceReport[];
}

/** Everything that the supervisor finds wrong with what it runs; shown with the control plane's own diagnostics. */
export interface ProblemsMessage {
  readonly type: 'problems';
  readonly diagnostics: readonly Diagnostic[];
}

export interface InstanceReport {
  readonly instance: WorkloadInstance;
  readonly process: ProcessStatus;
}

/** The operating system's side of an instance, shown by `lateen status`. */
export interface ProcessStatus {
  /** The first container's process; null while it does not run. Always null for a gateway. */
  readonly pid: number | null;
  /** Every container, in the order of the manifest. */
  readonly containers: readonly { readonly name: string; readonly pid: number | null }[];
  readonly envoyPid: number | null;
  /** `http://127.0.0.1:PORT` */
  readonly envoyAdmin: string;
  /** `waiting for sidecar`, `starting`, `running`, `back-off`, `stopping`, ... */
  readonly phase: string;
  readonly restarts: number;
  /** Why it is not running, if it is not. */
  readonly message?: string;
  /** For gateways: where a browser finds it. */
  readonly url?: string;
}

export interface StopMessage {
  readonly type: 'stop';
}

/** The sockets are open. Sent once after start, when configuration was read and the admin server listens. */
export interface ReadyMessage {
  readonly type: 'ready';
  /** `http://localhost:19000` */
  readonly admin: string;
}

/**
 * The BOOTSTRAP patches of EnvoyFilters, in the order in which they apply. Sent before the manifests that run with them,
 * and whenever they change.
 */
export interface BootstrapPatchesMessage {
  readonly type: 'bootstrap-patches';
  readonly patches: readonly BootstrapPatch[];
}

export interface BootstrapPatch {
  /** The EnvoyFilter, and the patch in it. */
  readonly source: { readonly namespace: string; readonly name: string; readonly path: string };
  /** Proxies of these roles. */
  readonly roles: readonly WorkloadInstance['role'][];
  /** Of workloads in this namespace; absent: in any. */
  readonly namespace?: string;
  /** Of workloads with all labels of one of these. None: of all. */
  readonly selectors: readonly Readonly<Record<string, string>>[];
  /** A regular expression for the node metadata `ISTIO_VERSION`. */
  readonly proxyVersion?: string;
  /** Node metadata that the proxy has. */
  readonly metadata: Readonly<Record<string, string>>;
  /** In the JSON form of Envoy's Bootstrap. */
  readonly value: JsonObject;
}

/** What the supervisor has to run, sent at the start and whenever it changes. */
export interface ManifestsMessage {
  readonly type: 'manifests';
  readonly deployments: readonly {
    readonly deployment: Deployment;
    readonly baseDir: string;
    readonly proxy: ProxySettings;
  }[];
  readonly configMaps: readonly ConfigMap[];
  /** Every service port of the mesh: for the service variables and the loopback listeners. */
  readonly services: readonly ServicePortRef[];
  /** What each Gateway asks of the gateway proxies that it selects. */
  readonly gateways: readonly GatewayRef[];
  /** Gateways that run without a Deployment: always the ingress gateway, and whatever else the configuration asks for. */
  readonly startedGateways: readonly StartedGateway[];
}

export interface StartedGateway extends Omit<BuiltInGateway, 'annotations'> {
  readonly proxy: ProxySettings;
  /** Ports that it opens, sorted. */
  readonly ports: readonly number[];
  /** `usual`: for calls from outside, at ports that are easy to remember. `any`: only the mesh calls it. */
  readonly hostPorts: 'usual' | 'any';
}

export interface GatewayRef {
  readonly selector: Readonly<Record<string, string>>;
  /** Of the workloads that open the ports; absent: any. */
  readonly namespace?: string;
  /** Ports of its servers, sorted. */
  readonly ports: readonly number[];
}

export interface ServicePortRef {
  readonly name: string;
  /** Absent where `name` is a hostname, by which all namespaces call it. */
  readonly namespace?: string;
  /** Namespaces that see it; absent: all do. */
  readonly visibleIn?: readonly string[];
  /** `reviews.default.svc.cluster.local` */
  readonly hostname: string;
  readonly port: number;
  readonly portName?: string;
}

/** State of the connected proxies, by `NAME.NAMESPACE`, sent when one changes. A proxy that is not connected is missing. */
export interface ProxiesMessage {
  readonly type: 'proxies';
  readonly proxies: Readonly<Record<string, ProxyState>>;
}

export interface ProxyState {
  /** It has acknowledged (or, for a part, rejected) everything that it should hold now. */
  readonly synced: boolean;
  /** It has been synced at least once since it connected. */
  readonly everSynced: boolean;
  /** Envoy's message for what it rejects at the moment. */
  readonly rejected?: string;
}

/** Every connected proxy has acknowledged a state that includes the instances message `seq` (or is too slow: 5 s). */
export interface SettledMessage {
  readonly type: 'settled';
  readonly seq: number;
}

/** All diagnostics that hold now. */
export interface DiagnosticsMessage {
  readonly type: 'diagnostics';
  readonly diagnostics: readonly Diagnostic[];
}

/** Something happened that whoever watches `lateen up` wants to see: an edited object took effect, say. */
export interface NoticeMessage {
  readonly type: 'notice';
  readonly text: string;
}

/** The control plane cannot go on (corrupt CA, foreign-owned state, ...); it exits after this. Restarting does not help. */
export interface FatalMessage {
  readonly type: 'fatal';
  readonly code: string;
  readonly message: string;
  readonly remedy: string;
}
