import type { ConfigObject } from '@lateen/api/kinds.ts';
import type { ObjectKey } from '@lateen/api/object-key.ts';
import { resolveHost } from '../model/hostname.ts';
import type { Destination } from '../model/route-action.ts';
import { buildRouteRules, destinationsOf, MESH_GATEWAY } from '../model/route-rule.ts';

/** What a VirtualService needs of other objects: the destinations of its routes, its gateways and its hosts. */
export interface References {
  readonly destinations: readonly DestinationRef[];
  /** `NAMESPACE/NAME` */
  readonly gateways: readonly string[];
  /** Hosts that only sidecars serve: calls to services. */
  readonly meshHosts: readonly string[];
}

export interface DestinationRef {
  readonly hostname: string;
  readonly subset?: string;
  readonly port?: number;
  readonly path: string;
}

const NONE: References = { destinations: [], gateways: [], meshHosts: [] };

export function referencesOf(object: ConfigObject | undefined, clusterDomain: string): References {
  if (object?.kind !== 'VirtualService') return NONE;
  const ruleSet = buildRouteRules(object, clusterDomain);
  const { hosts, gateways } = ruleSet;
  return {
    destinations: destinationsOf(ruleSet).map(destinationRef),
    gateways: gateways.filter((gateway) => gateway !== MESH_GATEWAY),
    meshHosts: gateways.every((gateway) => gateway === MESH_GATEWAY) ? hosts : [],
  };
}

function destinationRef({ host, subset, port, source }: Destination): DestinationRef {
  return {
    hostname: host,
    ...(subset === undefined ? {} : { subset }),
    ...(port === undefined ? {} : { port }),
    path: source.path ?? '',
  };
}

/** The host that other objects may refer to by way of this one: a Service is one, a DestinationRule gives it subsets. */
export function hostnameBehind(object: ConfigObject | undefined, clusterDomain: string): string | undefined {
  if (object?.kind === 'Service') return resolveHost(object.metadata.name, object.metadata.namespace, clusterDomain);
  if (object?.kind === 'DestinationRule') {
    return resolveHost(object.spec.host, object.metadata.namespace, clusterDomain);
  }
  return undefined;
}

/** The Service that a hostname of the mesh stands for. */
export function serviceKeyOf(hostname: string, clusterDomain: string): ObjectKey | undefined {
  const suffix = `.svc.${clusterDomain}`;
  if (!hostname.endsWith(suffix)) return undefined;
  const [name, namespace, ...more] = hostname.slice(0, -suffix.length).split('.');
  return name === undefined || namespace === undefined || more.length > 0 ? undefined : `Service/${namespace}/${name}`;
}
