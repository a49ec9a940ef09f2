import type { Problem } from './conditions.ts';
import type { Listener } from './listener.ts';

/** What a port is for: connections of different classes cannot be told apart before they are read. */
function classOf({ protocol }: Listener): string {
  return protocol === 'HTTPS' || protocol === 'TLS' ? 'TLS' : protocol;
}

/**
 * Listeners that are not distinct: on one port, of different protocols or for one hostname. Those of the Gateway itself are
 * all out, none of them wins; those of ListenerSets give way to what comes before them.
 *
 * @param listeners in order of precedence: the Gateway's own, then those of each ListenerSet
 */
export function findConflicts(listeners: readonly Listener[]): ReadonlyMap<string, Problem> {
  const conflicts = new Map<string, Problem>();
  const usable = listeners.filter(({ problems }) => !problems.some(({ type }) => type === 'Accepted'));
  for (const [i, listener] of usable.entries()) {
    for (const other of usable.slice(0, i)) {
      const problem = conflictOf(listener, other);
      if (problem === undefined) continue;
      const isOwn = (each: Listener) => each.owner.kind === 'KubernetesGateway';
      if (!isOwn(other) && conflicts.has(other.key)) continue;
      if (!conflicts.has(listener.key)) conflicts.set(listener.key, problem);
      if (isOwn(listener) && isOwn(other) && !conflicts.has(other.key)) {
        conflicts.set(other.key, conflictOf(other, listener) ?? problem);
      }
    }
  }
  return conflicts;
}

function conflictOf(listener: Listener, other: Listener): Problem | undefined {
  // UDP has ports of its own.
  if (listener.port !== other.port || (listener.protocol === 'UDP') !== (other.protocol === 'UDP')) return undefined;
  const path = listener.source.path ?? '';
  const place = `${other.name} of ${other.owner.namespace}/${other.owner.name}`;
  if (classOf(listener) !== classOf(other)) {
    return {
      type: 'Conflicted',
      reason: 'ProtocolConflict',
      message: `the listener ${place} has port ${other.port} for ${other.protocol}, which ${listener.protocol} cannot share`,
      path: `${path}.protocol`,
    };
  }
  const toldApartByHost = classOf(listener) === 'HTTP' || classOf(listener) === 'TLS';
  if (toldApartByHost && listener.hostname !== other.hostname) return undefined;
  return {
    type: 'Conflicted',
    reason: 'HostnameConflict',
    message: `the listener ${place} has port ${other.port}${toldApartByHost ? ` for ${other.hostname ?? 'every host'}` : ''} too`,
    path: `${path}.${toldApartByHost && listener.hostname !== undefined ? 'hostname' : 'port'}`,
  };
}
