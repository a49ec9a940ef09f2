import { keyOfRef } from '@lateen/api/object-key.ts';
import { type GatewayCapture, hostPortOf, type WorkloadInstance } from '@lateen/api/workload-instance.ts';
import type { Reader } from '../incremental/collection.ts';
import { type Credential, sharedAuthoritiesName, sharedKeyPairName } from '../model/credential.ts';
import { byPreference, isServedBy } from '../model/gateway.ts';
import { type AttachedServer, type GatewayPort, groupServers, type ServerKind } from '../model/gateway-port.ts';
import { defaultsOf, type MeshModel } from '../model/mesh.ts';
import type { CredentialRef } from '../model/server-tls.ts';
import { anyAddress } from './captured-outbound.ts';
import { httpHandler } from './filter-chains.ts';
import { resolveDatagrams } from './gateway-datagrams.ts';
import { type ChainTable, tellMisdirected } from './gateway-hosts.ts';
import { passthroughClusters } from './gateway-passthrough.ts';
import { withRedirects } from './gateway-redirects.ts';
import { connectionChains, tlsHttpChain } from './gateway-tls.ts';
import type { ClusterIr } from './ir/cluster.ts';
import type { FilterChainIr, ListenerIr } from './ir/listener.ts';
import type { RouteTableIr } from './ir/route.ts';
import type { SecretIr } from './ir/secret.ts';
import type { SourceRef } from './ir/source.ts';
import { distinct } from './l4-chains.ts';
import { resolveGatewayTable } from './routes.ts';
import { authoritiesSecret, keyPairSecret } from './secrets.ts';

export interface GatewayFragments {
  readonly secrets: readonly SecretIr[];
  readonly clusters: readonly ClusterIr[];
  readonly listeners: readonly ListenerIr[];
  readonly tables: readonly RouteTableIr[];
}

/** What stands between the fragments of all ports. */
interface GatewayContext {
  readonly instance: WorkloadInstance;
  readonly capture: GatewayCapture;
  readonly model: MeshModel;
  readonly read: Reader;
}

/**
 * The listeners of a gateway proxy and what only it needs. `clusterNames` are those of all services that it sees.
 */
export function resolveGateway(context: GatewayContext, clusterNames: () => Iterable<string>): GatewayFragments {
  const { instance, capture, model, read } = context;
  const servers = [...read.all(model.gateways).values()]
    .filter((gateway) => isServedBy(gateway, instance))
    .sort(byPreference)
    .flatMap((gateway) => gateway.servers.map((server): AttachedServer => ({ gateway: gateway.key, ...server })));
  const listeners: ListenerIr[] = [];
  const tables: RouteTableIr[] = [];
  const opened: AttachedServer[] = [];
  const datagramClusters: ClusterIr[] = [];
  for (const port of groupServers(servers).ports) {
    const at = hostPortOf(capture, port.port);
    if (at === undefined) continue;
    const resolved = PORTS[port.kind](port, at, context);
    listeners.push(...resolved.listeners);
    tables.push(...resolved.tables);
    datagramClusters.push(...(resolved.clusters ?? []));
    opened.push(...serversOf(port));
  }
  return {
    secrets: [...fileSecrets(opened), ...sharedSecrets(opened, context)],
    clusters: [
      ...passthroughClusters(opened, clusterNames, defaultsOf(context.model, context.read).connectTimeoutMs),
      ...new Map(datagramClusters.map((cluster) => [cluster.name, cluster])).values(),
    ],
    listeners,
    tables,
  };
}

interface PortFragments {
  readonly listeners: readonly ListenerIr[];
  readonly tables: readonly RouteTableIr[];
  readonly clusters?: readonly ClusterIr[];
}

type ResolvePort = (port: GatewayPort, at: number, context: GatewayContext) => PortFragments;

const PORTS: Readonly<Record<ServerKind, ResolvePort>> = {
  http: plainHttp,
  tls: connections,
  tcp: connections,
  udp: datagrams,
};

function datagrams(port: GatewayPort, at: number, context: GatewayContext): PortFragments {
  const [first] = port.servers;
  const found = first && resolveDatagrams(first.server, context.model, context.read);
  if (found === undefined) return { listeners: [], tables: [] };
  const opened = listener(port, at, [], context, found.sources);
  return {
    listeners: [{ ...opened, name: `${opened.name}|udp`, datagrams: found.proxy }],
    tables: [],
    clusters: found.clusters,
  };
}

function plainHttp(port: GatewayPort, at: number, context: GatewayContext): PortFragments {
  const { capture } = context;
  const name = port.bind === undefined ? `http.${port.port}` : `http.${port.port}.${port.bind}`;
  const servers = serversOf(port);
  const table = gatewayTable(name, port.port, servers, context);
  const chain: FilterChainIr = {
    name: 'http',
    match: {},
    handler: httpHandler({
      statPrefix: statPrefix(port),
      routes: { type: 'discovered', name },
      role: 'gateway',
      dynamicForward: false,
      connect: false,
    }),
  };
  return {
    listeners: [listener(port, at, [chain], context)],
    tables: [withRedirects(table, servers, capture.hostPorts[443])],
  };
}

