import type { ActionVerdict, HeaderChange, RespondVerdict, RouteChoice, Unknown } from '@lateen/api/verdict.ts';
import type { DirectResponseAction } from '@lateen/envoy-api/envoy/config/route/v3/route_components_pb.js';
import { headerChanges } from '../http/header-operations.ts';
import { type FilterOverrides, unknownFilters } from '../http/http-filters.ts';
import { type FilteredRoute, passFilters } from '../http/pass-filters.ts';
import type { RoutedRequest } from '../http/request.ts';
import { forward } from './forward.ts';
import type { PreparedRoute } from './route.ts';
import { type RouteScope, responseLevels, undecided } from './scope.ts';
import { isUndecidable } from './string-match.ts';

type Chosen = Pick<RouteChoice, 'fault' | 'cors' | 'action'>;

/** What becomes of a request that a route took. */
export function chooseRoute(
  scope: RouteScope,
  route: PreparedRoute,
  request: RoutedRequest,
  unknowns: Unknown[],
): Chosen {
  const levels = [
    route.route.typedPerFilterConfig,
    scope.host.host.typedPerFilterConfig,
    scope.table.table.typedPerFilterConfig,
  ];
  const where = `connection manager ${scope.prepared.manager.statPrefix}`;
  unknowns.push(...unknownFilters(scope.prepared.filters, levels, where));
  const refused = refusedUpgrade(scope, route);
  if (refused !== undefined) return { action: refused };
  const filtered = passFilters(scope.prepared, levels, request, filteredRoute(route), unknowns);
  const { fault, cors } = filtered;
  const effects = { ...(fault === undefined ? {} : { fault }), ...(cors === undefined ? {} : { cors }) };
  if (filtered.answer !== undefined) return { ...effects, action: filtered.answer };
  return { ...effects, action: act(scope, route, filtered.request, filtered.responseHeaders, levels, unknowns) };
}

function refusedUpgrade({ prepared, upgrade }: RouteScope, { route }: PreparedRoute): RespondVerdict | undefined {
  if (upgrade === undefined) return undefined;
  const wanted = upgrade.toLowerCase();
  const own =
    route.action.case === 'route'
      ? route.action.value.upgradeConfigs.find(({ upgradeType }) => upgradeType.toLowerCase() === wanted)
      : undefined;
  const allowed = own === undefined ? prepared.upgrades.has(wanted) : own.enabled !== false;
  if (allowed) return undefined;
  return {
    type: 'respond',
    by: 'proxy',
    status: 403,
    reason: `a change of protocol to ${upgrade} is not allowed`,
    headers: [],
    responseHeaders: [],
  };
}

function filteredRoute({ route: { action } }: PreparedRoute): FilteredRoute {
  if (action.case !== 'route') return { forwards: false };
  const { clusterSpecifier: specifier } = action.value;
  return specifier.case === 'cluster' ? { forwards: true, cluster: specifier.value } : { forwards: true };
}

function act(
  scope: RouteScope,
  prepared: PreparedRoute,
  request: RoutedRequest,
  responseHeaders: readonly HeaderChange[],
  levels: readonly FilterOverrides[],
  unknowns: Unknown[],
): ActionVerdict {
  const { action } = prepared.route;
  switch (action.case) {
    case 'route': {
      const { forward: onward } = prepared;
      if (onward === undefined) break;
      if (isUndecidable(onward)) return undecided(onward.undecidable, prepared, unknowns);
      return forward(scope, prepared, onward, request, responseHeaders, levels, unknowns);
    }
    case 'redirect': {
      const { redirect } = prepared;
      if (redirect === undefined) break;
      if (isUndecidable(redirect)) return undecided(redirect.undecidable, prepared, unknowns);
      return {
        type: 'respond',
        by: 'redirect',
        status: redirect.status,
        reason: 'the route redirects',
        headers: [['location', redirect.location(request)]],
        responseHeaders: [...ownChanges(scope, prepared, request), ...responseHeaders],
      };
    }
    case 'directResponse': {
      const body = bodyOf(action.value, prepared, unknowns);
      return {
        type: 'respond',
        by: 'route',
        status: action.value.status,
        reason: 'the route answers by itself',
        headers: [],
        responseHeaders: [...ownChanges(scope, prepared, request), ...responseHeaders],
        ...(body === undefined ? {} : { body }),
      };
    }
  }
  return undecided(`the action ${action.case ?? 'that is missing'}`, prepared, unknowns);
}

/** What the route and those above it do to the headers of answers, also of the proxy's own. */
function ownChanges(scope: RouteScope, prepared: PreparedRoute, request: RoutedRequest): HeaderChange[] {
  const context = { request, routeName: prepared.name, virtualHost: scope.host.host.name };
  return headerChanges(responseLevels(scope, prepared, undefined), context);
}

function bodyOf(
  { body, bodyFormat }: DirectResponseAction,
  { name }: PreparedRoute,
  unknowns: Unknown[],
): string | undefined {
  if (bodyFormat !== undefined) unknowns.push({ what: 'DirectResponseAction.body_format', where: `route ${name}` });
  const specifier = body?.specifier;
  switch (specifier?.case) {
    case 'inlineString':
      return specifier.value;
    case 'inlineBytes':
      return new TextDecoder().decode(specifier.value);
    case undefined:
      return undefined;
    default:
      unknowns.push({ what: `DirectResponseAction.body from ${specifier?.case}`, where: `route ${name}` });
      return undefined;
  }
}
