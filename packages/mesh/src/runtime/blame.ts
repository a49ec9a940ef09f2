import type { ObjectRef } from '@lateen/api/diagnostic.ts';
import { keyOfRef, type ObjectKey } from '@lateen/api/object-key.ts';
import { instanceOfNode } from '@lateen/api/workload-instance.ts';
import { buildEndpointSlice } from '#pilot/model/endpoint-slice.ts';
import { hasLabels } from '#pilot/model/service.ts';
import type { Pilot } from '#pilot/pilot.ts';
import type { RouteTableIr, VirtualHostIr } from '#pilot/proxy/ir/route.ts';
import type { SourceRef } from '#pilot/proxy/ir/source.ts';
import { patchesBehind } from '#pilot/xds/patch-matches.ts';
import type { ResourceType } from '#pilot/xds/resource.ts';
import type { ProxyStatus } from '#pilot/xds/server/status.ts';

/** Kinds whose objects users write to steer traffic: what Envoy refuses comes mostly from one of them. */
const STEERING = new Set<string>([
  ...['VirtualService', 'DestinationRule', 'Gateway', 'PeerAuthentication', 'EnvoyFilter', 'Sidecar', 'Ingress'],
  // Of keys and certificates.
  ...['Secret', 'ConfigMap'],
]);

/** Kinds that say where services are. They are behind nearly everything. */
const DECLARING = new Set<string>(['Service', 'ServiceEntry', 'WorkloadEntry', 'EndpointSlice']);

/** The configuration that a resource of a proxy is made of. */
export function objectsBehind(pilot: Pilot, nodeId: string, type: ResourceType, name: string): ObjectKey[] {
  const sources = [...sourcesOf(pilot, nodeId, type, name), ...patchesBehind(pilot.resources, nodeId, type, name)];
  const addresses =
    type === 'cluster' || type === 'endpoint' ? sources.flatMap((each) => addressesOf(pilot, each)) : [];
  const known = [...sources, ...addresses].filter(({ kind }) => STEERING.has(kind) || DECLARING.has(kind));
  return [...new Set(known.map((source) => keyOfRef(source)))];
}

/** What proxies say to an object, where they refuse what is made of it. */
export function refusalsOf(
  pilot: Pilot,
  proxies: readonly Pick<ProxyStatus, 'nodeId' | 'rejected'>[],
  key: ObjectKey,
): string[] {
  return proxies.flatMap(({ nodeId, rejected }) =>
    rejected
      .filter(({ type, names }) => names.some((name) => objectsBehind(pilot, nodeId, type, name).includes(key)))
      .map(({ message }) => `${instanceOfNode(nodeId)}: ${message}`),
  );
}

/** Of what could be to blame for the same reason: rules, rather than the services that they are for. */
export function likeliest(keys: readonly ObjectKey[]): readonly ObjectKey[] {
  const steering = keys.filter((key) => !DECLARING.has(key.slice(0, key.indexOf('/'))));
  return steering.length > 0 ? steering : keys;
}

/** Other objects that say where a service is. */
function addressesOf({ objects }: Pilot, { kind, namespace, name }: SourceRef): ObjectRef[] {
  if (kind !== 'Service' && kind !== 'ServiceEntry') return [];
  const object = objects.get(keyOfRef({ kind, namespace, name }));
  const selector =
    object?.kind === 'Service'
      ? object.spec.selector
      : object?.kind === 'ServiceEntry' && object.spec.workloadSelector !== undefined
        ? (object.spec.workloadSelector.labels ?? {})
        : undefined;
  const found: ObjectRef[] = [];
  for (const [, each] of objects.entries()) {
    const selected =
      each.kind === 'WorkloadEntry' &&
      each.metadata.namespace === namespace &&
      selector !== undefined &&
      hasLabels(each.spec.labels ?? {}, selector);
    const sliced = each.kind === 'EndpointSlice' && buildEndpointSlice(each)?.service === `${namespace}/${name}`;
    if (selected || sliced) found.push({ kind: each.kind, namespace, name: each.metadata.name });
  }
  return found;
}

function sourcesOf(pilot: Pilot, nodeId: string, type: ResourceType, name: string): readonly SourceRef[] {
  const { resolved } = pilot;
  const own = resolved.own.get(nodeId);
  const shared = resolved.shared.get(nodeId);
  switch (type) {
    case 'cluster': {
      const cluster =
        own?.clusters.find((each) => each.name === name) ?? resolved.clusters.get(shared?.clusters.get(name) ?? '');
      return cluster?.sources ?? [];
    }
    case 'listener': {
      const listener =
        own?.listeners.find((each) => each.name === name) ?? resolved.listeners.get(shared?.listeners.get(name) ?? '');
      return listener?.sources ?? [];
    }
    case 'route': {
      const table =
        own?.tables.find((each) => each.name === name) ?? resolved.tables.get(shared?.tables.get(name) ?? '');
      return table === undefined ? [] : tableSources(table);
    }
    case 'virtualHost': {
      const found = resolved.virtualHosts.get(shared?.virtualHosts.get(name) ?? '');
      return found === undefined ? [] : hostSources(found.host);
    }
    case 'secret': {
      const secret =
        own?.secrets.find((each) => each.name === name) ?? resolved.secrets.get(shared?.secrets.get(name) ?? '');
      return secret?.sources ?? [];
    }
    case 'endpoint':
      // Named after their cluster.
      return sourcesOf(pilot, nodeId, 'cluster', name);
    case 'extension':
      return [];
  }
}

function tableSources({ virtualHosts }: RouteTableIr): SourceRef[] {
  return virtualHosts.flatMap(hostSources);
}

function hostSources({ routes }: VirtualHostIr): SourceRef[] {
  return routes.flatMap(({ sources }) => sources);
}
