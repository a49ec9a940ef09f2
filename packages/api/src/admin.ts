import type { Diagnostic, ObjectRef } from './diagnostic.ts';

/** `GET /api/v1/status`, and `lateen status -o json`. A contract: fields are only added. */
export interface MeshStatus {
  readonly mesh: string;
  /** Every workload and gateway is ready. */
  readonly ready: boolean;
  readonly control: { readonly pid: number; readonly admin: string };
  /** The control plane itself where nothing supervises it (`lateen pilot`). */
  readonly supervisor: { readonly pid: number };
  readonly gateways: readonly GatewayStatus[];
  readonly workloads: readonly WorkloadStatus[];
  readonly services: readonly ServiceStatus[];
  readonly schedules: readonly ScheduleStatus[];
  /** Those that this mesh serves. */
  readonly ingresses: readonly IngressStatus[];
  readonly envoyFilters: readonly EnvoyFilterStatus[];
  /** Gateways of the Gateway API, those that this mesh serves. */
  readonly kubernetesGateways: readonly KubernetesGatewayStatus[];
  readonly diagnostics: readonly Diagnostic[];
}

export interface GatewayStatus {
  readonly name: string;
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly serviceAccount: string;
  readonly spiffeId: string;
  readonly ready: boolean;
  /** Where a browser finds it, such as `http://localhost:8080`; empty if it serves nothing. */
  readonly url: string;
  /** Every port that Gateways open on it, in order. */
  readonly ports: readonly GatewayPortStatus[];
  /** The Envoy process; null while it is down. */
  readonly pid: number | null;
  /** `http://127.0.0.1:PORT` */
  readonly envoyAdmin: string;
}

export interface GatewayPortStatus {
  /** As the Gateway says. */
  readonly port: number;
  /** The port of this machine that it is opened on. */
  readonly hostPort: number;
  /** `HTTP`, `HTTPS`, `TCP`, ... as the Gateway says; the first one's where several share the port. */
  readonly protocol: string;
}

/** An Ingress that is served, and the addresses of the gateways that do it, sorted. */
export interface IngressStatus {
  readonly name: string;
  readonly namespace: string;
  readonly addresses: readonly string[];
}

/** One replica: an application process and the Envoy beside it. */
export interface WorkloadStatus {
  /** The replica's name, such as `reviews-v1-0`. */
  readonly name: string;
  readonly namespace: string;
  /** The Deployment. */
  readonly workload: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly serviceAccount: string;
  readonly spiffeId: string;
  readonly ready: boolean;
  readonly phase: string;
  readonly restarts: number;
  readonly message?: string;
  /** The first container's process; null while it does not run. */
  readonly pid: number | null;
  /** Every container's process, in the order of the manifest. */
  readonly containers: readonly { readonly name: string; readonly pid: number | null }[];
  readonly envoyPid: number | null;
  readonly envoyAdmin: string;
  /** The sidecar's listener for the first container port. */
  readonly inbound: { readonly address: string; readonly port: number };
  /** All container ports, in order. */
  readonly ports: readonly { readonly containerPort: number; readonly inboundPort: number; readonly appPort: number }[];
  /** `http://127.0.0.1:PORT`: the sidecar's HTTP proxy listener. */
  readonly outboundProxy: string;
  /** Whether the sidecar holds the newest configuration, and Envoy's message if it rejects it. */
  readonly proxy: { readonly connected: boolean; readonly synced: boolean; readonly rejected?: string };
}

export interface ServiceStatus {
  /** `Service` or `ServiceEntry`. */
  readonly kind: string;
  /** Of a Service; for a host of a ServiceEntry the host. */
  readonly name: string;
  readonly namespace: string;
  readonly hostname: string;
  /** By which it can be called as well, its own and the one that was chosen for it. */
  readonly addresses: readonly string[];
  /** How its endpoints are found; `by-name` and `original`: each call says it, so none are known. */
  readonly resolution: 'endpoints' | 'dns' | 'dns-round-robin' | 'by-name' | 'original' | 'alias';
  readonly ports: readonly { readonly name?: string; readonly port: number }[];
  /** `version` labels of its ready instances, sorted. */
  readonly versions: readonly string[];
  /** SPIFFE IDs of its instances, sorted. */
  readonly identities: readonly string[];
  readonly ready: number;
  readonly total: number;
}

/** A TrafficSchedule, now. */
export interface ScheduleStatus {
  readonly name: string;
  readonly namespace: string;
  readonly timeZone: string;
  /** The rules that it selects hold. */
  readonly open: boolean;
  /** When that changes, in UTC (RFC 3339); absent if it never does. */
  readonly changesAt?: string;
}

/** What an EnvoyFilter finds in the proxies that are connected now. */
export interface EnvoyFilterStatus {
  readonly name: string;
  readonly namespace: string;
  /** For each of its patches: the resources (listeners, clusters, ...) in which it matches something. */
  readonly matches: readonly number[];
}

