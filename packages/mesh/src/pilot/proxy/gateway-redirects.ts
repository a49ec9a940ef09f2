import type { AttachedServer } from '../model/gateway-port.ts';
import { byNarrowness, hostCovers } from '../model/hostname.ts';
import type { RouteTableIr, VirtualHostIr } from './ir/route.ts';

/**
 * Answers requests for the hosts of servers with `httpsRedirect` with 301, also for hosts that no rules are for. Where
 * several servers have a host, the narrowest decides.
 *
 * @param httpsPort the port of this machine that stands for 443, if one does
 */
export function withRedirects(
  table: RouteTableIr,
  servers: readonly AttachedServer[],
  httpsPort: number | undefined,
): RouteTableIr {
  const hosts = servers.flatMap((server) => server.hosts.map(({ host }) => ({ host, server })));
  if (!servers.some(({ httpsRedirect }) => httpsRedirect)) return table;
  const serverFor = (domain: string) =>
    hosts.filter(({ host }) => hostCovers(host, domain)).sort((a, b) => byNarrowness(a.host, b.host))[0]?.server;
  const redirected = (domain: string): VirtualHostIr | undefined => {
    const server = serverFor(domain);
    return server?.httpsRedirect === true ? redirect(domain, server, httpsPort) : undefined;
  };
  const known = new Set(table.virtualHosts.flatMap(({ domains }) => domains));
  const added = [...new Set(hosts.map(({ host }) => host))].filter((host) => !known.has(host)).sort();
  return {
    ...table,
    virtualHosts: [
      ...table.virtualHosts.map((each) => redirected(each.domains[0] ?? '') ?? each),
      ...added.flatMap((host) => redirected(host) ?? []),
    ],
  };
}

function redirect(domain: string, { port, source }: AttachedServer, httpsPort: number | undefined): VirtualHostIr {
  return {
    name: `${domain}:${port}`,
    domains: [domain],
    routes: [
      {
        name: 'https redirect',
        match: { path: { type: 'any' }, headers: [] },
        action: {
          type: 'redirect',
          scheme: 'https',
          // Where it is the usual one, Envoy leaves it out by itself.
          ...(httpsPort === undefined || httpsPort === 443 ? {} : { port: httpsPort }),
          status: 301,
        },
        sources: [{ ...source, path: `${source.path}.tls.httpsRedirect` }],
      },
    ],
  };
}
