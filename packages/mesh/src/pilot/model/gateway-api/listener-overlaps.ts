import { intersectHosts } from '../hostname.ts';
import type { ListenerPlace } from './gateway-listeners.ts';
import type { Listener } from './listener.ts';

/**
 * Listeners of one port with TLS for hosts that they share, by key. Each request goes to the narrowest, but clients that
 * use a connection again for another host may have shown, or been shown, the certificates of another listener.
 *
 * @param listeners without those that are in conflict
 */
export function findOverlaps(listeners: readonly Listener[]): ReadonlyMap<string, readonly ListenerPlace[]> {
  const withTls = listeners.filter(({ protocol }) => protocol === 'HTTPS' || protocol === 'TLS');
  const overlaps = new Map<string, ListenerPlace[]>();
  for (const listener of withTls) {
    const others = withTls.filter((other) => other !== listener && overlap(listener, other));
    if (others.length > 0) {
      overlaps.set(
        listener.key,
        others.map(({ owner, name }) => ({ owner, name })),
      );
    }
  }
  return overlaps;
}

function overlap(a: Listener, b: Listener): boolean {
  return a.port === b.port && intersectHosts(a.hostname ?? '*', b.hostname ?? '*') !== undefined;
}
