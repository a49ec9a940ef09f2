import type { Service as ServiceObject } from '@lateen/api/kinds.ts';
import { isIp } from '@lateen/api/names.ts';
import { serviceHostname, shortNamesOf } from './hostname.ts';
import { CLIENT_AFFINITY, type LoadBalancing } from './load-balancer.ts';
import { isGrpcWeb, protocolOf } from './protocol.ts';
import { type DatagramPort, type ServiceDeclaration, type ServicePort, serviceKey } from './service.ts';
import { buildVisibility } from './visibility.ts';

/** Istio's annotation of Services, with commas between the namespaces. */
const EXPORT_TO = 'networking.istio.io/exportTo';

/** Istio's annotation, which goes before the field. */
const TRAFFIC_DISTRIBUTION = 'networking.istio.io/traffic-distribution';

/** An ExternalName Service may leave its ports out, since DNS knows none: these are what it is called on. */
export const USUAL_PORTS: readonly ServicePort[] = [
  { port: 80, name: 'http', protocol: 'http', targetPort: 80 },
  { port: 443, name: 'https', protocol: 'tls', targetPort: 443 },
];

/** @param exportedTo where the object does not say it */
export function declareKubernetesService(
  object: ServiceObject,
  clusterDomain: string,
  exportedTo?: readonly string[],
): ServiceDeclaration {
  const { name, namespace, annotations = {} } = object.metadata;
  const { type, clusterIP, clusterIPs = [], selector = {} } = object.spec;
  const hostname = serviceHostname(name, namespace, clusterDomain);
  const shortNames = shortNamesOf(hostname, clusterDomain);
  const isExternalName = type === 'ExternalName';
  const ports = buildPorts(object);
  const datagramPorts = buildDatagramPorts(object);
  return {
    key: serviceKey(namespace, hostname),
    hostname,
    name,
    namespace,
    registry: 'kubernetes',
    ports: isExternalName && ports.length === 0 ? USUAL_PORTS : ports,
    ...(datagramPorts.length === 0 ? {} : { datagramPorts }),
    resolution: isExternalName ? 'alias' : 'endpoints',
    isExternal: isExternalName,
    addresses: isExternalName ? [] : [...new Set([clusterIP ?? '', ...clusterIPs])].filter(isIp),
    subjectAltNames: [],
    ...(shortNames === undefined ? {} : { shortNames }),
    backing: {
      ports,
      ...(isExternalName || Object.keys(selector).length === 0 ? {} : { selector }),
      addresses: [],
      slicesOf: `${namespace}/${name}`,
      notReadyToo: object.spec.publishNotReadyAddresses ?? false,
    },
    ...loadBalancingOf(object),
    ...(isExternalName ? { externalName: externalNameOf(object) } : {}),
    isHeadless: !isExternalName && [clusterIP, ...clusterIPs].includes('None'),
    wantsAddress: false,
    visibility: buildVisibility(annotations[EXPORT_TO]?.split(',').map((each) => each.trim()) ?? exportedTo, namespace),
    source: { kind: 'Service', namespace, name },
  };
}

/** The host that a Service of the type ExternalName stands for. */
export function externalNameOf({ spec: { externalName = '' } }: ServiceObject): string {
  return externalName.toLowerCase().replace(/\.$/, '');
}

const REGION_AND_ZONE = ['topology.kubernetes.io/region', 'topology.kubernetes.io/zone'];
const NODE = 'kubernetes.io/hostname';

/** The nearest endpoints first, the others when there are none. */
const DISTRIBUTIONS: Readonly<Record<string, readonly string[]>> = {
  PreferClose: REGION_AND_ZONE,
  PreferSameZone: REGION_AND_ZONE,
  PreferSameNode: [...REGION_AND_ZONE, NODE],
};

function loadBalancingOf({ metadata, spec }: ServiceObject): { readonly loadBalancing?: LoadBalancing } {
  const affinity = spec.sessionAffinity === 'ClientIP' ? CLIENT_AFFINITY : undefined;
  const labels = DISTRIBUTIONS[metadata.annotations?.[TRAFFIC_DISTRIBUTION] ?? spec.trafficDistribution ?? ''];
  if (affinity === undefined && labels === undefined) return {};
  const order = { regions: [], labels: (labels ?? []).map((key) => ({ key })) };
  const nearest = labels === undefined ? {} : { locality: { type: 'failover' as const, order, always: true as const } };
  return { loadBalancing: { ...affinity, ...nearest } };
}

function buildPorts({ spec: { ports = [] } }: ServiceObject): readonly ServicePort[] {
  return ports
    .filter(({ protocol = 'TCP' }) => protocol === 'TCP')
    .map(({ port, name, appProtocol, targetPort }) => ({
      port,
      ...(name === undefined ? {} : { name }),
      protocol: protocolOf(name, appProtocol, port),
      ...(isGrpcWeb(name, appProtocol) ? { grpcWeb: true as const } : {}),
      targetPort: targetPort ?? port,
    }));
}

function buildDatagramPorts({ spec: { ports = [] } }: ServiceObject): readonly DatagramPort[] {
  return ports
    .filter(({ protocol }) => protocol === 'UDP')
    .map(({ port, name, targetPort }) => ({
      port,
      ...(name === undefined ? {} : { name }),
      targetPort: targetPort ?? port,
    }));
}

/**
 * One pod of a headless Service, under a name of its own: `web-0.web.default.svc.cluster.local`. In a cluster only the
 * pods of StatefulSets have such names; replicas here have numbers as well.
 */
export function declarePod(
  service: ServiceDeclaration,
  pod: { readonly name: string; readonly key: string },
  clusterDomain: string,
): ServiceDeclaration {
  const hostname = `${pod.name}.${service.hostname}`;
  const shortNames = shortNamesOf(hostname, clusterDomain);
  return {
    ...service,
    key: serviceKey(service.namespace, hostname),
    hostname,
    name: `${pod.name}.${service.name}`,
    registry: 'pod',
    ...(shortNames === undefined ? {} : { shortNames }),
    backing: { ports: service.ports, instance: pod.key, addresses: [], notReadyToo: service.backing.notReadyToo },
    isHeadless: false,
  };
}
