import { BUILT_IN_GATEWAYS, type BuiltInGateway } from '@lateen/api/gateway-workload.ts';
import type { KubernetesGateway, Service } from '@lateen/api/kinds.ts';
import { resolveHost, serviceHostname, shortNamesOf } from '../hostname.ts';
import type { Problem } from './conditions.ts';

/** Kubernetes' labels of the pods that are the proxies of a Gateway. */
export const GATEWAY_NAME_LABEL = 'gateway.networking.k8s.io/gateway-name';
export const GATEWAY_CLASS_LABEL = 'gateway.networking.k8s.io/gateway-class-name';

/** Which proxies serve a Gateway. */
export interface GatewayDeployment {
  /** Those of this namespace with all of these labels; absent: none, see `problems`. */
  readonly servedBy?: { readonly namespace: string; readonly selector: Readonly<Record<string, string>> };
  /** What is started for this Gateway; absent where its addresses name the Service of proxies that are there already. */
  readonly proxy?: BuiltInGateway;
  readonly problems: readonly Problem[];
}

export interface DeploymentContext {
  readonly clusterDomain: string;
  readonly serviceAt: (namespace: string, name: string) => Service | undefined;
}

/** Where what is started for a Gateway listens. */
const OWN_ADDRESS = '127.0.0.1';

export function buildGatewayDeployment(object: KubernetesGateway, context: DeploymentContext): GatewayDeployment {
  const { addresses = [], infrastructure } = object.spec;
  const problems: Problem[] = [];
  if (infrastructure?.parametersRef !== undefined) {
    const { kind, name } = infrastructure.parametersRef;
    problems.push({
      type: 'Accepted',
      reason: 'InvalidParameters',
      message: `Lateen takes no parameters for a gateway, so ${kind} ${name} would change nothing`,
      path: 'spec.infrastructure.parametersRef',
    });
  }
  const services: { readonly host: string; readonly path: string }[] = [];
  for (const [i, { type = 'IPAddress', value = '' }] of addresses.entries()) {
    const path = `spec.addresses[${i}]`;
    if (type === 'Hostname') {
      if (value !== '') services.push({ host: value, path: `${path}.value` });
    } else if (type !== 'IPAddress') {
      const message = `addresses of the type ${type} are not known; there are IPAddress and Hostname`;
      problems.push({ type: 'Accepted', reason: 'UnsupportedAddress', message, path: `${path}.type` });
    } else if (value !== '' && value !== OWN_ADDRESS) {
      const message = `the gateway listens on ${OWN_ADDRESS}, it cannot have the address ${value}`;
      problems.push({ type: 'Programmed', reason: 'AddressNotUsable', message, path: `${path}.value` });
    }
  }
  const [service, ...others] = services;
  for (const { path } of others) {
    const message = 'the proxies of one Service can serve a Gateway, not those of several';
    problems.push({ type: 'Accepted', reason: 'UnsupportedAddress', message, path });
  }
  if (service === undefined) {
    if (problems.length > 0) return { problems };
    const proxy = buildProxy(object);
    const { namespace } = object.metadata;
    return { servedBy: { namespace, selector: { [GATEWAY_NAME_LABEL]: object.metadata.name } }, proxy, problems };
  }
  const servedBy = proxiesBehind(service.host, object.metadata.namespace, context);
  if (servedBy === undefined) {
    const message = `there is no Service ${service.host} that selects gateways`;
    problems.push({ type: 'Programmed', reason: 'AddressNotUsable', message, path: service.path });
  }
  return servedBy === undefined || problems.length > 0 ? { problems } : { servedBy, problems };
}

/** It, its Service and its identity are called `NAME-CLASS`, as Istio's are. */
function buildProxy({ metadata, spec }: KubernetesGateway): BuiltInGateway {
  const { namespace } = metadata;
  const { labels, annotations } = spec.infrastructure ?? {};
  const name = `${metadata.name}-${spec.gatewayClassName}`;
  return {
    name,
    namespace,
    labels: {
      ...labels,
      [GATEWAY_NAME_LABEL]: metadata.name,
      [GATEWAY_CLASS_LABEL]: spec.gatewayClassName,
    },
    ...(annotations === undefined ? {} : { annotations }),
    serviceAccount: name,
  };
}

/** Those that a Service selects: one that is written, or that of a gateway which Lateen runs by itself. */
function proxiesBehind(
  host: string,
  ownNamespace: string,
  { clusterDomain, serviceAt }: DeploymentContext,
): GatewayDeployment['servedBy'] {
  const hostname = resolveHost(host, ownNamespace, clusterDomain);
  const { namespace, near } = shortNamesOf(hostname, clusterDomain) ?? { namespace: '', near: [] };
  const service = serviceAt(namespace, near[0] ?? '');
  if (service !== undefined) {
    const { selector = {} } = service.spec;
    return Object.keys(selector).length === 0 ? undefined : { namespace, selector };
  }
  const builtIn = BUILT_IN_GATEWAYS.find(
    (each) => serviceHostname(each.name, each.namespace, clusterDomain) === hostname,
  );
  return builtIn && { namespace, selector: builtIn.labels };
}
