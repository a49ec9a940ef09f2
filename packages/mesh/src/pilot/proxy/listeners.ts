import type { InstancePort } from '@lateen/api/workload-instance.ts';
import type { InboundPort } from '../model/inbound.ts';
import type { InboundPool } from '../model/ingress.ts';
import type { Service, ServicePort } from '../model/service.ts';
import { clusterName } from './clusters.ts';
import { lookUpPort } from './discovery.ts';
import { httpHandler, inboundChains, outboundChains, type PortHandlers } from './filter-chains.ts';
import type { ListenerIr, TcpConnectionIr } from './ir/listener.ts';
import type { RouteTableIr } from './ir/route.ts';
import type { SourceRef } from './ir/source.ts';
import { applicationClusterName } from './own-clusters.ts';
import { HTTP_PROXY_TABLE, serviceTableName } from './routes.ts';
import type { RuleChains } from './service-connections.ts';

/** What becomes of connections to a container port: everything goes to the application, or to another cluster. */
export function applicationRoutes(
  { containerPort, protocol, grpcWeb, services, pool }: Omit<InboundPort, 'peers'>,
  cluster = applicationClusterName(containerPort),
): PortHandlers {
  const table: RouteTableIr = {
    name: `inbound|${containerPort}`,
    ignorePortInHost: false,
    virtualHosts: [
      {
        name: `inbound|http|${containerPort}`,
        domains: ['*'],
        routes: [
          {
            name: 'default',
            match: { path: { type: 'any' }, headers: [] },
            action: {
              type: 'forward',
              destinations: [{ cluster, weight: 1 }],
              retry: { type: 'off' },
              stripResponseHeaders: [],
            },
            ...(grpcWeb ? { grpcWeb: true as const } : {}),
            sources: services.map(({ source }) => source),
          },
        ],
      },
    ],
  };
  const statPrefix = `inbound_${containerPort}`;
  return {
    protocol,
    http: {
      statPrefix,
      routes: { type: 'inline', table },
      role: 'sidecar-inbound',
      dynamicForward: false,
      connect: false,
    },
    tcp: { statPrefix, cluster, ...(hasLimits(pool) ? { connection: pool.settings.tcp } : {}) },
  };
}

function hasLimits(pool: InboundPool | undefined): pool is InboundPool {
  return Object.keys(pool?.settings.tcp ?? {}).length > 0;
}

/** Stands in front of one container port of the application. */
export function inboundListener(
  address: string,
  { containerPort, inboundPort }: Pick<InstancePort, 'containerPort' | 'inboundPort'>,
  met: InboundPort,
): ListenerIr {
  return {
    name: `inbound|${containerPort}`,
    address,
    port: inboundPort,
    direction: 'inbound',
    ...inboundChains(applicationRoutes(met), met.peers.mode),
    sources: [
      ...met.services.map(({ source }) => source),
      ...met.peers.sources,
      ...(met.ingress === undefined ? [] : [met.ingress.source]),
    ],
  };
}

/** Where applications send calls by name (`HTTP_PROXY`). */
export function httpProxyListener(address: string, port: number): ListenerIr {
  return {
    name: 'outbound|http_proxy',
    address,
    port,
    direction: 'outbound',
    chains: [
      {
        name: 'http',
        match: {},
        handler: httpHandler({
          statPrefix: 'outbound_http_proxy',
          routes: { type: 'discovered', name: HTTP_PROXY_TABLE },
          role: 'sidecar-outbound',
          dynamicForward: true,
          connect: true,
        }),
      },
    ],
    firstBytes: 'always',
    sources: [],
  };
}

/** Where applications send calls to one service port (`REVIEWS_SERVICE_PORT`), whatever they speak. */
export function servicePortListener(
  address: string,
  at: number,
  service: Service,
  { port, protocol }: ServicePort,
  meant: Service,
  connection: TcpConnectionIr | undefined,
  rules: RuleChains,
  sources: readonly SourceRef[],
): ListenerIr {
  const { hostname } = service;
  const { lookUpPort: serverNamePort } = lookUpPort(service, port);
  const statPrefix = `outbound_${port}_${hostname}`;
  return {
    name: `outbound|${port}||${hostname}`,
    address,
    port: at,
    direction: 'outbound',
    ...outboundChains(
      {
        protocol,
        http: {
          statPrefix,
          routes: { type: 'discovered', name: serviceTableName(hostname, port) },
          role: 'sidecar-outbound',
          dynamicForward: serverNamePort !== undefined,
          connect: false,
        },
        tcp: {
          statPrefix,
          cluster: clusterName(meant.hostname, port),
          ...(serverNamePort === undefined ? {} : { serverNamePort }),
          ...(connection === undefined ? {} : { connection }),
        },
      },
      rules.chains,
    ),
    sources: [...sources, ...rules.sources],
  };
}
