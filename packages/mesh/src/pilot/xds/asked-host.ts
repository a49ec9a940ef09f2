import type { LearntHost } from '../model/learnt-hosts.ts';

/** Names and IPv4 addresses; IPv6 addresses in brackets. What else a Host header may hold is the host of nobody. */
const HOST = /^(?:[a-z0-9_](?:[a-z0-9_.-]{0,252}[a-z0-9_])?\.?|\[[0-9a-f:.]{2,45}\])$/;

/**
 * What a proxy asks for on demand (VHDS): `TABLE/HOST[:PORT]`, as the request had it. Undefined if that can be no host: it
 * comes from whoever calls, and becomes part of a route table.
 */
export function readAsked(asked: string): LearntHost | undefined {
  const slash = asked.indexOf('/');
  if (slash < 1) return undefined;
  const host = asked
    .slice(slash + 1)
    .toLowerCase()
    .replace(/:\d{1,5}$/, '');
  return HOST.test(host) ? { table: asked.slice(0, slash), host } : undefined;
}
