import type { ConfigObject } from '@lateen/api/kinds.ts';
import type { ObjectKey } from '@lateen/api/object-key.ts';
import type { MeshModel } from '#pilot/model/mesh.ts';
import type { Service, ServicePort } from '#pilot/model/service.ts';
import { hasOwnListener } from '#pilot/proxy/discovery.ts';
import type { ManifestsMessage, ServicePortRef } from '#pilot/registry/processes/link.ts';

/** What the supervisor has to run, of what is in force now. `baseDirOf` gives the folder of an object's file. */
export function manifestsMessage(
  objects: ReadonlyMap<ObjectKey, ConfigObject>,
  model: MeshModel,
  baseDirOf: (key: ObjectKey) => string,
): ManifestsMessage {
  const sorted = [...objects].sort(([a], [b]) => (a < b ? -1 : 1));
  return {
    type: 'manifests',
    deployments: sorted.flatMap(([key, object]) =>
      object.kind === 'Deployment' ? [{ deployment: object, baseDir: baseDirOf(key) }] : [],
    ),
    configMaps: sorted.flatMap(([, object]) => (object.kind === 'ConfigMap' ? [object] : [])),
    services: [...model.services.entries()]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .flatMap(([, service]) =>
        service.ports.filter(({ protocol }) => hasOwnListener(service, protocol)).map((port) => refOf(service, port)),
      ),
    gateways: [...model.gateways.entries()]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([, { selector, servers }]) => ({
        selector,
        ports: [...new Set(servers.map(({ port }) => port))].sort((a, b) => a - b),
      })),
  };
}

function refOf({ registry, hostname, name, namespace, visibility }: Service, port: ServicePort): ServicePortRef {
  return {
    name,
    ...(registry === 'service-entry' ? {} : { namespace }),
    ...(visibility === 'all' ? {} : { visibleIn: visibility }),
    hostname,
    port: port.port,
    ...(port.name === undefined ? {} : { portName: port.name }),
  };
}
