import { BUILT_IN_GATEWAYS } from '@lateen/api/gateway-workload.ts';
import { MESH_CONFIG } from '@lateen/api/istio/mesh-config.ts';
import type { ConfigObject, Deployment } from '@lateen/api/kinds.ts';
import { keyOfRef, type ObjectKey } from '@lateen/api/object-key.ts';
import { readMeshConfig } from '#pilot/config/mesh-config.ts';
import { readProxyAnnotations } from '#pilot/config/proxy-annotations.ts';
import type { MeshModel } from '#pilot/model/mesh.ts';
import { buildProxySettings, type ProxySettingsSources } from '#pilot/model/proxy-settings.ts';
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
  const proxies = proxySettingsSources(objects, sorted);
  return {
    type: 'manifests',
    deployments: sorted.flatMap(([key, object]) =>
      object.kind === 'Deployment'
        ? [{ deployment: object, baseDir: baseDirOf(key), proxy: proxyOf(object, proxies) }]
        : [],
    ),
    configMaps: sorted.flatMap(([, object]) => (object.kind === 'ConfigMap' ? [object] : [])),
    services: [...model.services.entries()]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .flatMap(([, service]) =>
        service.ports.filter(({ protocol }) => hasOwnListener(service, protocol)).map((port) => refOf(service, port)),
      ),
    gateways: [...model.gateways.entries()]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([, { selector, namespace, servers }]) => ({
        selector,
        ...(namespace === undefined ? {} : { namespace }),
        ports: [...new Set(servers.map(({ port }) => port))].sort((a, b) => a - b),
      })),
    builtInProxies: Object.fromEntries(
      BUILT_IN_GATEWAYS.map((gateway) => [gateway.name, buildProxySettings(proxies, gateway)]),
    ),
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

function proxySettingsSources(
  objects: ReadonlyMap<ObjectKey, ConfigObject>,
  sorted: readonly (readonly [ObjectKey, ConfigObject])[],
): ProxySettingsSources {
  const { namespace, name } = MESH_CONFIG;
  const mesh = objects.get(keyOfRef({ kind: 'ConfigMap', namespace, name }));
  return {
    mesh: (mesh?.kind === 'ConfigMap' ? readMeshConfig(mesh).value?.defaultConfig : undefined) ?? {},
    configs: sorted.flatMap(([, object]) => (object.kind === 'ProxyConfig' ? [object] : [])),
    rootNamespace: namespace,
  };
}

function proxyOf({ metadata: { namespace }, spec: { template } }: Deployment, sources: ProxySettingsSources) {
  return buildProxySettings(sources, {
    namespace,
    labels: template.metadata?.labels ?? {},
    annotations: template.metadata?.annotations ?? {},
    annotation: readProxyAnnotations(template).value ?? {},
  });
}
