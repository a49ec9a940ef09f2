import { keyOfRef, type ObjectKey } from '@lateen/api/object-key.ts';
import type { Pilot } from '#pilot/pilot.ts';
import type { RouteTableIr } from '#pilot/proxy/ir/route.ts';
import type { SourceRef } from '#pilot/proxy/ir/source.ts';
import { patchesBehind } from '#pilot/xds/patch-matches.ts';
import type { ResourceType } from '#pilot/xds/resource.ts';

/** Kinds whose objects users write to steer traffic: what Envoy refuses comes from one of them. */
const STEERING = new Set([
  ...['VirtualService', 'DestinationRule', 'Gateway', 'PeerAuthentication', 'EnvoyFilter', 'Sidecar', 'Ingress'],
  // Of keys and certificates.
  ...['Secret', 'ConfigMap'],
]);

/** The configuration that a resource of a proxy is made of. */
export function objectsBehind(pilot: Pilot, nodeId: string, type: ResourceType, name: string): ObjectKey[] {
  const sources = [...sourcesOf(pilot, nodeId, type, name), ...patchesBehind(pilot.resources, nodeId, type, name)];
  const keys = sources.filter(({ kind }) => STEERING.has(kind)).map((source) => keyOfRef(source));
  return [...new Set(keys)];
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
    case 'secret': {
      const secret =
        own?.secrets.find((each) => each.name === name) ?? resolved.secrets.get(shared?.secrets.get(name) ?? '');
      return secret?.sources ?? [];
    }
    case 'endpoint':
    case 'extension':
      return [];
  }
}

function tableSources({ virtualHosts }: RouteTableIr): SourceRef[] {
  return virtualHosts.flatMap(({ routes }) => routes.flatMap(({ sources }) => sources));
}
