import type {
  AnalysisResponse,
  ApplyRequest,
  ApplyResponse,
  DeleteRequest,
  ExplainRequest,
  MeshStatus,
  ObjectsQuery,
  ProxyConfigResponse,
  ProxyReport,
  StoredObject,
  WaitRequest,
  WaitResponse,
} from '@lateen/api/admin.ts';
import type { Diagnostic } from '@lateen/api/diagnostic.ts';
import type { ProxyScope } from '@lateen/api/proxy-scope.ts';
import type { Journey } from '@lateen/api/verdict.ts';

/**
 * What the admin server asks of the control plane. A handler refuses a request by throwing: a `DiagnosticError` for
 * configuration that is not valid (answered with 422), an `AdminError` for everything else that is the caller's to
 * mend. Anything else that is thrown is a fault of ours (500).
 */
export interface AdminHandlers {
  status(): MeshStatus;
  /** The namespace `''` asks for kinds that have none. */
  objects(query: ObjectsQuery): readonly StoredObject[];
  apply(request: ApplyRequest): Promise<ApplyResponse>;
  /** Throws `objectNotFound` for an object that is not there, unless the request says to ignore that. */
  remove(request: DeleteRequest): Promise<ApplyResponse>;
  diagnostics(): readonly Diagnostic[];
  analysis(): AnalysisResponse;
  /** Throws a LateenError for what cannot be called. */
  explain(request: ExplainRequest): Promise<Journey>;
  /** In Prometheus' text format. */
  metrics(): string;
  /** Resolves when every proxy has answered what the object asks for. Throws an AdminError otherwise. */
  wait(request: WaitRequest): Promise<WaitResponse>;
  proxies(): readonly ProxyReport[];
  /** The resources of the proxy `NAME.NAMESPACE` as plain JSON values, without private keys; undefined if unknown. */
  proxyConfig(name: string): Promise<ProxyConfigResponse | undefined>;
  /** What it holds of the mesh, and why; undefined if unknown. */
  proxyScope(name: string): Promise<ProxyScope | undefined>;
}
