import { create } from '@bufbuild/protobuf';
import { type Address, AddressSchema } from '@lateen/envoy-api/envoy/config/core/v3/address_pb.js';
import {
  type ClusterLoadAssignment,
  ClusterLoadAssignmentSchema,
} from '@lateen/envoy-api/envoy/config/endpoint/v3/endpoint_pb.js';
import type { EndpointGroupIr, EndpointIr, EndpointsIr, LocalityIr } from '../../proxy/ir/endpoints.ts';
import { METADATA_KEY } from './metadata.ts';
import { socketAddress } from './values.ts';

/** The mark (Istio's) of endpoints that take the mesh's mutual TLS; a cluster's transport socket is chosen by it. */
export const MESH_TLS_MATCH = { tlsMode: 'istio' };

export function translateEndpoints(ir: EndpointsIr): ClusterLoadAssignment {
  return create(ClusterLoadAssignmentSchema, {
    clusterName: ir.clusterName,
    endpoints: ir.groups.map(translateGroup),
  });
}

function translateGroup({ locality, priority, weight, endpoints }: EndpointGroupIr) {
  return {
    ...(locality === undefined ? {} : { locality: translateLocality(locality) }),
    priority,
    ...(weight === undefined ? {} : { loadBalancingWeight: weight }),
    lbEndpoints: endpoints.map(translateEndpoint),
  };
}

function translateLocality({ region, zone = '', subzone = '' }: LocalityIr) {
  return { region, zone, subZone: subzone };
}

const UNIX = 'unix://';

function endpointAddress(address: string, port: number): Address {
  if (!address.startsWith(UNIX)) return socketAddress(address, port);
  return create(AddressSchema, { address: { case: 'pipe', value: { path: address.slice(UNIX.length) } } });
}

function translateEndpoint({ address, port, weight, meshTls, instance }: EndpointIr) {
  return {
    hostIdentifier: { case: 'endpoint' as const, value: { address: endpointAddress(address, port) } },
    ...(weight === undefined ? {} : { loadBalancingWeight: weight }),
    metadata: {
      filterMetadata: {
        ...(instance === undefined ? {} : { [METADATA_KEY]: { instance } }),
        ...(meshTls ? { 'envoy.transport_socket_match': MESH_TLS_MATCH } : {}),
      },
    },
  };
}
