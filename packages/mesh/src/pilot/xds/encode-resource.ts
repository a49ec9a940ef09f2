import { createHash } from 'node:crypto';
import { encode } from '@lateen/envoy-api/encode';
import { ClusterSchema } from '@lateen/envoy-api/envoy/config/cluster/v3/cluster_pb.js';
import { ClusterLoadAssignmentSchema } from '@lateen/envoy-api/envoy/config/endpoint/v3/endpoint_pb.js';
import { ListenerSchema } from '@lateen/envoy-api/envoy/config/listener/v3/listener_pb.js';
import { RouteConfigurationSchema } from '@lateen/envoy-api/envoy/config/route/v3/route_pb.js';
import type { ClusterIr } from '../proxy/ir/cluster.ts';
import type { EndpointsIr } from '../proxy/ir/endpoints.ts';
import type { ListenerIr } from '../proxy/ir/listener.ts';
import type { RouteTableIr } from '../proxy/ir/route.ts';
import type { Resource, ResourceType } from './resource.ts';
import { translateCluster } from './translate/cluster.ts';
import { translateEndpoints } from './translate/endpoints.ts';
import { translateListener } from './translate/listener.ts';
import { translateRouteTable } from './translate/route.ts';

/** Fragment -> Envoy message -> bytes, once for each fragment. */
export function encodeCluster(ir: ClusterIr): Resource {
  const resource = named('cluster', ir.name, encode(ClusterSchema, translateCluster(ir)));
  return ir.type === 'service' ? { ...resource, edsName: ir.name } : resource;
}

export function encodeEndpoints(ir: EndpointsIr): Resource {
  return named('endpoint', ir.clusterName, encode(ClusterLoadAssignmentSchema, translateEndpoints(ir)));
}

export function encodeListener(ir: ListenerIr): Resource {
  return named('listener', ir.name, encode(ListenerSchema, translateListener(ir)));
}

export function encodeRouteTable(ir: RouteTableIr): Resource {
  return named('route', ir.name, encode(RouteConfigurationSchema, translateRouteTable(ir)));
}

function named(type: ResourceType, name: string, bytes: Uint8Array): Resource {
  return { type, name, version: createHash('sha256').update(bytes).digest('base64url').slice(0, 16), bytes };
}
