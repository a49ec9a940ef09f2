import type { HeaderOperationsIr } from './header-operations.ts';
import type { RouteActionIr } from './route-action.ts';
import type { CorsIr, ExternalAuthIr, FaultIr } from './route-filters.ts';
import type { RouteMatchIr } from './route-match.ts';
import type { SourceRef } from './source.ts';

/** One route configuration (RDS): how requests that reach a listener are told apart by host, then by route. */
export interface RouteTableIr {
  readonly name: string;
  readonly virtualHosts: readonly VirtualHostIr[];
  /** Match `reviews` also for a Host header of `reviews:8080`. */
  readonly ignorePortInHost: boolean;
  /** Where else the hosts are served, for the header Alt-Svc of every answer (RFC 7838). */
  readonly altSvc?: string;
  /**
   * More virtual hosts come on their own (VHDS), so that a change of one is just that. With another epoch, what was asked for
   * before can be asked for again.
   */
  readonly hostsApart?: { readonly epoch: number };
}

/** A virtual host that comes on its own, to be part of a table. */
export interface TableHostIr {
  readonly table: string;
  readonly host: VirtualHostIr;
}

/** The name under which a virtual host comes on its own; a table is for one port. */
export function tableHostName({ table, host }: { readonly table: string; readonly host: Pick<VirtualHostIr, 'name'> }) {
  return `${table}/${host.name.replace(/:\d+$/, '')}`;
}

export interface VirtualHostIr {
  readonly name: string;
  readonly domains: readonly string[];
  readonly routes: readonly RouteIr[];
}

/** Routes are tried in order; the first that matches decides. */
export interface RouteIr {
  /** Says where it came from: shown in access logs and by `explain`. */
  readonly name: string;
  readonly match: RouteMatchIr;
  readonly action: RouteActionIr;
  readonly headers?: HeaderOperationsIr;
  readonly cors?: CorsIr;
  readonly fault?: FaultIr;
  readonly auth?: ExternalAuthIr;
  /** gRPC-Web, as browsers speak it, goes on as gRPC. */
  readonly grpcWeb?: true;
  /** Envoy counts the requests under `vhost.VIRTUAL_HOST.route.PREFIX`. */
  readonly statPrefix?: string;
  readonly sources: readonly SourceRef[];
}
