import type { BuiltInGateway } from '@lateen/api/gateway-workload.ts';
import type { KubernetesGateway } from '@lateen/api/kinds.ts';

/** Kubernetes' labels of the pods that are the proxies of a Gateway. */
export const GATEWAY_NAME_LABEL = 'gateway.networking.k8s.io/gateway-name';
export const GATEWAY_CLASS_LABEL = 'gateway.networking.k8s.io/gateway-class-name';

/** The gateway that is started for a Gateway. It, its Service and its identity are called `NAME-CLASS`, as Istio's are. */
export function buildGatewayProxy({ metadata, spec }: KubernetesGateway): BuiltInGateway {
  const { namespace } = metadata;
  const name = `${metadata.name}-${spec.gatewayClassName}`;
  return {
    name,
    namespace,
    labels: {
      ...spec.infrastructure?.labels,
      [GATEWAY_NAME_LABEL]: metadata.name,
      [GATEWAY_CLASS_LABEL]: spec.gatewayClassName,
    },
    serviceAccount: name,
  };
}
