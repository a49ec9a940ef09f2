import type * as z from 'zod/mini';
import { isIp, isQualifiedName } from '../names.ts';
import { annotate, checked, clusterOnly, forEachRepeated, later, object, optional, required } from '../schema/field.ts';
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
  protocol: optional(transportProtocol, 'TCP, the default.'),
  appProtocol: optional(
    v.syntax(isQualifiedName, 'a protocol such as http, grpc or example.com/mine'),
    'Protocol spoken on the port, such as http, http2, grpc or tcp; goes before what the name says.',
  ),
  nodePort: clusterOnly(v.int(0, 65_535), CLUSTER_NETWORK),
});

const clusterIp = annotate(
  checked(v.text(), (value) =>
    value === '' || value === 'None' || isIp(value) ? undefined : `must be an IP address, not ${v.quote(value)}`,
  ),
  { laterValues: { None: 'headless services' } },
);

const serviceSpec = object(
  {
    selector: optional(v.labels(), 'Pods belong to the service when they have all of these labels.'),
    ports: optional(v.array(servicePort), 'Ports of the service.'),
    type: optional(
      v.oneOf(['ClusterIP', 'NodePort', 'LoadBalancer', 'ExternalName'], {
        ExternalName: 'services that stand for a name outside',
      }),
      'ClusterIP, the default. On one machine NodePort and LoadBalancer mean the same.',
    ),
    sessionAffinity: optional(v.oneOf(['None', 'ClientIP'], { ClientIP: 'session affinity' }), 'None, the default.'),
    clusterIP: clusterOnly(clusterIp, CLUSTER_NETWORK),
    clusterIPs: clusterOnly(v.array(clusterIp), CLUSTER_NETWORK),
    sessionAffinityConfig: later(v.anyObject(), 'session affinity'),
    externalName: later(v.text(), 'services that stand for a name outside', ['']),
    publishNotReadyAddresses: later(v.bool(), 'traffic to pods that are not ready'),
    externalIPs: clusterOnly(v.array(v.text()), CLUSTER_NETWORK),
    externalTrafficPolicy: clusterOnly(v.oneOf(['Cluster', 'Local', '']), CLUSTER_NETWORK),
    internalTrafficPolicy: clusterOnly(v.oneOf(['Cluster', 'Local']), CLUSTER_NETWORK),
    trafficDistribution: clusterOnly(v.text(), CLUSTER_NETWORK),
    healthCheckNodePort: clusterOnly(v.int(0, 65_535), CLUSTER_NETWORK),
    ipFamilies: clusterOnly(v.array(v.oneOf(['IPv4', 'IPv6'])), CLUSTER_NETWORK),
    ipFamilyPolicy: clusterOnly(v.oneOf(['SingleStack', 'PreferDualStack', 'RequireDualStack']), CLUSTER_NETWORK),
    allocateLoadBalancerNodePorts: clusterOnly(v.bool(), CLUSTER_NETWORK),
    loadBalancerClass: clusterOnly(v.text(), CLUSTER_NETWORK),
    loadBalancerIP: clusterOnly(v.text(), CLUSTER_NETWORK),
    loadBalancerSourceRanges: clusterOnly(v.array(v.text()), CLUSTER_NETWORK),
  },
  {
    rules({ ports = [], type }, report) {
      if (ports.length === 0 && type !== 'ExternalName') report('must have at least one port', ['ports']);
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

export const service = object({
  apiVersion: required(v.literal('v1'), 'Group and version of the kind.'),
  kind: required(v.literal('Service'), 'The kind.'),
  metadata: required(
    dnsLabelMetadata,
    'Name, namespace, labels and annotations. The name is what callers use as host.',
  ),
  spec: required(serviceSpec, 'What is wanted.'),
  status: clusterOnly(v.anyObject(), 'written by control planes'),
});

export type ServicePort = z.infer<typeof servicePort>;
export type Service = z.infer<typeof service>;
