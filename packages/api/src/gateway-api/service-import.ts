import type * as z from 'zod/mini';
import { dnsLabelMetadata } from '../kubernetes/metadata.ts';
import { transportProtocol } from '../kubernetes/port.ts';
import { isIp, isQualifiedName } from '../names.ts';
import { clusterOnly, object, optional, required } from '../schema/field.ts';
import * as v from '../schema/values.ts';

const REPEATED = 'in a single cluster the Service of the same name says it';

const importedPort = object({
  name: optional(v.dnsLabel(), 'Name of the port.'),
  protocol: optional(transportProtocol, 'TCP, the default, or UDP.'),
  appProtocol: optional(
    v.syntax(isQualifiedName, 'a protocol such as http, grpc or example.com/mine'),
    'Protocol spoken on the port.',
  ),
  port: required(v.port(), 'Port under which callers reach the service.'),
});

const serviceImportSpec = object({
  ports: required(v.array(importedPort), 'Ports of the service.'),
  type: required(
    v.oneOf(['ClusterSetIP', 'Headless']),
    'ClusterSetIP: callers reach the service as a whole. Headless: each of its pods.',
  ),
  ips: optional(
    v.arrayUpTo(2, v.syntax(isIp, 'an IP address')),
    'Addresses of the service beside its name, for ClusterSetIP.',
  ),
  sessionAffinity: clusterOnly(v.oneOf(['None', 'ClientIP']), REPEATED),
  sessionAffinityConfig: clusterOnly(
    object({
      clientIP: optional(
        object({ timeoutSeconds: optional(v.int(1, 86_400), 'How long a client must be remembered.') }),
        'For the affinity ClientIP.',
      ),
    }),
    REPEATED,
  ),
  ipFamilies: clusterOnly(v.arrayUpTo(2, v.oneOf(['IPv4', 'IPv6'])), REPEATED),
  internalTrafficPolicy: clusterOnly(v.oneOf(['Cluster', 'Local']), REPEATED),
  trafficDistribution: clusterOnly(v.text(), REPEATED),
});

export const serviceImport = object({
  apiVersion: required(v.literal('multicluster.x-k8s.io/v1beta1'), 'Group and version of the kind.'),
  kind: required(v.literal('ServiceImport'), 'The kind.'),
  metadata: required(dnsLabelMetadata, 'Name, namespace, labels and annotations.'),
  spec: optional(serviceImportSpec, 'What is wanted.'),
  status: clusterOnly(v.anyObject(), 'written by control planes'),
});

export type ServiceImport = z.infer<typeof serviceImport>;
