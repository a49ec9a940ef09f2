import type { WorkloadInstance } from '@lateen/api/workload-instance.ts';
import type { ContainerState } from './container.ts';
import type { Phase } from './events.ts';
import type { ProxyProcessState } from './proxy-process.ts';

export interface ReplicaParts {
  readonly name: string;
  readonly stopping: boolean;
  /** It has been ready at least once. */
  readonly everReady: boolean;
  /** Undefined while it has no ports yet. */
  readonly proxy: ProxyProcessState | undefined;
  readonly containers: readonly ContainerState[];
}

export interface ReplicaStatus {
  readonly health: WorkloadInstance['health'];
  readonly phase: Phase;
  readonly message?: string;
}

/** One word for a replica, from the states of its parts. Only a replica all of whose parts are well gets traffic. */
export function summarize({ name, stopping, everReady, proxy, containers }: ReplicaParts): ReplicaStatus {
  if (stopping) return { health: 'draining', phase: 'stopping' };
  const notReady = everReady ? 'unready' : 'starting';
  if (proxy === undefined) return { health: notReady, phase: 'waiting for ports' };
  const failed = containers.find((container) => container.kind === 'failed');
  if (failed !== undefined) return { health: notReady, phase: 'failed', message: withoutName(failed.reason, name) };
  const inBackOff = containers.find((container) => container.kind === 'back-off');
  if (inBackOff !== undefined) {
    return { health: notReady, phase: 'back-off', message: withoutName(inBackOff.reason, name) };
  }
  if (proxy.kind !== 'live') {
    return proxy.kind === 'back-off'
      ? { health: notReady, phase: 'waiting for sidecar', message: proxy.reason }
      : { health: notReady, phase: 'waiting for sidecar' };
  }
  const unready = containers.find((container) => container.kind === 'unready');
  if (unready !== undefined) return { health: notReady, phase: 'not ready', message: unready.reason };
  if (containers.every((container) => container.kind === 'ready')) return { health: 'ready', phase: 'running' };
  return { health: notReady, phase: 'starting' };
}

/** The message stands beside the name wherever it is shown. */
function withoutName(message: string, name: string): string {
  return message.startsWith(name) ? message.slice(name.length).replace(/^[:,]? /, '') : message;
}
