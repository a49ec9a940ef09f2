import type * as z from 'zod/mini';
import type { gatewayTopology } from './istio/mesh-config-proxy.ts';

/** Istio's annotation of a pod with what its proxy does in another way than the others of the mesh, as YAML. */
export const PROXY_CONFIG_ANNOTATION = 'proxy.istio.io/config';
/** Istio's annotations of a pod for what its Envoy writes into its log, and for single components of it. */
export const LOG_LEVEL_ANNOTATION = 'sidecar.istio.io/logLevel';
export const COMPONENT_LOG_LEVEL_ANNOTATION = 'sidecar.istio.io/componentLogLevel';

/** Levels that Envoy knows. */
export const LOG_LEVELS = ['trace', 'debug', 'info', 'warning', 'warn', 'error', 'critical', 'off'];

/** What stands in front of a gateway. */
export type GatewayTopologySpec = z.infer<typeof gatewayTopology>;

/** What the configuration says about the process of one proxy. What is absent is as Lateen does it by itself. */
export interface ProxySettings {
  /** Worker threads; 0: one for each processor. */
  readonly concurrency?: number;
  /** Of the Envoy. `ISTIO_META_...` become metadata of its node. */
  readonly environment?: Readonly<Record<string, string>>;
  /** How long connections of a listener that goes away are drained. */
  readonly drainMs?: number;
  /** How long requests under way may take to finish when the proxy is about to end. */
  readonly terminationDrainMs?: number;
  /** Whether the application is only started when the proxy is ready. */
  readonly holdsApplication?: boolean;
  readonly logLevel?: string;
  /** `http:debug,upstream:trace` */
  readonly componentLogLevel?: string;
  /** Of this proxy alone, other than the one of the mesh. */
  readonly gatewayTopology?: GatewayTopologySpec;
}
