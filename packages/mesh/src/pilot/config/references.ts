import type { ConfigObject } from '@lateen/api/kinds.ts';
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

/** Of objects that were looked at: whether they are let in, and what is wrong with them, is asked again and again. */
const known = new WeakMap<ConfigObject, { readonly clusterDomain: string; readonly references: References }>();

export function referencesOf(object: ConfigObject | undefined, clusterDomain: string): References {
  if (object?.kind !== 'VirtualService') return NONE;
  const before = known.get(object);
  if (before?.clusterDomain === clusterDomain) return before.references;
  const ruleSet = buildRouteRules(object, clusterDomain);
  const { hosts, gateways } = ruleSet;
  const references = {
    destinations: destinationsOf(ruleSet).map(destinationRef),
    gateways: gateways.filter((gateway) => gateway !== MESH_GATEWAY),
    meshHosts: gateways.every((gateway) => gateway === MESH_GATEWAY) ? hosts : [],
  };
  known.set(object, { clusterDomain, references });
  return references;
}

function destinationRef({ host, subset, port, source }: Destination): DestinationRef {
  return {
    hostname: host,
    ...(subset === undefined ? {} : { subset }),
    ...(port === undefined ? {} : { port }),
    path: source.path ?? '',
  };
}
