import type * as z from 'zod/mini';
import { isDnsLabel, isIpv4, isIpv6, isQualifiedName } from '../names.ts';
import { checked, clusterOnly, forEachRepeated, later, object, optional, required } from '../schema/field.ts';
import * as v from '../schema/values.ts';
import { metadata } from './metadata.ts';
import { transportProtocol } from './port.ts';

const MAX_ENDPOINTS = 1000;
const MAX_ADDRESSES = 100;
const MAX_PORTS = 100;

const endpoint = object({
  addresses: required(
    checked(v.nonEmptyArray(v.nonEmpty()), (addresses) =>
      addresses.length > MAX_ADDRESSES ? `must have at most ${MAX_ADDRESSES} elements` : undefined,
    ),
    'Addresses of the endpoint; the first one is used.',
  ),
  conditions: optional(
    object({
      ready: optional(v.bool(), 'Whether it takes traffic; yes if it is left out.'),
      serving: optional(v.bool(), 'As ready, but also while it ends.'),
      terminating: optional(v.bool(), 'Whether it is about to end.'),
    }),
    'How it does.',
  ),
  hostname: optional(v.dnsLabel(), 'Name of the endpoint within a headless service.'),
  targetRef: optional(
    object({
      apiVersion: optional(v.text(), 'Group and version of the object.'),
      kind: optional(v.text(), 'Kind of the object.'),
      namespace: optional(v.text(), 'Namespace of the object.'),
      name: optional(v.text(), 'Name of the object.'),
      uid: clusterOnly(v.text(), 'kept by the API server of a cluster'),
      resourceVersion: clusterOnly(v.text(), 'kept by the API server of a cluster'),
      fieldPath: clusterOnly(v.text(), 'kept by the API server of a cluster'),
    }),
    'The object behind it, such as a Pod.',
  ),
  deprecatedTopology: later(v.map(v.text()), 'a deprecated field'),
  nodeName: clusterOnly(v.text(), 'names a node of a cluster'),
  zone: optional(v.text(), 'Zone that it runs in.'),
  hints: clusterOnly(v.anyObject(), 'tells the nodes of a cluster which endpoints to use'),
});

const port = object({
  name: optional(
    v.syntax((value) => value === '' || isDnsLabel(value), "the name of a port: at most 63 of a-z, 0-9 and '-'"),
    'Name of the port of the Service that it is for.',
  ),
  protocol: optional(transportProtocol, 'TCP, the default, or UDP.'),
  port: optional(v.port(), 'Port of the endpoints.'),
  appProtocol: optional(
    v.syntax(isQualifiedName, 'a protocol such as http, grpc or example.com/mine'),
    'Protocol spoken on the port.',
  ),
});

export const endpointSlice = object(
  {
    apiVersion: required(v.literal('discovery.k8s.io/v1'), 'Group and version of the kind.'),
    kind: required(v.literal('EndpointSlice'), 'The kind.'),
    metadata: required(
      metadata,
      'Name, namespace, labels and annotations. The label kubernetes.io/service-name names the Service.',
    ),
    addressType: required(
      v.oneOf(['IPv4', 'IPv6', 'FQDN'], { FQDN: 'endpoints that are names' }),
      'What the addresses are.',
    ),
    endpoints: optional(v.arrayUpTo(MAX_ENDPOINTS, endpoint), 'The endpoints. Without them there are none.'),
    ports: optional(v.arrayUpTo(MAX_PORTS, port), 'Ports of all of the endpoints.'),
  },
  {
    rules({ addressType, endpoints = [], ports = [] }, report) {
      endpoints.forEach(({ addresses }, at) => {
        addresses.forEach((address, index) => {
          if (addressType === 'IPv4' ? isIpv4(address) : isIpv6(address)) return;
          report(`must be an ${addressType} address, not ${v.quote(address)}`, ['endpoints', at, 'addresses', index]);
        });
      });
      ports.forEach((each, index) => {
        if (each.port === undefined) report('needs a port', ['ports', index]);
      });
      forEachRepeated(
        ports,
        ({ name = '' }) => name,
        ({ name = '' }, index) => report(`the port name ${v.quote(name)} is used twice`, ['ports', index]),
      );
    },
    advice({ metadata: { labels = {} } }, report) {
      if (labels['kubernetes.io/service-name'] === undefined) {
        report('belongs to no Service without the label kubernetes.io/service-name', ['metadata']);
      }
    },
  },
);

export type EndpointSlice = z.infer<typeof endpointSlice>;
