import type { InboundTls } from '../model/authentication.ts';
import type { Protocol } from '../model/protocol.ts';
import type {
  FilterChainIr,
  FilterChainMatchIr,
  HandlerIr,
  HttpConnectionIr,
  ListenerIr,
  TcpProxyIr,
} from './ir/listener.ts';

/** What a port is handed to: HTTP is read, TCP is passed on; `detect` finds out which of the two it is. */
export interface PortHandlers {
  readonly protocol: Protocol;
  readonly http: HttpConnectionIr;
  readonly tcp: TcpProxyIr;
}

type Chains = Pick<ListenerIr, 'chains' | 'firstBytes'>;

/** The chains of a port that the mesh's mutual TLS, plaintext, or both may come to. */
export function inboundChains(handlers: PortHandlers, tls: InboundTls): Chains {
  switch (tls) {
    case 'strict':
      return { chains: [meshTlsChain(handlers, {})], firstBytes: 'always' };
    case 'permissive':
      return {
        chains: [
          meshTlsChain(handlers, { transport: 'tls', applicationProtocols: 'mesh' }),
          ...applicationTlsChains(handlers),
          ...plaintextChains(handlers),
        ],
        // HTTP clients always speak first, so there is nothing to wait for but them.
        firstBytes: isHttp(handlers.protocol) ? 'always' : 'detect',
      };
    case 'none':
      return portChains(handlers);
  }
}

/** The chains of a port that is taken as it comes. */
export function portChains(handlers: PortHandlers): Chains {
  return { chains: plaintextChains(handlers), firstBytes: handlers.protocol === 'detect' ? 'detect' : 'always' };
}

/** The chains of a port that is taken as it comes, where rules say what becomes of some of its connections. */
export function outboundChains(handlers: PortHandlers, rules: readonly FilterChainIr[]): Chains {
  const { chains, firstBytes } = portChains(handlers);
  if (rules.length === 0 || isHttp(handlers.protocol)) return { chains, firstBytes };
  const isForAll = rules.some(({ match }) => Object.keys(match).length === 0);
  const others = isForAll ? chains.filter(({ match }) => Object.keys(match).length > 0) : chains;
  // A server name comes with the first bytes; where there are none, it is not TLS.
  const asksForNames = rules.some(({ match }) => match.transport !== undefined);
  return { chains: [...rules, ...others], firstBytes: asksForNames ? 'detect' : firstBytes };
}

/** What is inside of TLS cannot be looked at before a chain is chosen, so a port of unknown protocol is TCP there. */
function meshTlsChain({ protocol, http, tcp }: PortHandlers, match: FilterChainMatchIr): FilterChainIr {
  return isHttp(protocol)
    ? { name: 'mesh-tls', match, tls: { type: 'mesh', carries: 'http' }, handler: httpHandler(http) }
    : { name: 'mesh-tls', match, tls: { type: 'mesh', carries: 'tcp' }, handler: tcpHandler(tcp) };
}

/** TLS that the application itself speaks. Of a connection that is TLS, Envoy looks at no chain that does not ask for it. */
function applicationTlsChains({ protocol, tcp }: PortHandlers): FilterChainIr[] {
  return isHttp(protocol) ? [] : [{ name: 'tls', match: { transport: 'tls' }, handler: tcpHandler(tcp) }];
}

function plaintextChains({ protocol, http, tcp }: PortHandlers): FilterChainIr[] {
  switch (protocol) {
    case 'tls':
    case 'tcp':
      return [{ name: 'tcp', match: matchOf(tcp), handler: tcpHandler(tcp) }];
    case 'detect':
      return [
        { name: 'http', match: { applicationProtocols: 'http' }, handler: httpHandler(http) },
        { name: 'tcp', match: {}, handler: tcpHandler(tcp) },
      ];
    default:
      return [{ name: 'http', match: {}, handler: httpHandler(http) }];
  }
}

/** The name of a server stands in a TLS handshake, so nothing else can be passed on by it. */
function matchOf({ serverNamePort }: TcpProxyIr): FilterChainMatchIr {
  return serverNamePort === undefined ? {} : { transport: 'tls' };
}

export function isHttp(protocol: Protocol): boolean {
  return protocol === 'http' || protocol === 'http2';
}

export function httpHandler(http: HttpConnectionIr): HandlerIr {
  return { type: 'http', http };
}

export function tcpHandler(tcp: TcpProxyIr): HandlerIr {
  return { type: 'tcp', tcp };
}
