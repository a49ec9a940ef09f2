import type {
  GatewayPortStatus,
  GatewayStatus,
  IngressStatus,
  KubernetesGatewayStatus,
  MeshStatus,
  ScheduleStatus,
  ServiceStatus,
  WorkloadStatus,
} from '@lateen/api/admin.ts';
import type { Diagnostic } from '@lateen/api/diagnostic.ts';
import { type ObjectKey, refOfKey } from '@lateen/api/object-key.ts';
import { spiffeIdOf } from '@lateen/api/spiffe-id.ts';
import { instanceKey, type WorkloadInstance } from '@lateen/api/workload-instance.ts';
import { endpointKey } from '#pilot/model/endpoints.ts';
import { byPreference, isServedBy } from '#pilot/model/gateway.ts';
import type { MeshModel, ScheduleState } from '#pilot/model/mesh.ts';
import type { Service } from '#pilot/model/service.ts';
import type { InstanceReport, ProxyState } from '#pilot/registry/processes/link.ts';
import type { PatchMatches } from '#pilot/xds/patch-matches.ts';

export interface StatusInput {
  readonly mesh: string;
  readonly admin: string;
  readonly supervisorPid: number;
  readonly reports: readonly InstanceReport[];
  readonly proxies: Readonly<Record<string, ProxyState>>;
  readonly model: MeshModel;
  /** Replicas that there should be, by `NAMESPACE/NAME` of the Deployment. */
  readonly wantedReplicas: ReadonlyMap<string, number>;
  readonly patchMatches: PatchMatches;
  readonly diagnostics: readonly Diagnostic[];
}

export function meshStatus(input: StatusInput): MeshStatus {
  const { mesh, admin, supervisorPid, reports, model, patchMatches, diagnostics } = input;
  const gateways = reports
    .filter(({ instance }) => instance.role === 'router')
    .map((each) => gatewayStatus(each, input));
  const workloads = reports
    .filter(({ instance }) => instance.role === 'sidecar')
    .map((each) => workloadStatus(each, input));
  return {
    mesh,
    ready: everyReplicaReady(input) && gateways.length > 0 && gateways.every(({ ready }) => ready),
    control: { pid: process.pid, admin },
    supervisor: { pid: supervisorPid },
    gateways,
    workloads,
    services: [...model.services.entries()]
      // Those of gateways are shown as gateways.
      .filter(([, { builtIn }]) => builtIn !== true)
      .filter(([, { registry }]) => registry !== 'pod')
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([, service]) => serviceStatus(service, model)),
    schedules: [...model.scheduleStates.entries()]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([, state]) => scheduleStatus(state)),
    ingresses: ingressStatuses(input),
    envoyFilters: [...patchMatches]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, matches]) => {
        const { name, namespace } = refOfKey(key);
        return { name, namespace, matches };
      }),
    kubernetesGateways: kubernetesGatewayStatuses(model),
    diagnostics,
  };
}

function ingressStatuses({ model, reports }: StatusInput): IngressStatus[] {
  const routers = reports.filter(({ instance }) => instance.role === 'router').map(({ instance }) => instance);
  return [...model.gateways.entries()]
    .map(([, gateway]) => gateway)
    .filter(({ source }) => source.kind === 'Ingress')
    .sort(byPreference)
    .map((gateway) => {
      const { name, namespace } = gateway.source;
      const serving = routers.filter((each) => isServedBy(gateway, each));
      return { name, namespace, addresses: [...new Set(serving.map(({ address }) => address))].sort() };
    });
}

function kubernetesGatewayStatuses({ statuses }: MeshModel): KubernetesGatewayStatus[] {
  return [...statuses.entries()]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([key, status]) => {
      const { kind, namespace, name } = refOfKey(key as ObjectKey);
      if (kind !== 'KubernetesGateway' || !('conditions' in status)) return [];
      const programmed = status.conditions.find(({ type }) => type === 'Programmed');
      if (programmed === undefined) return [];
      const { reason, message } = programmed;
      return [{ name, namespace, programmed: programmed.status === 'True', reason, message }];
    });
}

