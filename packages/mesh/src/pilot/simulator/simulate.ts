import { fromBinary } from '@bufbuild/protobuf';
import type { Any } from '@bufbuild/protobuf/wkt';
import type { Handling, ListenerVerdict, ProxyVerdict, ServerTlsVerdict, Unknown } from '@lateen/api/verdict.ts';
import type { FilterChain } from '@lateen/envoy-api/envoy/config/listener/v3/listener_components_pb.js';
import { HttpConnectionManagerSchema } from '@lateen/envoy-api/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js';
import { FilterConfigSchema as SniForwardSchema } from '@lateen/envoy-api/envoy/extensions/filters/network/sni_dynamic_forward_proxy/v3/sni_dynamic_forward_proxy_pb.js';
import { TcpProxySchema } from '@lateen/envoy-api/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy_pb.js';
import { typeName } from './any-type.ts';
import type { Call, SocketAddress } from './call.ts';
import type { Named } from './cluster/cluster.ts';
import { handleDatagrams } from './datagrams.ts';
import { handleHttp } from './http/handle-request.ts';
import { chainName, chooseChain } from './listener/filter-chain.ts';
import { destinationOf, detect, findListener, type PreparedListener } from './listener/listener.ts';
import { type Opened, openConnection } from './listener/server-tls.ts';
import type { PreparedProxy } from './proxy.ts';
import { sourcesOf } from './sources.ts';
import { handleTcp } from './tcp.ts';
import { distinct } from './unknowns.ts';

/** What one proxy does with a call, without doing it. */
export function simulate(proxy: PreparedProxy, call: Call): ProxyVerdict {
  const at = 'listener' in call.at ? call.at.listener : `${call.at.host}:${call.at.port}`;
  const listener = findListener(proxy.listeners, call);
  if (listener === undefined) {
    const handling: Handling = { type: 'closed', reason: `nobody listens at ${at}` };
    return { at, listener: null, chain: null, handling, unknowns: [] };
  }
  const unknowns: Unknown[] = [...listener.unknowns];
  const { chain, tls, handling, verdict } = arrive(proxy, listener, call, unknowns);
  return {
    at,
    listener: verdict,
    chain: chain === undefined ? null : { name: chain.name, tls, sources: sourcesOf(chain) },
    handling,
    unknowns: distinct(unknowns),
  };
}

interface Arrival {
  readonly verdict: ListenerVerdict;
  readonly chain: FilterChain | undefined;
  readonly tls: ServerTlsVerdict | null;
  readonly handling: Handling;
}

function arrive(proxy: PreparedProxy, prepared: PreparedListener, call: Call, unknowns: Unknown[]): Arrival {
  const { listener } = prepared;
  const destination = destinationOf(prepared, call);
  const datagrams = listener.udpListenerConfig && handleDatagrams(proxy, listener, destination, unknowns);
  if (datagrams !== undefined) {
    const detected = { transport: 'raw_buffer', applicationProtocols: [] };
    const verdict = { name: listener.name, detected, otherChains: [], sources: sourcesOf(listener) };
    return { verdict, chain: undefined, tls: null, handling: datagrams };
  }
  const detected = detect(prepared, call.payload);
  if (typeof detected === 'string') {
    const nothing = { transport: 'raw_buffer', applicationProtocols: [] };
    const verdict = { name: listener.name, detected: nothing, otherChains: [], sources: sourcesOf(listener) };
    return { verdict, chain: undefined, tls: null, handling: { type: 'closed', reason: detected } };
  }
  const { chain, others } = chooseChain(listener.filterChains, listener.defaultFilterChain, {
    destination,
    source: call.source,
    detected,
  });
  const verdict = { name: listener.name, detected, otherChains: others, sources: sourcesOf(listener) };
  if (listener.filterChainMatcher !== undefined) {
    return {
      verdict,
      chain: undefined,
      tls: null,
      handling: undecided('the chain is chosen by a filter_chain_matcher'),
    };
  }
  if (chain === undefined) {
    return { verdict, chain, tls: null, handling: { type: 'closed', reason: 'no filter chain fits' } };
  }
  const where = `listener ${listener.name}, chain ${chainName(chain)}`;
  const opened = openConnection(proxy, chain.transportSocket, call.payload, unknowns, where);
  if (opened.type !== 'opened') {
    const tls = opened.type === 'closed' ? opened.tls : null;
    return { verdict, chain, tls, handling: { type: opened.type, reason: opened.reason } };
  }
  return {
    verdict,
    chain,
    tls: opened.tls,
    handling: passNetworkFilters(proxy, chain, opened, call, destination, unknowns, where),
  };
}

function undecided(reason: string): Handling {
  return { type: 'undecided', reason };
}

/** Leads the connection through the network filters of a chain, to the one that sends it on. */
function passNetworkFilters(
  proxy: PreparedProxy,
  chain: FilterChain,
  opened: Extract<Opened, { type: 'opened' }>,
  call: Call,
  destination: SocketAddress,
  unknowns: Unknown[],
  where: string,
): Handling {
  let serverName: Named | undefined;
  for (const filter of chain.filters) {
    const config = filter.configType.case === 'typedConfig' ? filter.configType.value : undefined;
    switch (typeName(config)) {
      case HttpConnectionManagerSchema.typeName: {
        const { payload, tls, certificate } = opened;
        if (payload.type !== 'http') return { type: 'closed', reason: 'the client does not speak HTTP' };
        const connection = {
          protocol: payload.protocol,
          tls: tls !== null,
          certificate,
          sourceHost: call.source.host,
        };
        const agreed = tls?.applicationProtocol;
        const arrived = { payload, connection, applicationProtocol: agreed, destination };
        return handleHttp(proxy, proxy.manager(filter, bytesOf(config)), arrived, unknowns);
      }
      case TcpProxySchema.typeName:
        return handleTcp(proxy, bytesOf(config), { destination, serverName }, unknowns);
      case SniForwardSchema.typeName: {
        const { portSpecifier } = fromBinary(SniForwardSchema, bytesOf(config));
        const host = call.payload.type === 'tls' ? call.payload.serverName : undefined;
        if (host === undefined) return { type: 'closed', reason: 'the client names no server' };
        serverName = { host, port: portSpecifier.value ?? 443 };
        break;
      }
      default:
        unknowns.push({ what: `network filter ${filter.name}`, where });
    }
  }
  return undecided('no filter of the chain is known to send the connection on');
}

function bytesOf(config: Any | undefined): Uint8Array {
  return config?.value ?? new Uint8Array();
}
