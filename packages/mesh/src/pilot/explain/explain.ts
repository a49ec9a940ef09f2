import type { ExplainRequest, LocatedSource } from '@lateen/api/admin.ts';
import type { ObjectKey } from '@lateen/api/object-key.ts';
import { spiffeIdOf } from '@lateen/api/spiffe-id.ts';
import type { Journey, VerdictSource } from '@lateen/api/verdict.ts';
import { instanceKey, nodeIdOf, type WorkloadInstance } from '@lateen/api/workload-instance.ts';
import { asWritten } from '@lateen/api/written-kind.ts';
import type { Origin } from '../config/document-source.ts';
import { sourceLocator } from '../config/locate-source.ts';
import { endpointKey } from '../model/endpoints.ts';
import { currentDefaults } from '../model/mesh.ts';
import type { Pilot } from '../pilot.ts';
import { followCall } from '../simulator/journey/journey.ts';
import { instanceMesh } from '../simulator/journey/mesh-view.ts';
import { heldConfiguration } from '../xds/held-configuration.ts';
import { aim } from './aim.ts';
import { findInstance } from './find-instance.ts';

/** What the proxies would do with a request now, with the files and lines that say so. Throws a LateenError. */
export function explain(
  pilot: Pilot,
  { from, ...request }: ExplainRequest,
  originOf: (key: ObjectKey) => Origin | undefined,
): Journey {
  const { settings } = pilot.model;
  const instances = [...pilot.instances.entries()].map(([, instance]) => instance);
  const instance = findInstance(instances, from);
  const { ports } = currentDefaults(pilot.model);
  const call = aim(request, instance, {
    clusterDomain: settings.clusterDomain,
    outboundPort: ports.outbound,
    services: () => [...pilot.model.services.entries()].map(([, service]) => service),
    addressesBehind: (service, port) =>
      (pilot.model.endpoints.get(endpointKey(service, port)) ?? []).map(({ address }) => address),
  });
  const journey = withProxies(pilot, instances, () => {
    const mesh = instanceMesh({
      instances,
      inboundPort: ports.inbound,
      configurationOf: (each) => heldConfiguration(pilot.resources, nodeIdOf(each, settings.clusterDomain)),
      certificateOf: (each) => ({ names: [spiffeIdOf({ ...settings, ...each })], trusted: true }),
    });
    const proxy = mesh.proxy(instanceKey(instance));
    if (proxy === undefined) throw new Error(`the proxy of ${instanceKey(instance)} has no configuration`);
    return followCall(mesh, proxy, call);
  });
  return withPlaces(journey, sourceLocator(originOf)) as Journey;
}

/** Proxies that are not connected at the moment are looked at as if they were. */
function withProxies<T>(pilot: Pilot, instances: readonly WorkloadInstance[], look: () => T): T {
  const added = instances
    .map((instance) => ({ nodeId: nodeIdOf(instance, pilot.model.settings.clusterDomain), instance }))
    .filter(({ nodeId }) => pilot.proxies.get(nodeId) === undefined);
  if (added.length === 0) return look();
  pilot.graph.transaction(() => {
    for (const { nodeId, instance } of added) pilot.proxies.set(nodeId, { nodeId, instance: instanceKey(instance) });
  });
  try {
    return look();
  } finally {
    pilot.graph.transaction(() => {
      for (const { nodeId } of added) pilot.proxies.delete(nodeId);
    });
  }
}

/** The value with file and line in each of its lists of sources. */
function withPlaces(value: unknown, locate: (source: LocatedSource) => LocatedSource): unknown {
  if (Array.isArray(value)) return value.map((item) => withPlaces(item, locate));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [
      key,
      key === 'sources'
        ? (inner as readonly VerdictSource[]).map((source) => asWritten(locate(source)))
        : withPlaces(inner, locate),
    ]),
  );
}
