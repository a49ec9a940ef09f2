import { isIp } from '@lateen/api/names.ts';
import { spiffeIdOf } from '@lateen/api/spiffe-id.ts';
import type { InstancePort, WorkloadInstance } from '@lateen/api/workload-instance.ts';
import { instanceKey } from '@lateen/api/workload-instance.ts';
import type { LocalityIr } from '../proxy/ir/endpoints.ts';
import { defined } from './defined.ts';
import { localityOf } from './locality.ts';
import type { Backing, Resolution, ServicePort } from './service.ts';
import { portAt, type WorkloadAddress } from './workload-address.ts';

/** One workload as an endpoint of one service port. */
export interface ServiceEndpoint {
  /** `NAME.NAMESPACE` of the instance or WorkloadEntry; absent where the endpoint is only an address. */
  readonly instance?: string;
  /** An IP address, a name where those are looked up, or `unix://` and the path of a socket. */
  readonly address: string;
  /** 0 for a socket. */
  readonly port: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly locality?: LocalityIr;
  readonly network?: string;
  /** Share of the traffic; absent for 1. */
  readonly weight?: number;
  /** With `*` at its end, any identity that begins so; absent where nobody is expected to have one. */
  readonly spiffeId?: string;
  readonly meshTls: boolean;
  /** A sidecar that speaks HTTP/1.1 with the application, whichever version callers speak. */
  readonly turnsToHttp1?: true;
  readonly ready: boolean;
}

/** The container port that a service port leads to on this instance; undefined if the instance has none such. */
export function targetOf(
  { targetPort, otherwisePort }: ServicePort,
  { ports, capture }: WorkloadInstance,
): InstancePort | undefined {
  const byNumber = (wanted: number): InstancePort | undefined => {
    const declared = ports.find(({ containerPort }) => containerPort === wanted);
    // A redirected application listens on the ports that callers use, whether they are declared or not.
    if (declared !== undefined || capture.mode !== 'redirect') return declared;
    return { containerPort: wanted, inboundPort: wanted, appPort: wanted };
  };
  if (typeof targetPort === 'number') return byNumber(targetPort);
  const named = ports.find(({ name }) => name === targetPort);
  return named ?? (otherwisePort === undefined ? undefined : byNumber(otherwisePort));
}

/**
 * Where the connections for a service port arrive at this instance. At a gateway that is the listener of the Gateway
 * servers with the service's port; or with its target port, if none has the former (Istio's order).
 */
function arrivalOf(
  port: ServicePort,
  instance: WorkloadInstance,
): { readonly port: number; readonly containerPort?: number } | undefined {
  const { capture } = instance;
  if (capture.mode !== 'gateway') {
    const target = targetOf(port, instance);
    return target === undefined ? undefined : { port: target.inboundPort, containerPort: target.containerPort };
  }
  const { hostPorts, portNames = {} } = capture;
  const target =
    typeof port.targetPort === 'number' ? port.targetPort : (portNames[port.targetPort] ?? port.otherwisePort);
  const at = hostPorts[port.port] ?? (target === undefined ? undefined : hostPorts[target]);
  return at === undefined ? undefined : { port: at };
}

export interface InstanceEndpointContext {
  readonly trustDomain: string;
  readonly notReadyToo: boolean;
  /** Whether the workload takes the mesh's mutual TLS on one of its ports. */
  takesMeshTls(port: number): boolean;
  /** Whether the workload's sidecar speaks HTTP/1.1 with the application there, whichever version callers speak. */
  turnsToHttp1(port: number): boolean;
}

export function instanceEndpoint(
  instance: WorkloadInstance,
  port: ServicePort,
  { trustDomain, notReadyToo, takesMeshTls, turnsToHttp1 }: InstanceEndpointContext,
): ServiceEndpoint | undefined {
  const arrival = arrivalOf(port, instance);
  if (arrival === undefined) return undefined;
  return defined({
    instance: instanceKey(instance),
    address: instance.address,
    port: arrival.port,
    labels: instance.labels,
    locality: localityOf(instance.labels),
    spiffeId: spiffeIdOf({ trustDomain, ...instance }),
    // Which TLS a gateway takes, its servers say, and who calls it has to be told (a DestinationRule does).
    meshTls: arrival.containerPort !== undefined && takesMeshTls(arrival.containerPort),
    turnsToHttp1:
      arrival.containerPort !== undefined && turnsToHttp1(arrival.containerPort) ? (true as const) : undefined,
    ready: instance.health === 'ready' || (notReadyToo && instance.health !== 'draining'),
  });
}

const UNIX = 'unix://';

/** Where endpoints are not looked up, a name is no address. */
export function addressEndpoint(
  workload: WorkloadAddress,
  port: ServicePort,
  resolution: Resolution,
  { trustDomain, takesMeshTls }: Pick<InstanceEndpointContext, 'trustDomain' | 'takesMeshTls'>,
): ServiceEndpoint | undefined {
  const { name, namespace, address, labels, locality, network, weight, serviceAccount, hasSidecar, ready } = workload;
  const isSocket = address.startsWith(UNIX);
  const at = isSocket ? 0 : portAt(port, workload);
  if (at === undefined) return undefined;
  if (resolution === 'endpoints' && !isSocket && !isIp(address)) return undefined;
  if (resolution !== 'endpoints' && isSocket) return undefined;
  return defined({
    instance: name,
    address,
    port: at,
    labels,
    locality,
    network,
    weight,
    spiffeId:
      serviceAccount === undefined && !hasSidecar
        ? undefined
        : spiffeIdOf({ trustDomain, namespace, serviceAccount: serviceAccount ?? '*' }),
    meshTls: hasSidecar && takesMeshTls(at),
    ready,
  });
}

/** The service port as a backing has it: another object may say less of the same port. */
export function portOf({ ports }: Backing, port: number): ServicePort | undefined {
  return ports.find((each) => each.port === port);
}
