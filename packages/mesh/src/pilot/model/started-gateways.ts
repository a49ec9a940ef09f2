import {
  type BuiltInGateway,
  EGRESS_GATEWAY,
  type GatewayPorts,
  INGRESS_GATEWAY,
  wantsEgressGateway,
} from '@lateen/api/gateway-workload.ts';
import type { MeshModel } from './mesh.ts';

/** What each Gateway asks of the gateway proxies that it means, by its key. */
export function askedPorts({ gateways }: Pick<MeshModel, 'gateways'>): GatewayPorts[] {
  return [...gateways.entries()]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, { selector, namespace, servers }]) => ({
      selector,
      ...(namespace === undefined ? {} : { namespace }),
      ports: [...new Set(servers.map(({ port }) => port))].sort((a, b) => a - b),
    }));
}

/**
 * The gateways that run on a laptop without a Deployment: the ingress gateway, the egress gateway while some Gateway wants
 * it, and one for each Gateway of Kubernetes that does not name others.
 *
 * @param ownLabels of the gateways that are replicas of Deployments
 */
export function gatewaysToStart(
  model: Pick<MeshModel, 'gateways' | 'kubernetesGateways'>,
  ownLabels: readonly Readonly<Record<string, string>>[],
): BuiltInGateway[] {
  const selectors = askedPorts(model).map(({ selector }) => selector);
  return [
    INGRESS_GATEWAY,
    ...(wantsEgressGateway(selectors, ownLabels) ? [EGRESS_GATEWAY] : []),
    ...[...model.kubernetesGateways.proxies.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, proxy]) => proxy),
  ];
}
