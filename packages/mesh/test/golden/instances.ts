import type { Deployment } from '@lateen/api/kinds.ts';
import type { WorkloadInstance } from '@lateen/api/workload-instance.ts';
import type { MeshModel } from '#pilot/model/mesh.ts';

/** The name under which cases speak of the built-in ingress gateway. */
export const GATEWAY = 'gateway';

export const LOOPBACK = '127.0.0.1';

/** Ports are taken one by one, in an order that only depends on the objects. */
export type NextPort = () => number;

/** One instance for each replica of each Deployment, in the order given. */
export function workloadInstances(
  deployments: readonly Deployment[],
  model: MeshModel,
  nextPort: NextPort,
): WorkloadInstance[] {
  const servicePorts = [...model.services.entries()]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([, { hostname, ports }]) => ports.map(({ port }) => `${hostname}:${port}`));
  return deployments.flatMap(({ metadata, spec }) => {
    const { name, namespace = 'default' } = metadata;
    const { containers, serviceAccountName = 'default' } = spec.template.spec ?? { containers: [] };
    return Array.from({ length: spec.replicas ?? 1 }, (_, replica): WorkloadInstance => {
      return {
        name: `${name}-${replica}`,
        namespace,
        role: 'sidecar',
        workload: name,
        labels: spec.template.metadata?.labels ?? {},
        serviceAccount: serviceAccountName,
        address: LOOPBACK,
        ports: containers.flatMap(({ ports = [] }) =>
          ports.map(({ containerPort, name }) => ({
            containerPort,
            ...(name === undefined ? {} : { name }),
            inboundPort: nextPort(),
            appPort: nextPort(),
          })),
        ),
        health: 'ready',
        capture: {
          mode: 'explicit',
          httpProxyPort: nextPort(),
          servicePorts: Object.fromEntries(servicePorts.map((key) => [key, nextPort()])),
        },
      };
    });
  });
}

/** The ingress gateway that every mesh on one machine has. */
export function gatewayInstance(hostPorts: Readonly<Record<number, number>>): WorkloadInstance {
  return {
    name: 'istio-ingressgateway',
    namespace: 'istio-system',
    role: 'router',
    workload: 'istio-ingressgateway',
    labels: { app: 'istio-ingressgateway', istio: 'ingressgateway' },
    serviceAccount: 'istio-ingressgateway-service-account',
    address: LOOPBACK,
    ports: [],
    health: 'ready',
    capture: { mode: 'gateway', hostPorts },
  };
}

/** `reviews-v1`, or with its namespace where that is not `default`; `gateway` for the ingress gateway. */
export function workloadLabel({ role, workload, namespace }: WorkloadInstance): string {
  if (role === 'router') return GATEWAY;
  return namespace === 'default' ? workload : `${workload}.${namespace}`;
}
