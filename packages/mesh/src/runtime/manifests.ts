import {
  type BuiltInGateway,
  EGRESS_GATEWAY,
  type GatewayPorts,
  isGatewayPod,
  portsFor,
} from '@lateen/api/gateway-workload.ts';
import { MESH_CONFIG } from '@lateen/api/istio/mesh-config.ts';
import type { ConfigObject, Deployment } from '@lateen/api/kinds.ts';
import { keyOfRef, type ObjectKey } from '@lateen/api/object-key.ts';
import type { ProxySettings } from '@lateen/api/proxy-settings.ts';
import { readMeshConfig } from '#pilot/config/mesh-config.ts';
import { type PodAnnotations, podAnnotationsOf, readProxyAnnotations } from '#pilot/config/proxy-annotations.ts';
import type { MeshModel } from '#pilot/model/mesh.ts';
import { buildProxySettings, type ProxySettingsSources } from '#pilot/model/proxy-settings.ts';
import type { Service, ServicePort } from '#pilot/model/service.ts';
import { askedPorts, gatewaysToStart } from '#pilot/model/started-gateways.ts';
import { hasOwnListener } from '#pilot/proxy/discovery.ts';
import type { ManifestsMessage, ServicePortRef, StartedGateway } from '#pilot/registry/processes/link.ts';

/** What the supervisor has to run, of what is in force now. `baseDirOf` gives the folder of an object's file. */
export function manifestsMessage(
  objects: ReadonlyMap<ObjectKey, ConfigObject>,
  model: MeshModel,
  baseDirOf: (key: ObjectKey) => string,
): ManifestsMessage {
  const sorted = [...objects].sort(([a], [b]) => (a < b ? -1 : 1));
  const proxies = proxySettingsSources(objects, sorted);
  const asked = askedPorts(model);
  const ownLabels = sorted.flatMap(([, object]) =>
    object.kind === 'Deployment' && isGatewayPod(object.spec.template)
      ? [object.spec.template.metadata?.labels ?? {}]
      : [],
  );
  return {
    type: 'manifests',
    deployments: sorted.flatMap(([key, object]) =>
      object.kind === 'Deployment'
        ? [{ deployment: object, baseDir: baseDirOf(key), proxy: deploymentProxy(object, proxies) }]
        : [],
    ),
    configMaps: sorted.flatMap(([, object]) => (object.kind === 'ConfigMap' ? [object] : [])),
    services: [...model.services.entries()]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .flatMap(([, service]) =>
        service.ports.filter(({ protocol }) => hasOwnListener(service, protocol)).map((port) => refOf(service, port)),
      ),
    gateways: asked,
    startedGateways: gatewaysToStart(model, ownLabels).map((gateway) => startedGateway(gateway, asked, proxies)),
  };
}

function startedGateway(
  { annotations = {}, ...gateway }: BuiltInGateway,
  asked: readonly GatewayPorts[],
  sources: ProxySettingsSources,
): StartedGateway {
  return {
    ...gateway,
    proxy: proxyOf(gateway, { annotations, path: [] }, sources),
    ports: portsFor(gateway, asked),
    hostPorts: gateway.name === EGRESS_GATEWAY.name && gateway.namespace === EGRESS_GATEWAY.namespace ? 'any' : 'usual',
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

function deploymentProxy(object: Deployment, sources: ProxySettingsSources): ProxySettings {
  const { namespace } = object.metadata;
  const { labels = {} } = object.spec.template.metadata ?? {};
  return proxyOf({ namespace, labels }, podAnnotationsOf(object) ?? { annotations: {}, path: [] }, sources);
}

function proxyOf(
  workload: Pick<BuiltInGateway, 'namespace' | 'labels'>,
  ofPods: PodAnnotations,
  sources: ProxySettingsSources,
): ProxySettings {
  const { annotations } = ofPods;
  return buildProxySettings(sources, {
    ...workload,
    annotations,
    annotation: readProxyAnnotations(ofPods).value ?? {},
  });
}
