import type { WorkloadInstance } from '@lateen/api/workload-instance.ts';

/** Servers that are not in the mesh: each says that it is `outside`, `outside-2` and so on, or `outside-socket`. */
export interface Outside {
  /** Of the first, the second and the third. */
  readonly ports: readonly [number, number, number];
  /** Path of a Unix socket. */
  readonly socket: string;
}

const NAMES = ['outside', 'outside-2', 'outside-3'];
const SOCKET_NAME = 'outside-socket';

/** Who answers on a port, or on a socket. */
export function outsideName({ ports }: Outside, at: number | string): string {
  return (typeof at === 'number' ? NAMES[ports.indexOf(at)] : undefined) ?? SOCKET_NAME;
}

/** OUTSIDE_PORT, OUTSIDE_PORT_2, OUTSIDE_PORT_3 and OUTSIDE_SOCKET in an input or a URL. */
export function fillInOutside(text: string, { ports, socket }: Outside): string {
  return text
    .replaceAll(/OUTSIDE_PORT(?:_([23]))?/g, (_, which = '1') => String(ports[Number(which) - 1]))
    .replaceAll('OUTSIDE_SOCKET', socket);
}

/** INBOUND_PORT_OF_REPLICA in an input: where the sidecar of a replica takes calls for its first container port. */
export function fillInInbound(text: string, instances: readonly WorkloadInstance[]): string {
  return text.replaceAll(/INBOUND_PORT_OF_([a-z0-9-]+)/g, (_, replica) => {
    // Before the replicas have ports, any one will do.
    return String(instances.find(({ name }) => name === replica)?.ports[0]?.inboundPort ?? 1);
  });
}
