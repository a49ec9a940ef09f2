import type { Sidecar as SidecarObject } from '@lateen/api/kinds.ts';
import type { SourceRef } from '../proxy/ir/source.ts';
import type { ClientClass } from './client.ts';
import { buildConnectionPool, type ConnectionPool } from './connection-pool.ts';
import { hostCovers, resolveHost } from './hostname.ts';
import { type Protocol, protocolOf } from './protocol.ts';
import { buildDestination, type Destination } from './route-action.ts';
import { hasLabels } from './service.ts';

/** What the sidecars of some workloads see of the mesh, and how their workloads are called: one Sidecar. */
export interface SidecarRules {
  readonly namespace: string;
  /** Workloads with all of these labels. Absent: all of the namespace; in the root namespace, all of the mesh. */
  readonly selector?: Readonly<Record<string, string>>;
  /** Keys of the selector. */
  readonly askedLabels: readonly string[];
  /** Absent: as the next wider rules say. */
  readonly egress?: readonly EgressListener[];
  /** Absent: one for each port of the workload's services. */
  readonly ingress?: readonly IngressListener[];
  /** Absent: as the next wider rules say, or the mesh. */
  readonly outside?: OutsideRule;
  /** For ports without a pool of their own. */
  readonly inboundPool?: ConnectionPool;
  readonly source: SourceRef;
}

/** Where calls by the workload come to its proxy, and which services are known there. */
export interface EgressListener {
  /** Absent: every port that no other listener has. */
  readonly port?: ListenerPort;
  /** Its own address; absent: it takes what is called anyway. */
  readonly bind?: ListenerAddress;
  /** Where connections are redirected, those to the address are; otherwise applications connect to it. */
  readonly isCaptured: boolean;
  readonly hosts: readonly ServicePattern[];
  readonly source: SourceRef;
}

export interface ListenerPort {
  /** Absent for a Unix socket, through which all ports are called. */
  readonly number?: number;
  /** Absent: as the services say. */
  readonly protocol?: Protocol;
  /** Clients name the port, as with an HTTP proxy. */
  readonly isProxy: boolean;
}

export type ListenerAddress =
  | { readonly type: 'ip'; readonly address: string }
  | { readonly type: 'loopback' }
  | { readonly type: 'socket'; readonly path: string };

/** Services of a namespace (absent: of any) whose host the pattern covers. */
export interface ServicePattern {
  readonly namespace?: string;
  readonly host: string;
}

/** How calls to one port of the workload are taken. */
export interface IngressListener {
  readonly port: number;
  /** Absent: as the services say. */
  readonly protocol?: Protocol;
  /** Absent: the workload's own address. */
  readonly address?: string;
  /** It has a socket of its own, also where connections to the workload are redirected. */
  readonly isUncaptured: boolean;
  /** Absent: the same port of the application. */
  readonly target?: ApplicationTarget;
  readonly pool?: ConnectionPool;
  readonly source: SourceRef;
}

/** Where the application listens: at a port of the loopback address, of the workload's own, or at a Unix socket. */
export type ApplicationTarget =
  | { readonly type: 'loopback' | 'workload'; readonly port: number }
  | { readonly type: 'socket'; readonly path: string };

/** What becomes of calls to hosts that the sidecar does not know. */
export type OutsideRule =
  | { readonly type: 'refuse'; readonly source: SourceRef }
  | { readonly type: 'allow'; readonly via?: Destination; readonly source: SourceRef };

export function buildSidecar(object: SidecarObject, clusterDomain: string): SidecarRules {
  const { name, namespace } = object.metadata;
  const { workloadSelector, egress = [], ingress = [], inboundConnectionPool, outboundTrafficPolicy } = object.spec;
  const source = { kind: 'Sidecar', namespace, name };
  const labels = workloadSelector?.labels ?? {};
  return {
    namespace,
    ...(Object.keys(labels).length === 0 ? {} : { selector: labels }),
    askedLabels: Object.keys(labels),
    ...(egress.length === 0
      ? {}
      : {
          egress: egress.map((each, i) => buildEgress(each, { ...source, path: `spec.egress[${i}]` }, clusterDomain)),
        }),
    ...(ingress.length === 0
      ? {}
      : { ingress: ingress.map((each, i) => buildIngress(each, { ...source, path: `spec.ingress[${i}]` })) }),
    ...(outboundTrafficPolicy === undefined
      ? {}
      : {
          outside: buildOutside(
            outboundTrafficPolicy,
            { ...source, path: 'spec.outboundTrafficPolicy' },
            clusterDomain,
          ),
        }),
    ...(inboundConnectionPool === undefined ? {} : { inboundPool: buildConnectionPool(inboundConnectionPool) }),
    source,
  };
}

type Egress = NonNullable<SidecarObject['spec']['egress']>[number];
type Ingress = NonNullable<SidecarObject['spec']['ingress']>[number];

const SOCKET = 'unix://';

function buildEgress(
  { port, bind = '', captureMode, hosts }: Egress,
  source: SourceRef,
  domain: string,
): EgressListener {
  const address = listenerAddress(bind, captureMode === 'NONE' && port !== undefined);
  return {
    ...(port === undefined ? {} : { port: listenerPort(port) }),
    ...(address === undefined ? {} : { bind: address }),
    isCaptured: captureMode !== 'NONE' && address?.type === 'ip',
    hosts: hosts.flatMap((host) => servicePattern(host, source.namespace, domain)),
    source,
  };
}

