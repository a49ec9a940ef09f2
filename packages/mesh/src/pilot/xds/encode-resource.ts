import { createHash, type Hash } from 'node:crypto';
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { encode } from '@lateen/envoy-api/encode';
import { ClusterSchema } from '@lateen/envoy-api/envoy/config/cluster/v3/cluster_pb.js';
import { ClusterLoadAssignmentSchema } from '@lateen/envoy-api/envoy/config/endpoint/v3/endpoint_pb.js';
import { ListenerSchema } from '@lateen/envoy-api/envoy/config/listener/v3/listener_pb.js';
import { type VirtualHost, VirtualHostSchema } from '@lateen/envoy-api/envoy/config/route/v3/route_components_pb.js';
import { type RouteConfiguration, RouteConfigurationSchema } from '@lateen/envoy-api/envoy/config/route/v3/route_pb.js';
import { SecretSchema } from '@lateen/envoy-api/envoy/extensions/transport_sockets/tls/v3/secret_pb.js';
import type { ClusterIr } from '../proxy/ir/cluster.ts';
import type { EndpointsIr } from '../proxy/ir/endpoints.ts';
import type { ListenerIr } from '../proxy/ir/listener.ts';
import { type RouteTableIr, type TableHostIr, tableHostName, type VirtualHostIr } from '../proxy/ir/route.ts';
import type { SecretIr } from '../proxy/ir/secret.ts';
import type { Resource, ResourceType } from './resource.ts';
import { translateCluster } from './translate/cluster.ts';
import { translateEndpoints } from './translate/endpoints.ts';
import { translateListener } from './translate/listener.ts';
import { translateRouteTable, translateVirtualHost } from './translate/route.ts';
import { translateSecret } from './translate/secret.ts';

/** Fragment -> Envoy message -> bytes, once for each fragment. */
export function encodeCluster(ir: ClusterIr): Resource {
  const resource = named('cluster', ir.name, encode(ClusterSchema, translateCluster(ir)));
  if (ir.type === 'service') return ir.discovery.type === 'eds' ? { ...resource, edsName: ir.name } : resource;
  return ir.type === 'server-name' ? { ...resource, edsName: ir.endpoints } : resource;
}

export function encodeSecret(ir: SecretIr): Resource {
  return named('secret', ir.name, encode(SecretSchema, translateSecret(ir)));
}

export function encodeEndpoints(ir: EndpointsIr): Resource {
  return named('endpoint', ir.clusterName, encode(ClusterLoadAssignmentSchema, translateEndpoints(ir)));
}

export function encodeListener(ir: ListenerIr): Resource {
  return named('listener', ir.name, encode(ListenerSchema, translateListener(ir)));
}

/**
 * A table is the bytes of its virtual hosts, one after the other: those that did not change since the last time are not
 * translated again. (A repeated field of a protobuf message may stand anywhere in it, in any number of pieces.)
 */
export function encodeRouteTable(ir: RouteTableIr): Resource {
  return joinRouteTable(translateRouteTable({ ...ir, virtualHosts: [] }), ir.virtualHosts.map(encodeVirtualHost));
}

/** @param rest the table without its hosts */
export function joinRouteTable(rest: RouteConfiguration, hosts: readonly EncodedHost[]): Resource {
  const first = encode(RouteConfigurationSchema, rest);
  const digest = createHash('sha256').update(first);
  for (const host of hosts) digest.update(host.digest);
  const bytes = Buffer.concat([first, ...hosts.map((host) => host.bytes)]);
  return { type: 'route', name: rest.name, version: versionOf(digest), bytes };
}

/** The field `virtual_hosts` of a RouteConfiguration (number 2, length-delimited) with one host in it. */
export interface EncodedHost {
  readonly bytes: Uint8Array;
  readonly digest: Uint8Array;
}

const encodedHosts = new WeakMap<VirtualHostIr, EncodedHost>();

export function encodeVirtualHost(ir: VirtualHostIr): EncodedHost {
  const known = encodedHosts.get(ir);
  if (known !== undefined) return known;
  const encoded = encodeHostMessage(translateVirtualHost(ir));
  encodedHosts.set(ir, encoded);
  return encoded;
}

export function encodeHostMessage(message: VirtualHost): EncodedHost {
  const { field } = RouteConfigurationSchema;
  const writer = new BinaryWriter().tag(field.virtualHosts.number, WireType.LengthDelimited);
  const bytes = writer.bytes(encode(VirtualHostSchema, message)).finish();
  return { bytes, digest: createHash('sha256').update(bytes).digest() };
}

/** Envoy takes a virtual host away only if it has the very name of its resource. */
export function encodeTableHost(ir: TableHostIr): Resource {
  const name = tableHostName(ir);
  const bytes = encode(VirtualHostSchema, translateVirtualHost({ ...ir.host, name }));
  return { ...named('virtualHost', name, bytes), domains: ir.host.domains };
}

export function named(type: ResourceType, name: string, bytes: Uint8Array): Resource {
  return { type, name, version: versionOf(createHash('sha256').update(bytes)), bytes };
}

function versionOf(digest: Hash): string {
  return digest.digest('base64url').slice(0, 16);
}
