import { instanceKey, type WorkloadInstance } from '@lateen/api/workload-instance.ts';
import type { Reader } from '../incremental/collection.ts';
import type { PeerPolicyDecision } from '../model/authentication.ts';
import type { InboundPort } from '../model/inbound.ts';
import { defaultsOf, type MeshModel } from '../model/mesh.ts';
import type { MeshDefaults } from '../model/mesh-defaults.ts';
import { anyAddress } from './captured-outbound.ts';
import { inboundChains, tcpHandler } from './filter-chains.ts';
import type { ClusterIr } from './ir/cluster.ts';
import type { FilterChainIr, ListenerIr } from './ir/listener.ts';
import { applicationRoutes, inboundListener } from './listeners.ts';
import {
  applicationCluster,
  BLACK_HOLE,
  BLACK_HOLE_CLUSTER,
  dynamicForward,
  INBOUND_PASSTHROUGH_CLUSTER,
  PASSTHROUGH_CLUSTER,
  passthrough,
} from './own-clusters.ts';

/** What a proxy beside a redirected application has of its own. */
export interface CapturedInbound {
  readonly clusters: readonly ClusterIr[];
  readonly listeners: readonly ListenerIr[];
}

export function capturedInbound(
  instance: WorkloadInstance,
  interception: 'redirect' | 'tproxy' | 'none',
  model: MeshModel,
  read: Reader,
): CapturedInbound {
  const inbound = read.get(model.inbound, instanceKey(instance)) ?? [];
  const defaults = defaultsOf(model, read);
  return interception === 'none'
    ? unredirected(instance, inbound, defaults)
    : redirected(instance, interception, inbound, defaults, read.get(model.elsewhere, instanceKey(instance)));
}

function redirected(
  instance: WorkloadInstance,
  interception: 'redirect' | 'tproxy',
  inbound: readonly InboundPort[],
  defaults: MeshDefaults,
  elsewhere: PeerPolicyDecision | undefined,
): CapturedInbound {
  const { address } = instance;
  const family = address.includes(':') ? 6 : 4;
  const sourceAddress = sourceOf(instance, interception);
  const from = sourceAddress === undefined ? {} : { sourceAddress };
  const { inbound: listenPort } = defaults.ports;
  const usual = defaults.applicationAt === 'loopback' ? loopbackOf(address) : address;
  const served = inbound.filter(isServed);
  const listener: ListenerIr = {
    name: 'virtualInbound',
    address: anyAddress(family),
    port: listenPort,
    direction: 'inbound',
    socket: { type: 'redirected', handsOver: false, transparent: interception === 'tproxy' },
    chains: [
      // Who calls the port itself was not redirected, and would be sent round in circles.
      {
        name: 'virtualInbound-blackhole',
        match: { destinationPort: listenPort },
        handler: tcpHandler({ statPrefix: BLACK_HOLE_CLUSTER, cluster: BLACK_HOLE_CLUSTER }),
      },
      ...served.filter(({ ingress }) => ingress?.isUncaptured !== true).flatMap(chainsOfPort),
      ...chainsElsewhere(elsewhere?.mode ?? 'permissive'),
    ],
    firstBytes: 'detect',
    sources: served.flatMap(({ services, peers, ingress }) => [
      ...services.map(({ source }) => source),
      ...peers.sources,
      ...(ingress === undefined ? [] : [ingress.source]),
    ]),
  };
  return {
    clusters: [
      passthrough(PASSTHROUGH_CLUSTER, defaults),
      BLACK_HOLE,
      passthrough(INBOUND_PASSTHROUGH_CLUSTER, defaults, from),
      ...served.map((port) => applicationCluster(port, applicationAt(port, usual, address, from))),
    ],
    listeners: [
      listener,
      ...served.filter(({ ingress }) => ingress?.isUncaptured === true).map((port) => ownListener(port, address)),
    ],
  };
}

/** A Service leads to the port, or a Sidecar lists it. */
function isServed({ services, ingress }: InboundPort): boolean {
  return services.length > 0 || ingress !== undefined;
}

/**
 * Where the application behind a port listens.
 *
 * @param usual the address, unless a Sidecar says another
 * @param from where connections to the workload's own address come from
 */
function applicationAt(
  { containerPort, ingress }: InboundPort,
  usual: string,
  address: string,
  from: { readonly sourceAddress?: string },
) {
  const target = ingress?.target;
  if (target?.type === 'socket') return { address: target.path, port: 0 };
  const port = target?.port ?? containerPort;
  const at = target === undefined ? usual : target.type === 'workload' ? address : loopbackOf(address);
  return { address: at, port, ...(at === address ? from : {}) };
}

function loopbackOf(address: string): string {
  return address.includes(':') ? '::1' : '127.0.0.1';
}

/** A socket of its own in front of one port. */
function ownListener(port: InboundPort, address: string): ListenerIr {
  const { containerPort, ingress } = port;
  const at = ingress?.address ?? address;
  return {
    ...inboundListener(at, { containerPort, inboundPort: containerPort }, port),
    name: `${at}_${containerPort}`,
  };
}

/**
 * Connections to the application come from an address that the rules of Istio's agent know, so that the kernel does not
 * send them back to the proxy. An address on the loopback interface is not redirected in the first place; and with TPROXY
 * they come from the client's own address.
 */
function sourceOf({ address }: WorkloadInstance, interception: 'redirect' | 'tproxy'): string | undefined {
  if (interception === 'tproxy' || isLoopback(address)) return undefined;
  return address.includes(':') ? '::6' : '127.0.0.6';
}

function isLoopback(address: string): boolean {
  return address.startsWith('127.') || address === '::1';
}

function chainsOfPort(port: InboundPort): FilterChainIr[] {
  const { containerPort } = port;
  return inboundChains(applicationRoutes(port), port.peers.mode).chains.map((chain) => ({
    ...chain,
    name: `inbound|${containerPort} ${chain.name}`,
    match: { destinationPort: containerPort, ...chain.match },
  }));
}

/** For ports of the workload that no Service has: connections go where they were meant to go. */
function chainsElsewhere(mode: InboundPort['peers']['mode']): FilterChainIr[] {
  const statPrefix = INBOUND_PASSTHROUGH_CLUSTER;
  const handlers = applicationRoutes(
    { containerPort: 0, protocol: 'detect', grpcWeb: false, services: [] },
    statPrefix,
  );
  return inboundChains(handlers, mode).chains.map((chain) => ({
    ...chain,
    name: `virtualInbound-catchall ${chain.name}`,
  }));
}

/**
 * Without redirection the proxy listens on the workload's address and the application on the loopback address. Where that
 * is the same, there is no room for both, unless a Sidecar says another port.
 */
function unredirected(
  { address }: WorkloadInstance,
  inbound: readonly InboundPort[],
  defaults: MeshDefaults,
): CapturedInbound {
  const served = inbound.filter(isServed).map((port) => ({
    cluster: applicationCluster(port, applicationAt(port, loopbackOf(address), address, {})),
    listener: ownListener(port, address),
  }));
  const apart = served.filter(
    ({ cluster, listener }) => cluster.address !== listener.address || cluster.port !== listener.port,
  );
  return {
    clusters: [dynamicForward(defaults), BLACK_HOLE, ...apart.map(({ cluster }) => cluster)],
    listeners: apart.map(({ listener }) => listener),
  };
}
