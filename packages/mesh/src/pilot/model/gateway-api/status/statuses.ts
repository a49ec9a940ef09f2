import { isSelected } from '@lateen/api/gateway-workload.ts';
import type { ConfigObject, KubernetesGateway } from '@lateen/api/kinds.ts';
import { keyOfRef } from '@lateen/api/object-key.ts';
import { instanceKey, type WorkloadInstance } from '@lateen/api/workload-instance.ts';
import type { Collection, Reader } from '../../../incremental/collection.ts';
import type { Graph } from '../../../incremental/graph.ts';
import type { GatewayListeners } from '../gateway-listeners.ts';
import { gatewayProblems } from '../gateway-problems.ts';
import type { KubernetesGateways } from '../gateways.ts';
import type { PolicyState } from '../policy-states.ts';
import type { KubernetesRoutes } from '../routes.ts';
import type { XMeshState } from '../x-mesh.ts';
import { buildGatewayClassStatus, type GatewayClassStatus } from './gateway-class-status.ts';
import { buildGatewayStatus, type GatewayOutcome, type GatewayStatus } from './gateway-status.ts';
import { buildListenerSetStatus, type ListenerSetStatus } from './listener-set-status.ts';
import type { ListenerOutcome } from './listener-status.ts';
import { buildMeshStatus } from './mesh-status.ts';
import { buildPolicyStatus, type PolicyStatus } from './policy-status.ts';
import { buildRouteStatus, type RouteStatus } from './route-status.ts';

/** `status` of an object of the Gateway API, without the times of its conditions, and the generation that they are of. */
export type GatewayApiStatus = GatewayClassStatus | GatewayStatus | ListenerSetStatus | RouteStatus | PolicyStatus;

export interface StatusContext
  extends Pick<KubernetesGateways, 'listeners' | 'listenerTls' | 'served' | 'deployments' | 'clientCertificates'>,
    Pick<KubernetesRoutes, 'states' | 'attached'> {
  readonly instances: Collection<WorkloadInstance>;
  readonly policies: Collection<PolicyState>;
  readonly xMeshes: Collection<XMeshState>;
}

/** The status of each object that Lateen has to say something of, by object key. */
export function deriveStatuses(
  graph: Graph,
  apiObjects: Collection<ConfigObject>,
  context: StatusContext,
): Collection<GatewayApiStatus> {
  const { listeners, listenerTls, served, deployments, states, attached, instances, policies, xMeshes } = context;
  const byGateway = graph.index('listeners by gateway', listeners, ({ gateway }) => [gatewayKey(gateway)]);
  const outcomesOf = (of: GatewayListeners, read: Reader): readonly ListenerOutcome[] =>
    of.listeners.map((listener) => ({
      listener,
      problems: [...listener.problems, ...(read.get(listenerTls, listener.key)?.problems ?? [])],
      attachedRoutes: read.get(attached, listener.key) ?? 0,
      isServed: read.get(served, listener.key) !== undefined,
    }));
  const gatewayObject = ({ gateway }: GatewayListeners, read: Reader) =>
    read.get(apiObjects, gatewayKey(gateway)) as KubernetesGateway | undefined;
  const routers = graph.derive('gateway proxies', instances, (each) => (each.role === 'router' ? each : undefined));
  const proxyOf = ({ gateway }: GatewayListeners, read: Reader): GatewayOutcome['proxy'] => {
    const { proxy, servedBy } = read.get(deployments, gatewayKey(gateway)) ?? {};
    const own = proxy && read.get(instances, instanceKey(proxy));
    if (proxy !== undefined || servedBy === undefined) return healthOf(own === undefined ? [] : [own]);
    const { namespace, selector } = servedBy;
    return healthOf(
      [...read.all(routers).values()].filter(
        (each) => each.namespace === namespace && isSelected(each.labels, selector),
      ),
    );
  };
  const ofClasses = graph.derive('statuses of gateway classes', apiObjects, (object) =>
    object.kind === 'GatewayClass' ? buildGatewayClassStatus(object) : undefined,
  );
  const ofGateways = graph.derive('statuses of gateways', listeners, (own, read): GatewayStatus | undefined => {
    const object = gatewayObject(own, read);
    if (own.owner.kind !== 'KubernetesGateway' || object === undefined) return undefined;
    const sets = (read.get(byGateway, gatewayKey(own.gateway)) ?? []).filter((each) => each !== own);
    return buildGatewayStatus(object, {
      problems: gatewayProblems(own.gateway, context, read),
      listeners: outcomesOf(own, read),
      sets: sets.map((set) => outcomesOf(set, read)),
      proxy: proxyOf(own, read),
    });
  });
  const ofSets = graph.derive('statuses of listener sets', listeners, (set, read) => {
    if (set.owner.kind !== 'ListenerSet') return undefined;
    const gateway = read.get(ofGateways, gatewayKey(set.gateway));
    return buildListenerSetStatus({
      problems: set.problem === undefined ? [] : [set.problem],
      listeners: outcomesOf(set, read),
      isGatewayAccepted: gateway?.conditions.some(isAcceptedCondition) === true,
      proxy: proxyOf(set, read).health,
    });
  });
  const ofRoutes = graph.derive('statuses of routes', states, (state) => {
    const status = buildRouteStatus(state);
    return status.parents.length === 0 ? undefined : status;
  });
  const ofPolicies = graph.derive('statuses of policies', policies, ({ ancestors, problems }, read) => {
    const known = ancestors.flatMap((gateway) => {
      const found = read.get(listeners, gatewayKey(gateway));
      return found === undefined ? [] : [{ ...gateway, controller: found.controller }];
    });
    return known.length === 0 ? undefined : buildPolicyStatus(known, problems);
  });
  const ofMeshes = graph.derive('statuses of meshes', xMeshes, ({ problems }) => buildMeshStatus(problems));
  return graph.union<GatewayApiStatus>('statuses', [ofClasses, ofGateways, ofSets, ofRoutes, ofPolicies, ofMeshes]);
}

function healthOf(instances: readonly WorkloadInstance[]): GatewayOutcome['proxy'] {
  const isReady = instances.some(({ health }) => health === 'ready');
  return {
    health: isReady ? 'ready' : instances.length > 0 ? 'starting' : 'absent',
    addresses: [...new Set(instances.map(({ address }) => address))].sort(),
  };
}

function isAcceptedCondition({ type, status }: { readonly type: string; readonly status: string }): boolean {
  return type === 'Accepted' && status === 'True';
}

function gatewayKey(gateway: GatewayListeners['gateway']): string {
  return keyOfRef({ kind: 'KubernetesGateway', ...gateway });
}
