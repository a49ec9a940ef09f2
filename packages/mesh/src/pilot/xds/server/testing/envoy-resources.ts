import { createHash } from 'node:crypto';
import { type DescMessage, fromJson, type JsonObject } from '@bufbuild/protobuf';
import { ClusterSchema } from '@lateen/envoy-api/envoy/config/cluster/v3/cluster_pb.js';
import { ClusterLoadAssignmentSchema } from '@lateen/envoy-api/envoy/config/endpoint/v3/endpoint_pb.js';
import { ListenerSchema } from '@lateen/envoy-api/envoy/config/listener/v3/listener_pb.js';
import { RouteConfigurationSchema } from '@lateen/envoy-api/envoy/config/route/v3/route_pb.js';
import { encode, registry } from '@lateen/envoy-api/registry';
import type { Resource, ResourceType } from '../../resource.ts';

/** Real resources for a real Envoy: a plain HTTP proxy on loopback. */

const ads = { ads: {}, resource_api_version: 'V3' };

function resource(type: ResourceType, name: string, schema: DescMessage, json: JsonObject, edsName?: string): Resource {
  const bytes = encode(schema, fromJson(schema, json, { registry: registry() }));
  const version = createHash('sha256').update(bytes).digest('hex');
  return { type, name, version, bytes, ...(edsName !== undefined && { edsName }) };
}

export function cluster(name: string, connectTimeout = '1s'): Resource {
  const json = {
    name,
    type: 'EDS',
    connect_timeout: connectTimeout,
    eds_cluster_config: { eds_config: ads, service_name: name },
  };
  return resource('cluster', name, ClusterSchema, json, name);
}

export function endpoints(name: string, ports: readonly number[]): Resource {
  const lbEndpoints = ports.map((port) => ({ endpoint: { address: address('127.0.0.1', port) } }));
  const json = { cluster_name: name, endpoints: [{ lb_endpoints: lbEndpoints }] };
  return resource('endpoint', name, ClusterLoadAssignmentSchema, json);
}

export function listener(name: string, port: number, routeName: string, ip = '127.0.0.1'): Resource {
  const manager = {
    '@type': 'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager',
    stat_prefix: name,
    rds: { config_source: ads, route_config_name: routeName },
    http_filters: [
      {
        name: 'router',
        typed_config: { '@type': 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router' },
      },
    ],
  };
  const json = {
    name,
    address: address(ip, port),
    filter_chains: [{ filters: [{ name: 'http', typed_config: manager }] }],
  };
  return resource('listener', name, ListenerSchema, json);
}

export function route(name: string, clusterName: string): Resource {
  const json = {
    name,
    virtual_hosts: [
      { name: 'all', domains: ['*'], routes: [{ match: { prefix: '/' }, route: { cluster: clusterName } }] },
    ],
  };
  return resource('route', name, RouteConfigurationSchema, json);
}

function address(ip: string, port: number) {
  return { socket_address: { address: ip, port_value: port } };
}

export function bootstrap(nodeId: string, adminPort: number, xdsSocket: string, apiType: 'DELTA_GRPC' | 'GRPC') {
  return {
    node: { id: nodeId, cluster: 'test' },
    admin: { address: address('127.0.0.1', adminPort) },
    dynamic_resources: {
      ads_config: {
        api_type: apiType,
        transport_api_version: 'V3',
        set_node_on_first_message_only: true,
        grpc_services: [
          {
            envoy_grpc: {
              cluster_name: 'xds',
              retry_policy: { retry_back_off: { base_interval: '0.02s', max_interval: '0.1s' } },
            },
          },
        ],
      },
      cds_config: ads,
      lds_config: ads,
    },
    static_resources: {
      clusters: [
        {
          name: 'xds',
          type: 'STATIC',
          load_assignment: {
            cluster_name: 'xds',
            endpoints: [{ lb_endpoints: [{ endpoint: { address: { pipe: { path: xdsSocket } } } }] }],
          },
          typed_extension_protocol_options: {
            'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
              '@type': 'type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
              explicit_http_config: { http2_protocol_options: {} },
            },
          },
        },
      ],
    },
  };
}
