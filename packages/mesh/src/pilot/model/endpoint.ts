import type { InstancePort, WorkloadInstance } from '@lateen/api/workload-instance.ts';
import type { LocalityIr } from '../proxy/ir/endpoints.ts';
import type { ServicePort } from './service.ts';

/** One instance as an endpoint of one service port. */
export interface ServiceEndpoint {
  /** `NAME.NAMESPACE` of the instance. */
  readonly instance: string;
  readonly address: string;
  readonly port: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly locality?: LocalityIr;
  readonly spiffeId: string;
  readonly meshTls: boolean;
  readonly ready: boolean;
}

/** The container port that a service port leads to on this instance; undefined if the instance has none such. */
export function targetOf({ targetPort }: ServicePort, instance: WorkloadInstance): InstancePort | undefined {
  const declared = instance.ports.find(({ containerPort, name }) =>
    typeof targetPort === 'number' ? containerPort === targetPort : name === targetPort,
  );
  // A redirected application listens on the ports that callers use, whether they are declared or not.
  if (declared !== undefined || instance.capture.mode !== 'redirect' || typeof targetPort !== 'number') return declared;
  return { containerPort: targetPort, inboundPort: targetPort, appPort: targetPort };
}

/**
 * Where the connections for a service port arrive at this instance. At a gateway that is the listener of the Gateway
 * servers with the service's port; or with its target port, if none has the former (Istio's order).
 */
export function arrivalOf(
  port: ServicePort,
  instance: WorkloadInstance,
): { readonly port: number; readonly containerPort?: number } | undefined {
  const { capture } = instance;
  if (capture.mode !== 'gateway') {
    const target = targetOf(port, instance);
    return target === undefined ? undefined : { port: target.inboundPort, containerPort: target.containerPort };
  }
  const { hostPorts, portNames = {} } = capture;
  const target = typeof port.targetPort === 'number' ? port.targetPort : portNames[port.targetPort];
  const at = hostPorts[port.port] ?? (target === undefined ? undefined : hostPorts[target]);
  return at === undefined ? undefined : { port: at };
}