function scheduleStatus({ schedule: { source, timeZone }, open, changesAtMs }: ScheduleState): ScheduleStatus {
  const { namespace, name } = source;
  const changesAt = changesAtMs === undefined ? {} : { changesAt: new Date(changesAtMs).toISOString() };
  return { name, namespace, timeZone, open, ...changesAt };
}

/** Each Deployment has the replicas that it asks for, ready. */
function everyReplicaReady({ reports, wantedReplicas }: StatusInput): boolean {
  return [...wantedReplicas].every(([deployment, wanted]) => {
    const ready = reports.filter(
      ({ instance }) => `${instance.namespace}/${instance.workload}` === deployment && instance.health === 'ready',
    );
    return ready.length >= wanted;
  });
}

function gatewayStatus({ instance, process }: InstanceReport, { model }: StatusInput): GatewayStatus {
  const { name, namespace, labels, serviceAccount } = instance;
  return {
    name,
    namespace,
    labels,
    serviceAccount,
    spiffeId: spiffeIdOf({ ...model.settings, namespace, serviceAccount }),
    ready: instance.health === 'ready',
    url: process.url ?? '',
    ports: gatewayPorts(instance, model),
    pid: process.envoyPid,
    envoyAdmin: process.envoyAdmin,
  };
}

function gatewayPorts(instance: WorkloadInstance, model: MeshModel): GatewayPortStatus[] {
  const { capture } = instance;
  if (capture.mode !== 'gateway') return [];
  const protocols = new Map<number, string>();
  for (const [, gateway] of [...model.gateways.entries()].sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (!isServedBy(gateway, instance)) continue;
    for (const { port, protocol } of gateway.servers) if (!protocols.has(port)) protocols.set(port, protocol);
  }
  return [...protocols]
    .sort(([a], [b]) => a - b)
    .flatMap(([port, protocol]) => {
      const hostPort = capture.hostPorts[port];
      return hostPort === undefined ? [] : [{ port, hostPort, protocol }];
    });
}

function workloadStatus({ instance, process }: InstanceReport, { model, proxies }: StatusInput): WorkloadStatus {
  const { name, namespace, workload, labels, serviceAccount, address, ports, capture, health } = instance;
  const proxy = proxies[instanceKey(instance)];
  return {
    name,
    namespace,
    workload,
    labels,
    serviceAccount,
    spiffeId: spiffeIdOf({ ...model.settings, namespace, serviceAccount }),
    ready: health === 'ready',
    phase: process.phase,
    restarts: process.restarts,
    ...(process.message === undefined ? {} : { message: process.message }),
    pid: process.pid,
    containers: process.containers,
    envoyPid: process.envoyPid,
    envoyAdmin: process.envoyAdmin,
    inbound: { address, port: ports[0]?.inboundPort ?? 0 },
    ports: ports.map(({ containerPort, inboundPort, appPort }) => ({ containerPort, inboundPort, appPort })),
    outboundProxy: capture.mode === 'explicit' ? `http://${address}:${capture.httpProxyPort}` : '',
    proxy: {
      connected: proxy !== undefined,
      synced: proxy?.synced ?? false,
      ...(proxy?.rejected === undefined ? {} : { rejected: proxy.rejected }),
    },
  };
}

function serviceStatus(service: Service, model: MeshModel): ServiceStatus {
  const meant = service.aliasOf === undefined ? service : (model.services.get(service.aliasOf) ?? service);
  const endpoints = meant.ports.flatMap(({ port }) => model.endpoints.get(endpointKey(meant, port)) ?? []);
  const byInstance = new Map(endpoints.map((endpoint) => [endpoint.instance ?? endpoint.address, endpoint]));
  const members = [...byInstance.values()];
  const ready = members.filter((member) => member.ready);
  return {
    kind: service.source.kind,
    name: service.name,
    namespace: service.namespace,
    hostname: service.hostname,
    addresses: [...service.addresses, ...(service.allocatedAddress === undefined ? [] : [service.allocatedAddress])],
    resolution: service.resolution,
    ports: service.ports.map(({ name, port }) => ({ ...(name === undefined ? {} : { name }), port })),
    versions: [...new Set(ready.flatMap(({ labels }) => labels.version ?? []))].sort(),
    identities: [...new Set(members.flatMap(({ spiffeId }) => spiffeId ?? []))].sort(),
    ready: ready.length,
    total: members.length,
  };
}
