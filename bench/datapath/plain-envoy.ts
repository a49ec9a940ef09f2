/** The least that an Envoy can be: one listener, a router, one cluster. What a sidecar costs more than this is ours. */
export function plainEnvoyBootstrap(port: number, upstreamPort: number, adminPort: number): object {
  return {
    node: { id: 'plain', cluster: 'plain' },
    admin: { address: loopback(adminPort) },
    static_resources: {
      listeners: [
        {
          name: 'plain',
          address: loopback(port),
          filter_chains: [{ filters: [httpConnectionManager] }],
        },
      ],
      clusters: [
        {
          name: 'upstream',
          type: 'STATIC',
          load_assignment: {
            cluster_name: 'upstream',
            endpoints: [{ lb_endpoints: [{ endpoint: { address: loopback(upstreamPort) } }] }],
          },
        },
      ],
    },
  };
}

const httpConnectionManager = {
  name: 'http',
  typed_config: {
    '@type': 'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager',
    stat_prefix: 'plain',
    route_config: {
      virtual_hosts: [
        { name: 'all', domains: ['*'], routes: [{ match: { prefix: '/' }, route: { cluster: 'upstream' } }] },
      ],
    },
    http_filters: [
      {
        name: 'router',
        typed_config: { '@type': 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router' },
      },
    ],
  },
};

function loopback(port: number): object {
  return { socket_address: { address: '127.0.0.1', port_value: port } };
}
