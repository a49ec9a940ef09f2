import { isGatewayPod, portsFor } from '@lateen/api/gateway-workload.ts';
import type { Deployment } from '@lateen/api/kinds.ts';
import type { WorkloadInstance } from '@lateen/api/workload-instance.ts';
import type { MeshModel } from '../model/mesh.ts';
import { askedPorts, gatewaysToStart } from '../model/started-gateways.ts';

/** Where everything of a mesh on one machine listens. */
export const LOOPBACK = '127.0.0.1';

/** Ports are taken one by one, in an order that only depends on the objects. */
export type NextPort = () => number;

/** One instance for each replica of each Deployment, in the order given. */
export function workloadInstances(
  deployments: readonly Deployment[],
  model: MeshModel,
  nextPort: NextPort,
): WorkloadInstance[] {
  const servicePorts = servicePortsOf(model);
  return deployments
    .filter(({ spec }) => !isGatewayPod(spec.template))
    .flatMap(({ metadata, spec }) => {
      const { name, namespace = 'default' } = metadata;
      const { containers, serviceAccountName = 'default' } = spec.template.spec ?? { containers: [] };
      const datagramPorts = declaredPorts(containers, 'UDP');
      return Array.from({ length: spec.replicas ?? 1 }, (_, replica): WorkloadInstance => {
        return {
          name: `${name}-${replica}`,
          namespace,
          role: 'sidecar',
          workload: name,
          labels: spec.template.metadata?.labels ?? {},
          serviceAccount: serviceAccountName,
          address: LOOPBACK,
          ports: declaredPorts(containers, 'TCP').map((port) => ({
            ...port,
            inboundPort: nextPort(),
            appPort: nextPort(),
          })),
          ...(datagramPorts.length === 0
            ? {}
            : { datagramPorts: datagramPorts.map((port) => ({ ...port, appPort: nextPort() })) }),
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

type Containers = NonNullable<Deployment['spec']['template']['spec']>['containers'];

function declaredPorts(containers: Containers, wanted: 'TCP' | 'UDP') {
  return containers.flatMap(({ ports = [] }) =>
    ports
      .filter(({ protocol = 'TCP' }) => protocol === wanted)
      .map(({ containerPort, name }) => ({ containerPort, ...(name === undefined ? {} : { name }) })),
  );
}

function servicePortsOf(model: MeshModel): string[] {
  return [...model.services.entries()]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([, { hostname, ports }]) => ports.map(({ port }) => `${hostname}:${port}`));
}

/** The same workloads, with listeners for services that have appeared with them. */
export function withMissingServicePorts(
  workloads: readonly WorkloadInstance[],
  model: MeshModel,
  nextPort: NextPort,
): WorkloadInstance[] {
  return workloads.map((workload) => {
    const { capture } = workload;
    if (capture.mode !== 'explicit') return workload;
    const missing = servicePortsOf(model).filter((key) => capture.servicePorts[key] === undefined);
    const more = Object.fromEntries(missing.map((key) => [key, nextPort()]));
    return { ...workload, capture: { ...capture, servicePorts: { ...capture.servicePorts, ...more } } };
  });
}

/** What Gateways ask for, and the gateways that `lateen up` would run for it, each with the ports that it opens. */
export function gatewayInstances(
  deployments: readonly Deployment[],
  model: MeshModel,
  hostPort: (port: number, gateway: string) => number,
): WorkloadInstance[] {
  const gateways = askedPorts(model);
  if (gateways.length === 0) return [];
  const own = deployments.filter(({ spec }) => isGatewayPod(spec.template));
  const ownLabels = own.map(({ spec }) => spec.template.metadata?.labels ?? {});
  const instance = (gateway: Omit<WorkloadInstance, 'role' | 'address' | 'ports' | 'health' | 'capture'>) => ({
    ...gateway,
    role: 'router' as const,
    address: LOOPBACK,
    ports: [],
    health: 'ready' as const,
    capture: {
      mode: 'gateway' as const,
      hostPorts: Object.fromEntries(portsFor(gateway, gateways).map((port) => [port, hostPort(port, gateway.name)])),
    },
  });
  return [
    ...gatewaysToStart(model, ownLabels).map(({ annotations: _, ...gateway }) =>
      instance({ ...gateway, workload: gateway.name }),
    ),
    ...own.flatMap(({ metadata: { name, namespace = 'default' }, spec }) =>
      Array.from({ length: spec.replicas ?? 1 }, (_, replica) =>
        instance({
          name: `${name}-${replica}`,
          namespace,
          workload: name,
          labels: spec.template.metadata?.labels ?? {},
          serviceAccount: spec.template.spec?.serviceAccountName ?? 'default',
        }),
      ),
    ),
  ];
}
