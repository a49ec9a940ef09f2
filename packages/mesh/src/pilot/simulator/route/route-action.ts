import type { ActionVerdict, HeaderChange, RespondVerdict, RouteChoice, Unknown } from '@lateen/api/verdict.ts';
import type { DirectResponseAction } from '@lateen/envoy-api/envoy/config/route/v3/route_components_pb.js';
import { headerChanges } from '../http/header-operations.ts';
import { type FilterOverrides, unknownFilters } from '../http/http-filters.ts';
import { passFilters } from '../http/pass-filters.ts';
import type { RoutedRequest } from '../http/request.ts';
import { forward } from './forward.ts';
import { prepareRedirect } from './redirect.ts';
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
  const filtered = passFilters(scope.prepared, levels, request, singleCluster(route), unknowns);
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
  };
}

function singleCluster({ route }: PreparedRoute): string | undefined {
  if (route.action.case !== 'route') return undefined;
  const specifier = route.action.value.clusterSpecifier;
  return specifier.case === 'cluster' ? specifier.value : undefined;
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
    case 'route':
      return forward(scope, prepared, action.value, request, responseHeaders, levels, unknowns);
    case 'redirect': {
      const redirect = prepareRedirect(action.value, prepared.matched);
      if (isUndecidable(redirect)) return undecided(redirect.undecidable, prepared, unknowns);
      const location = redirect.location(request);
      return answerOf(scope, prepared, request, redirect.status, 'redirect', 'the route redirects', [
        ['location', location],
      ]);
    }
    case 'directResponse': {
      const { status } = action.value;
      const body = bodyOf(action.value, prepared, unknowns);
      const answer = answerOf(scope, prepared, request, status, 'route', 'the route answers by itself', []);
      return body === undefined ? answer : { ...answer, body };
    }
    default:
      return undecided(`the action ${action.case ?? 'that is missing'}`, prepared, unknowns);
  }
}

function answerOf(
  scope: RouteScope,
  prepared: PreparedRoute,
  request: RoutedRequest,
  status: number,
  by: RespondVerdict['by'],
  reason: string,
  own: RespondVerdict['headers'],
): RespondVerdict {
  const context = { request, routeName: prepared.name, virtualHost: scope.host.host.name };
  const changes = headerChanges(responseLevels(scope, prepared, undefined), context);
  const added = changes.flatMap(({ action, name, value }) =>
    action === 'remove' || value === null ? [] : [[name, value] as const],
  );
  return { type: 'respond', by, status, reason, headers: [...own, ...added] };
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
