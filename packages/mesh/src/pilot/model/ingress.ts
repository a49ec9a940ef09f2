import type { SourceRef } from '../proxy/ir/source.ts';
import type { PeerPolicyDecision } from './authentication.ts';
import type { ConnectionPool } from './connection-pool.ts';
import type { InboundPort } from './inbound.ts';
import type { ApplicationTarget, SidecarDecision } from './sidecar.ts';

/** Limits on connections to an application, and who says them. */
export interface InboundPool {
  readonly settings: ConnectionPool;
  readonly source: SourceRef;
}

/** What a Sidecar says of calls to one port of a workload. */
export interface Ingress {
  /** Where the application listens; absent: at the same port. */
  readonly target?: ApplicationTarget;
  /** Where the listener is, if it has a socket of its own; absent: the workload's address. */
  readonly address?: string;
  /** A socket of its own, also where connections are redirected. */
  readonly isUncaptured: boolean;
  readonly source: SourceRef;
}

/**
 * The ports of a workload as its Sidecar has them. Those that it does not list are there all the same, but nothing is
 * known of them.
 *
 * @param ports as they are without a Sidecar
 * @param peersOf who may call a port
 */
export function portsUnder(
  { ingress, inboundPool }: SidecarDecision,
  ports: readonly InboundPort[],
  peersOf: (port: number) => PeerPolicyDecision,
): readonly InboundPort[] {
  const wide: { pool?: InboundPool } = inboundPool === undefined ? {} : { pool: inboundPool };
  if (ingress === undefined) return ports.map((port) => ({ ...port, ...wide }));
  const listed = ingress.map((listener): InboundPort => {
    const { port, protocol, target, address, isUncaptured, pool, source } = listener;
    const known = ports.find(({ containerPort }) => containerPort === port);
    return {
      containerPort: port,
      protocol: protocol ?? known?.protocol ?? 'detect',
      grpcWeb: known?.grpcWeb ?? false,
      peers: known?.peers ?? peersOf(port),
      services: known?.services ?? [],
      ...(pool === undefined ? wide : { pool: { settings: pool, source } }),
      ingress: {
        isUncaptured,
        ...(target === undefined ? {} : { target }),
        ...(address === undefined ? {} : { address }),
        source,
      },
    };
  });
  const others = ports
    .filter(({ containerPort }) => !ingress.some(({ port }) => port === containerPort))
    .map((port): InboundPort => ({ ...port, protocol: 'detect', services: [], ...wide }));
  return [...listed, ...others];
}
