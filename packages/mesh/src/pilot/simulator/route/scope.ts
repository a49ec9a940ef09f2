import type { ActionVerdict, Unknown } from '@lateen/api/verdict.ts';
import type { SocketAddress } from '../call.ts';
import type { PreparedManager } from '../http/connection-manager.ts';
import type { HeaderOperations } from '../http/header-operations.ts';
import type { PreparedProxy } from '../proxy.ts';
import type { PreparedRoute } from './route.ts';
import type { PreparedTable, PreparedVirtualHost } from './route-table.ts';

/** Where a route stands. */
export interface RouteScope {
  readonly proxy: PreparedProxy;
  readonly prepared: PreparedManager;
  readonly table: PreparedTable;
  readonly host: PreparedVirtualHost;
  readonly destination: SocketAddress;
  /** The protocol that the client asks to change to. */
  readonly upgrade: string | undefined;
}

/** Levels of header operations in the order in which they are carried out. */
export function inOrder<T>(scope: RouteScope, cluster: T, route: T, host: T, table: T): T[] {
  const levels = [cluster, route, host, table];
  return scope.table.table.mostSpecificHeaderMutationsWins ? levels.reverse() : levels;
}

export function responseLevels(scope: RouteScope, route: PreparedRoute, weighted: HeaderOperations | undefined) {
  return inOrder(scope, weighted, route.responseHeaders, scope.host.responseHeaders, scope.table.responseHeaders);
}

/** Notes what cannot be simulated. */
export function undecided(reason: string, { name }: PreparedRoute, unknowns: Unknown[]): ActionVerdict {
  unknowns.push({ what: reason, where: `route ${name}` });
  return { type: 'undecided', reason };
}