function listenerAddress(bind: string, isUncaptured: boolean): ListenerAddress | undefined {
  if (bind.startsWith(SOCKET)) return { type: 'socket', path: bind.slice(SOCKET.length) };
  if (bind !== '') return { type: 'ip', address: bind };
  return isUncaptured ? { type: 'loopback' } : undefined;
}

function listenerPort({ number = 0, name, protocol = '' }: NonNullable<Egress['port']>): ListenerPort {
  const isProxy = protocol.toUpperCase() === 'HTTP_PROXY';
  const spoken = isProxy ? 'http' : spokenProtocol(protocol, name);
  return {
    ...(number === 0 ? {} : { number }),
    ...(spoken === undefined ? {} : { protocol: spoken }),
    isProxy,
  };
}

function spokenProtocol(protocol: string, name: string | undefined): Protocol | undefined {
  if (protocol !== '') return protocolOf(undefined, protocol.toLowerCase());
  const byName = protocolOf(name, undefined);
  return byName === 'detect' ? undefined : byName;
}

/** `~` is no namespace at all. */
function servicePattern(text: string, ownNamespace: string, clusterDomain: string): readonly ServicePattern[] {
  const slash = text.indexOf('/');
  const namespace = text.slice(0, slash);
  if (namespace === '~') return [];
  const named = namespace === '.' ? ownNamespace : namespace;
  const host = resolveHost(text.slice(slash + 1), named === '*' ? ownNamespace : named, clusterDomain);
  return [named === '*' ? { host } : { namespace: named, host }];
}

function buildIngress(
  { port, bind = '', captureMode, defaultEndpoint = '', connectionPool }: Ingress,
  source: SourceRef,
): IngressListener {
  const protocol = spokenProtocol(port.protocol ?? '', port.name);
  const target = applicationTarget(defaultEndpoint);
  return {
    port: port.number,
    ...(protocol === undefined ? {} : { protocol }),
    ...(bind === '' ? {} : { address: bind }),
    isUncaptured: captureMode === 'NONE',
    ...(target === undefined ? {} : { target }),
    ...(connectionPool === undefined ? {} : { pool: buildConnectionPool(connectionPool) }),
    source,
  };
}

function applicationTarget(endpoint: string): ApplicationTarget | undefined {
  if (endpoint === '') return undefined;
  if (endpoint.startsWith(SOCKET)) return { type: 'socket', path: endpoint.slice(SOCKET.length) };
  const colon = endpoint.lastIndexOf(':');
  const address = endpoint.slice(0, colon);
  const isLoopback = address === '127.0.0.1' || address === '[::1]' || address === '';
  return { type: isLoopback ? 'loopback' : 'workload', port: Number(endpoint.slice(colon + 1)) };
}

function buildOutside(
  { mode = 'REGISTRY_ONLY', egressProxy }: NonNullable<SidecarObject['spec']['outboundTrafficPolicy']>,
  source: SourceRef,
  clusterDomain: string,
): OutsideRule {
  if (mode === 'REGISTRY_ONLY') return { type: 'refuse', source };
  if (egressProxy === undefined) return { type: 'allow', source };
  const path = `${source.path}.egressProxy`;
  return { type: 'allow', via: buildDestination(egressProxy, { ...source, path }, clusterDomain), source };
}

/** What holds for one workload, gathered from its own rules and wider ones. */
export interface SidecarDecision extends Pick<SidecarRules, 'egress' | 'ingress' | 'outside'> {
  readonly inboundPool?: { readonly settings: ConnectionPool; readonly source: SourceRef };
}

/**
 * Of the rules of its namespace those that select a workload hold, or else those for all of it, or else those of the root
 * namespace for the whole mesh. What they do not say of calls by the workload, the next wider ones do. Of several rules
 * that are as wide, the first by name counts.
 *
 * @param own rules of the workload's namespace, in order of name
 * @param meshWide rules of the root namespace, in order of name
 */
export function decideSidecar(
  { namespace, labels }: Pick<ClientClass, 'namespace' | 'labels'>,
  own: readonly SidecarRules[],
  meshWide: readonly SidecarRules[],
): SidecarDecision {
  const widths = [
    own.find(({ selector }) => selector !== undefined && hasLabels(labels, selector)),
    own.find(({ selector }) => selector === undefined),
    meshWide.find((rules) => rules.selector === undefined && rules.namespace !== namespace),
  ].filter((rules) => rules !== undefined);
  const [narrowest] = widths;
  if (narrowest === undefined) return {};
  const egress = widths.find((rules) => rules.egress !== undefined)?.egress;
  const outside = widths.find((rules) => rules.outside !== undefined)?.outside;
  const { ingress, inboundPool, source } = narrowest;
  return {
    ...(egress === undefined ? {} : { egress }),
    ...(outside === undefined ? {} : { outside }),
    ...(ingress === undefined ? {} : { ingress }),
    ...(inboundPool === undefined
      ? {}
      : { inboundPool: { settings: inboundPool, source: { ...source, path: 'spec.inboundConnectionPool' } } }),
  };
}

/** Whether one of the patterns is for services of a namespace with this host, which may be a pattern itself. */
export function isCovered(
  { namespace, hostname }: { readonly namespace: string; readonly hostname: string },
  patterns: readonly ServicePattern[],
): boolean {
  return patterns.some(
    (pattern) => (pattern.namespace ?? namespace) === namespace && hostCovers(pattern.host, hostname),
  );
}