/** TLS and TCP: which chain a connection goes to is decided before anything in it is read. */
function connections(port: GatewayPort, at: number, context: GatewayContext): PortFragments {
  const { instance, model, read } = context;
  const chains: FilterChainIr[] = [];
  const quicChains: FilterChainIr[] = [];
  const tables: ChainTable[] = [];
  const sources: SourceRef[] = [];
  const passedOn: string[] = [];
  for (const { server, sharedBy } of port.servers) {
    const { tls } = server;
    if (tls?.type === 'terminate' && server.protocol === 'HTTPS') {
      const name = `https.${server.port}.${server.portName}.${server.gateway.split('/').reverse().join('.')}`;
      const table = gatewayTable(name, server.port, [server, ...sharedBy], context);
      tables.push({
        serverHosts: server.hosts.map(({ host }) => host),
        table: server.http3 ? { ...table, altSvc: `h3=":${at}"; ma=86400` } : table,
      });
      chains.push(tlsHttpChain(server, tls, name, statPrefix(port)));
      if (server.http3) quicChains.push(tlsHttpChain(server, tls, name, `${statPrefix(port)}_quic`, true));
      continue;
    }
    for (const each of [server, ...sharedBy]) {
      const found = connectionChains(each, instance, statPrefix(port), model, read);
      chains.push(...found.chains);
      sources.push(...found.sources);
      passedOn.push(...found.serverNames);
    }
  }
  const all = distinct(chains);
  return {
    listeners: [
      // Without rules nothing can become of a connection, and Envoy takes no listener without chains.
      ...(all.length === 0 ? [] : [listener(port, at, all, context, sources)]),
      ...(quicChains.length === 0 ? [] : [quicListener(port, at, distinct(quicChains), context)]),
    ],
    tables: tellMisdirected(tables, passedOn),
  };
}

function listener(
  gatewayPort: GatewayPort,
  at: number,
  chains: readonly FilterChainIr[],
  { instance, capture }: GatewayContext,
  sources: readonly SourceRef[] = [],
): ListenerIr {
  const { port, bind } = gatewayPort;
  const address = bind ?? (capture.opensAll === true ? anyAddress(4) : instance.address);
  const ownName = bind === undefined ? `gateway|${port}` : `gateway|${port}|${bind}`;
  return {
    // Where the address is the proxy's own, Istio's name, which patches of EnvoyFilters may ask for.
    name: capture.opensAll === true ? `${address}_${port}` : ownName,
    address,
    port: at,
    direction: 'outbound',
    chains,
    firstBytes: 'always',
    sources: [...openersOf(gatewayPort).map(({ source }) => source), ...sources],
  };
}

function quicListener(
  port: GatewayPort,
  at: number,
  chains: readonly FilterChainIr[],
  context: GatewayContext,
): ListenerIr {
  const tcp = listener(port, at, chains, context);
  return { ...tcp, name: `${tcp.name}|quic`, quic: true };
}

function serversOf({ servers }: GatewayPort): AttachedServer[] {
  return servers.flatMap(({ server, sharedBy }) => [server, ...sharedBy]);
}

/** To the port of HTTP one more Ingress adds routes only: the listener stays as it is, and connections live on. */
function openersOf(port: GatewayPort): AttachedServer[] {
  return serversOf(port).filter(({ source, tls }, at) => at === 0 || tls !== undefined || source.kind !== 'Ingress');
}

function statPrefix({ port }: GatewayPort): string {
  return `gateway_${port}`;
}

function gatewayTable(
  name: string,
  port: number,
  servers: readonly AttachedServer[],
  { instance, capture, model, read }: GatewayContext,
): RouteTableIr {
  const attached = servers.map(({ gateway, hosts, isolated }) => ({
    key: gateway,
    hosts,
    isolated: isolated === true,
  }));
  const endsTls = servers.every(({ tls }) => tls?.type === 'terminate');
  const route = { port, hostPorts: capture.hostPorts, ...(endsTls ? { tls: true as const } : {}) };
  return { ...resolveGatewayTable(route, attached, instance, model, read), name };
}

/**
 * Those that an Ingress, or a Gateway of Kubernetes, names, of the namespace that it says; or of the gateway's, where Istio
 * looks for them.
 */
function sharedSecrets(servers: readonly AttachedServer[], { instance, model, read }: GatewayContext): SecretIr[] {
  const byName = new Map<string, SecretIr>();
  for (const { tls } of servers) {
    for (const { name, namespace, part, kind = 'Secret' } of tls?.type === 'terminate' ? tls.credentials : []) {
      if (namespace === undefined) continue;
      const candidates = [namespace, instance.namespace].map((each) =>
        read.get(model.credentials, keyOfRef({ kind, namespace: each, name })),
      );
      const found = candidates.flatMap((each) =>
        each === undefined ? [] : (sharedSecret(each, part, namespace) ?? []),
      )[0];
      if (found !== undefined) byName.set(found.name, found);
    }
  }
  return [...byName.values()];
}

function sharedSecret(credential: Credential, part: CredentialRef['part'], namespace: string): SecretIr | undefined {
  const { name, keyPair, authorities } = credential;
  if (part === 'key-pair') return keyPair && keyPairSecret(sharedKeyPairName(namespace, name), credential);
  return authorities && authoritiesSecret(sharedAuthoritiesName(namespace, name), { authorities, ...credential });
}

/** Each once, whichever servers use it. */
function fileSecrets(servers: readonly AttachedServer[]): SecretIr[] {
  const byName = new Map<string, SecretIr>();
  for (const { tls } of servers) {
    for (const secret of tls?.type === 'terminate' ? tls.files : []) {
      const { sources = [] } = byName.get(secret.name) ?? {};
      byName.set(secret.name, { ...secret, sources: [...sources, ...secret.sources] });
    }
  }
  return [...byName.values()];
}