/** The whole status of the object is what `GET /api/v1/objects` shows. */
export interface KubernetesGatewayStatus {
  readonly name: string;
  readonly namespace: string;
  readonly programmed: boolean;
  /** Of the condition `Programmed`. */
  readonly reason: string;
  readonly message: string;
}

/** `POST /api/v1/explain`: what would become of a request. Answered with a `Journey` (verdict.ts); nothing is sent. */
export interface ExplainRequest {
  /** A replica, a workload, `NAME.NAMESPACE`, or `gateway`. */
  readonly from: string;
  readonly method: string;
  /** `http://...`, `https://...` or `tcp://HOST:PORT`. */
  readonly url: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
}

/** `POST /api/v1/objects`: all of them or none. */
export interface ApplyRequest {
  /** YAML or JSON text, multi-document. */
  readonly manifest: string;
  /** A name for messages: the file it came from. */
  readonly file: string;
  /** Further files of the same call: all are applied together with the first, or none is. */
  readonly more?: readonly ManifestFile[];
  readonly namespace?: string;
  /** `create` refuses objects that exist. */
  readonly mode: 'apply' | 'create';
  /** Validate only. */
  readonly dryRun?: boolean;
}

export interface ManifestFile {
  readonly manifest: string;
  readonly file: string;
}

/** The files of a request, in the order they were given. */
export function manifestsOf(request: ApplyRequest): readonly ManifestFile[] {
  return [{ manifest: request.manifest, file: request.file }, ...(request.more ?? [])];
}

/** `POST /api/v1/objects/delete`: all of them or none. One object: `DELETE /api/v1/objects/:kind/:namespace/:name`. */
export interface DeleteRequest {
  readonly objects: readonly ObjectRef[];
  /** An object that is not there counts as deleted, and is left out of the answer. */
  readonly ignoreNotFound?: boolean;
  /** Validate only. */
  readonly dryRun?: boolean;
}

/** `POST /api/v1/wait`: answered when every proxy has answered what these objects ask for. */
export interface WaitRequest {
  readonly objects: readonly ObjectRef[];
  /** `delivery`: they are in force, and no proxy refuses them. `delete`: they are gone, from the proxies as well. */
  readonly for: 'delivery' | 'delete';
  readonly timeoutMs: number;
}

export interface WaitResponse {
  readonly objects: readonly ObjectRef[];
}

export interface AppliedObject {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly result: 'created' | 'configured' | 'unchanged' | 'deleted';
}

export interface ApplyResponse {
  readonly objects: readonly AppliedObject[];
  readonly diagnostics: readonly Diagnostic[];
}

/** `GET /api/v1/objects`. A missing value matches all; the namespace of kinds that have none is written `-`. */
export interface ObjectsQuery {
  readonly kind?: string;
  readonly namespace?: string;
  readonly name?: string;
}

export interface ObjectsResponse {
  readonly objects: readonly StoredObject[];
}

export interface StoredObject {
  /** The object as it was written, with `metadata.namespace` filled in. */
  readonly object: ManifestObject;
  readonly origin: ObjectOrigin;
}

/** What every object has; the rest is as its kind says. */
export interface ManifestObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly [field: string]: unknown;
  };
  readonly [field: string]: unknown;
}

export interface ObjectOrigin {
  /** Where it is written: a file of the mesh's folder, or the file that it was applied from. */
  readonly file: string;
  /** 1-based line of the document. */
  readonly line?: number;
  /** It came through the admin API (`lateen apply`), and not from a file that is watched. */
  readonly applied: boolean;
}

/** `GET /api/v1/diagnostics` */
export interface DiagnosticsResponse {
  readonly diagnostics: readonly Diagnostic[];
}

/** `GET /api/v1/analysis`: also what is only worth knowing (`info`), and looked at anew. */
export interface AnalysisResponse {
  readonly diagnostics: readonly Diagnostic[];
  /** How many are in force. */
  readonly objects: number;
}

/** `GET /api/v1/proxies` */
export interface ProxiesResponse {
  readonly proxies: readonly ProxyReport[];
}

export interface ProxyReport {
  /** `NAME.NAMESPACE` */
  readonly name: string;
  readonly role: 'sidecar' | 'router';
  readonly connected: boolean;
  /** It holds the newest configuration. */
  readonly synced: boolean;
  /** Envoy's message for what it rejects at the moment. */
  readonly rejected?: string;
}

/**
 * `GET /api/v1/proxies/:name/config`: what a proxy should hold, by type URL, as Envoy's JSON. The list
 * `metadata.filter_metadata.lateen.sources` of a message says where it came from, with file and line where they are known.
 */
export type ProxyConfigResponse = Readonly<Record<string, readonly EnvoyMessage[]>>;

export type EnvoyMessage = { readonly [field: string]: unknown };

/** An entry of such a list. */
export interface LocatedSource extends ObjectRef {
  readonly path?: string;
  readonly file?: string;
  /** 1-based. */
  readonly line?: number;
}

/** The body of every answer with a status of 400 or more. */
export interface ErrorResponse {
  readonly code: string;
  readonly message: string;
  readonly remedy?: string;
  readonly diagnostics?: readonly Diagnostic[];
}
