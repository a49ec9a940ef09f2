import type * as z from 'zod/mini';
import { isHost, isIp, isQualifiedName } from '../names.ts';
import { checked, clusterOnly, forEachRepeated, list, object, optional, required } from '../schema/field.ts';
import * as v from '../schema/values.ts';
import { dnsLabelMetadata } from './metadata.ts';
import { transportProtocol } from './port.ts';

const CLUSTER_NETWORK = 'belongs to the network of a cluster';

const servicePort = object({
  name: optional(
    v.dnsLabel(),
    'Name of the port, unique in the Service; needed when there are several. Its start tells the protocol, as in http-api.',
  ),
  port: required(v.port(), 'Port under which callers reach the service.'),
  targetPort: optional(
    v.portOrName(),
    'Port of the pods, as a number or the name of a container port; the same by default.',
  ),
  protocol: optional(transportProtocol, 'TCP, the default, or UDP.'),
  appProtocol: optional(
    v.syntax(isQualifiedName, 'a protocol such as http, grpc or example.com/mine'),
    'Protocol spoken on the port, such as http, http2, grpc or tcp; goes before what the name says.',
  ),
  nodePort: clusterOnly(v.int(0, 65_535), CLUSTER_NETWORK),
});

const clusterIp = checked(v.text(), (value) =>
  value === '' || value === 'None' || isIp(value) ? undefined : `must be an IP address or None, not ${v.quote(value)}`,
);

const externalName = checked(v.text(), (value) =>
  value === '' || isHost(value.toLowerCase().replace(/\.$/, ''))
    ? undefined
    : `must be a host name, not ${v.quote(value)}`,
);

const DISTRIBUTIONS = ['PreferClose', 'PreferSameZone', 'PreferSameNode'] as const;

/** Kubernetes' bound: a day. */
const MAX_AFFINITY_SECONDS = 86_400;

const serviceSpec = object(
  {
    selector: optional(v.labels(), 'Pods belong to the service when they have all of these labels.'),
    ports: optional(v.array(servicePort), 'Ports of the service.'),
    type: optional(
      v.oneOf(['ClusterIP', 'NodePort', 'LoadBalancer', 'ExternalName']),
      'ClusterIP, the default. On one machine NodePort and LoadBalancer mean the same. ExternalName: another name for a service, or for a host outside.',
    ),
    sessionAffinity: optional(
      v.oneOf(['None', 'ClientIP']),
      'None, the default. ClientIP: a client calls the same endpoint for as long as that is there. A DestinationRule with a load balancer goes before it.',
    ),
    clusterIP: optional(
      clusterIp,
      'An address by which clients may call the service as well. None: the service is headless, and each of its pods has a name of its own, POD.SERVICE.',
    ),
    clusterIPs: optional(v.array(clusterIp), 'The same for several addresses.'),
    sessionAffinityConfig: optional(
      object({
        clientIP: optional(
          object({
            timeoutSeconds: optional(
              v.int(1, MAX_AFFINITY_SECONDS),
              'How long a client must be remembered. Here it is not forgotten, so the affinity always lasts that long.',
            ),
          }),
          'For the affinity ClientIP.',
        ),
      }),
      'Details of the affinity.',
    ),
    externalName: optional(
      externalName,
      'For the type ExternalName: the host that is meant. The ports are those of the service behind it, if the mesh knows it; else its own, or 80 and 443.',
    ),
    publishNotReadyAddresses: optional(v.bool(), 'Pods get traffic also while they are not ready.'),
    externalIPs: clusterOnly(v.array(v.text()), CLUSTER_NETWORK),
    externalTrafficPolicy: clusterOnly(v.oneOf(['Cluster', 'Local', '']), CLUSTER_NETWORK),
    internalTrafficPolicy: clusterOnly(v.oneOf(['Cluster', 'Local']), CLUSTER_NETWORK),
    trafficDistribution: optional(
      v.oneOf(DISTRIBUTIONS),
      'Which endpoints a client prefers: those in its zone (PreferSameZone, of which PreferClose is the old name), or those on its node and then in its zone. Without it, all alike. A DestinationRule with a setting for localities goes before it.',
    ),
    healthCheckNodePort: clusterOnly(v.int(0, 65_535), CLUSTER_NETWORK),
    ipFamilies: clusterOnly(v.array(v.oneOf(['IPv4', 'IPv6'])), CLUSTER_NETWORK),
    ipFamilyPolicy: clusterOnly(v.oneOf(['SingleStack', 'PreferDualStack', 'RequireDualStack']), CLUSTER_NETWORK),
    allocateLoadBalancerNodePorts: clusterOnly(v.bool(), CLUSTER_NETWORK),
    loadBalancerClass: clusterOnly(v.text(), CLUSTER_NETWORK),
    loadBalancerIP: clusterOnly(v.text(), CLUSTER_NETWORK),
    loadBalancerSourceRanges: clusterOnly(v.array(v.text()), CLUSTER_NETWORK),
  },
  {
    rules({ ports = [], type, clusterIP: address, externalName: meant = '' }, report) {
      if (type === 'ExternalName' && meant === '') report('is required for the type ExternalName', ['externalName']);
      if (ports.length === 0 && type !== 'ExternalName' && address !== 'None') {
        report('must have at least one port', ['ports']);
      }
      ports.forEach(({ name }, index) => {
        if (name === undefined && ports.length > 1)
          report('needs a name: the Service has several ports', ['ports', index]);
      });
      forEachRepeated(
        ports,
        ({ name }) => name,
        ({ name }, index) => report(`the port name ${name} is used twice`, ['ports', index, 'name']),
      );
      forEachRepeated(
        ports,
        ({ port, protocol = 'TCP' }) => `${port}/${protocol}`,
        ({ port }, index) => report(`the port ${port} is listed twice`, ['ports', index, 'port']),
      );
    },
  },
);

const DISTRIBUTION = 'networking.istio.io/traffic-distribution';

export const service = object(
  {
    apiVersion: required(v.literal('v1'), 'Group and version of the kind.'),
    kind: required(v.literal('Service'), 'The kind.'),
    metadata: required(
      dnsLabelMetadata,
      'Name, namespace, labels and annotations. The name is what callers use as host.',
    ),
    spec: required(serviceSpec, 'What is wanted.'),
    status: clusterOnly(v.anyObject(), 'written by control planes'),
  },
  {
    rules({ metadata: { annotations = {} } }, report) {
      const value = annotations[DISTRIBUTION];
      if (value === undefined || (DISTRIBUTIONS as readonly string[]).includes(value)) return;
      report(`must be ${list(DISTRIBUTIONS, 'or')}, not ${v.quote(value)}`, ['metadata', 'annotations', DISTRIBUTION]);
    },
  },
);

export type ServicePort = z.infer<typeof servicePort>;
export type Service = z.infer<typeof service>;
