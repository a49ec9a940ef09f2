import type { GatewayTopologySpec } from './proxy-settings.ts';

/** A workload instance: one replica of a workload with the proxy beside it (a pod, in Kubernetes' words). */
export interface WorkloadInstance {
  /** Unique in its namespace, such as `reviews-v1-0`. */
  readonly name: string;
  readonly namespace: string;
  readonly role: 'sidecar' | 'router';
  /** The workload (Deployment) that it is a replica of, such as `reviews-v1`. */
  readonly workload: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly serviceAccount: string;
  /** Where its proxy listens. */
  readonly address: string;
  readonly ports: readonly InstancePort[];
  /** Container ports for UDP, which no sidecar stands in front of. */
  readonly datagramPorts?: readonly Omit<InstancePort, 'inboundPort'>[];
  /** Only `ready` instances get traffic. `draining` ones are about to stop: no new requests. */
  readonly health: 'starting' | 'ready' | 'unready' | 'draining';
  readonly capture: Capture;
  /** Of a gateway in front of which something else stands than in front of the others of the mesh. */
  readonly gatewayTopology?: GatewayTopologySpec;
}

/** One container port: peers reach the sidecar at `inboundPort`, which hands on to the application at `appPort`. */
export interface InstancePort {
  readonly containerPort: number;
  readonly name?: string;
  readonly inboundPort: number;
  readonly appPort: number;
}

/**
 * How traffic gets into the proxy. `explicit` needs no privileges: the application is told where the proxy listens.
 * `redirect` is Istio's: the application knows nothing, and the kernel hands its connections to the proxy.
 */
export type Capture = ExplicitCapture | RedirectCapture | GatewayCapture;

export interface ExplicitCapture {
  readonly mode: 'explicit';
  /** The sidecar's HTTP proxy listener on `address` (HTTP_PROXY). */
  readonly httpProxyPort: number;
  /** A loopback listener for every service port, keyed `HOSTNAME:PORT` (`reviews.default.svc.cluster.local:9080`). */
  readonly servicePorts: Readonly<Record<string, number>>;
}

/** What an agent like Istio's has set up where the proxy runs. */
export interface RedirectCapture {
  readonly mode: 'redirect';
  /**
   * Istio's INTERCEPTION_MODE. `redirect` and `tproxy`: the kernel hands connections to two ports of the proxy. `none`: it
   * does not, and the application connects to listeners on the loopback address.
   */
  readonly interception: 'redirect' | 'tproxy' | 'none';
}

export interface GatewayCapture {
  readonly mode: 'gateway';
  /** For each port of a Gateway server, the port of the host that it is opened on: `{80: 8080}`. */
  readonly hostPorts: Readonly<Record<number, number>>;
  /** Numbers of the container ports that have a name: a Service may lead to one by it. */
  readonly portNames?: Readonly<Record<string, number>>;
  /** The address is the proxy's own, so that ports which `hostPorts` does not name are opened as they are. */
  readonly opensAll?: true;
}

/** The port of the host that a gateway opens for a port of a Gateway server; undefined if it cannot. */
export function hostPortOf({ hostPorts, opensAll }: GatewayCapture, port: number): number | undefined {
  return hostPorts[port] ?? (opensAll === true ? port : undefined);
}

export function instanceKey(instance: { name: string; namespace: string }): string {
  return `${instance.name}.${instance.namespace}`;
}

/** Istio's node ID of the proxy beside an instance. */
export function nodeIdOf(instance: WorkloadInstance, domain = 'cluster.local'): string {
  return `${instance.role}~${instance.address}~${instanceKey(instance)}~${instance.namespace}.svc.${domain}`;
}

/** `NAME.NAMESPACE` of the instance that a proxy stands beside, as its node ID says; empty if it says none. */
export function instanceOfNode(nodeId: string): string {
  return nodeId.split('~')[2] ?? '';
}
