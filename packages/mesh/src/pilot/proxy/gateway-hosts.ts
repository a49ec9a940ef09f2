import { byNarrowness, hostCovers } from '../model/hostname.ts';
import type { RouteTableIr, VirtualHostIr } from './ir/route.ts';

/** The route table of one filter chain, and the server names that lead to the chain. */
export interface ChainTable {
  readonly serverHosts: readonly string[];
  readonly table: RouteTableIr;
}

/**
 * Clients send requests for several hosts on one connection where they think that its certificate is good for all of them.
 * A host that another chain is for is answered with 421 (RFC 9110, section 15.5.20), and the client tries again on a
 * connection of its own; so neither rules nor checks of certificates of that other server are got around.
 *
 * @param passedOn server names whose connections are passed on unread
 */
export function tellMisdirected(chains: readonly ChainTable[], passedOn: readonly string[]): RouteTableIr[] {
  const chainFor = (domain: string) => narrowest(chains, passedOn, domain);
  const domains = chains.map(({ table }) => table.virtualHosts.flatMap((host) => host.domains));
  const elsewhere = new Map<string, number | undefined>();
  for (const domain of [...domains.flat(), ...passedOn]) elsewhere.set(domain, chainFor(domain));
  return chains.map(({ table }, index) => {
    const served = table.virtualHosts.filter((host) => host.domains.every((domain) => elsewhere.get(domain) === index));
    const misdirected = [...elsewhere].filter(([domain, chain]) => {
      if (chain === index) return false;
      // Where nobody else would have an answer either, it is simply unknown.
      return chain === undefined ? true : domains[chain]?.includes(domain) === true || domains[index]?.includes(domain);
    });
    if (misdirected.length === 0) return table;
    const virtualHost = answer421(table.name, misdirected.map(([domain]) => domain).sort());
    return { ...table, virtualHosts: [...served, virtualHost] };
  });
}

/** Index of the chain that a connection with this server name goes to; undefined if it is passed on. */
function narrowest(chains: readonly ChainTable[], passedOn: readonly string[], domain: string): number | undefined {
  let found: { readonly host: string; readonly index: number | undefined } | undefined;
  const consider = (host: string, index: number | undefined) => {
    if (!hostCovers(host, domain)) return;
    if (found === undefined || byNarrowness(host, found.host) < 0) found = { host, index };
  };
  for (const host of passedOn) consider(host, undefined);
  chains.forEach(({ serverHosts }, index) => {
    for (const host of serverHosts) consider(host, index);
  });
  return found?.index;
}

function answer421(table: string, domains: readonly string[]): VirtualHostIr {
  return {
    name: `misdirected ${table}`,
    domains,
    routes: [
      {
        name: 'misdirected',
        match: { path: { type: 'any' }, headers: [] },
        action: { type: 'direct-response', status: 421 },
        sources: [],
      },
    ],
  };
}
