import type { VirtualService } from '@lateen/api/kinds.ts';
import type { DirectResponseActionIr, RedirectActionIr } from '../proxy/ir/route-action.ts';
import type { SourceRef } from '../proxy/ir/source.ts';
import { buildHeaderOperations, type HeaderOperations } from './header-operations.ts';
import { resolveHost } from './hostname.ts';
import type { RouteOptions } from './route-options.ts';

export type RouteAction = ForwardAction | RedirectAction | DirectResponseActionIr | DelegateAction;

export interface ForwardAction {
  readonly type: 'forward';
  readonly destinations: readonly WeightedDestination[];
  /** The requests that are answered with a status, since who should answer is not there. */
  readonly refused?: { readonly weight: number; readonly status: 500 | 503 };
}

export interface Destination {
  readonly host: string;
  /** Absent: the service's only port, or the one that the request came for. */
  readonly port?: number;
  readonly subset?: string;
  readonly source: SourceRef;
}

export interface WeightedDestination extends Destination {
  readonly weight: number;
  readonly headers?: HeaderOperations;
  readonly own?: OwnTreatment;
}

/** What is done with the requests of one destination, in the place of what the rule says of all; mirrors add up. */
export interface OwnTreatment extends Pick<RouteOptions, 'rewrite' | 'cors' | 'mirrors' | 'auth'> {
  readonly redirect?: RedirectAction;
  /** None of them may go on. */
  readonly isBlocked?: true;
}

export interface RedirectAction extends Omit<RedirectActionIr, 'port' | 'path'> {
  /**
   * `from-request` is the port that the request came for, `from-protocol-default` that of the scheme; and
   * `from-scheme-or-listener` that of a scheme which is given, or else of the listener. `unlessUsual`: it is not written where
   * the scheme has it in any case.
   */
  readonly port?:
    | number
    | { readonly unlessUsual: number }
    | 'from-request'
    | 'from-protocol-default'
    | 'from-scheme-or-listener';
  readonly path?: { readonly type: 'full' | 'prefix'; readonly value: string };
}

/** The rules of another set stand in the place of this one, for what both match. */
export interface DelegateAction {
  readonly type: 'delegate';
  /** `NAMESPACE/NAME` */
  readonly to: string;
}

type HttpRoute = NonNullable<VirtualService['spec']['http']>[number];
type DestinationSpec = NonNullable<HttpRoute['route']>[number]['destination'];

export function buildAction(route: HttpRoute, source: SourceRef, clusterDomain: string): RouteAction {
  const { redirect, directResponse, delegate } = route;
  if (redirect !== undefined) return buildRedirect(redirect);
  if (directResponse !== undefined) return buildDirectResponse(directResponse);
  if (delegate !== undefined) {
    return { type: 'delegate', to: `${delegate.namespace ?? source.namespace}/${delegate.name}` };
  }
  const destinations = route.route ?? [];
  return {
    type: 'forward',
    destinations: destinations.map(({ destination, weight, headers }, i) => ({
      ...buildDestination(destination, { ...source, path: `${source.path}.route[${i}].destination` }, clusterDomain),
      // A weight may be left out where there is only one destination.
      weight: destinations.length === 1 ? 1 : (weight ?? 0),
      ...(headers === undefined ? {} : { headers: buildHeaderOperations(headers) }),
    })),
  };
}

export function buildDestination(spec: DestinationSpec, source: SourceRef, clusterDomain: string): Destination {
  return {
    host: resolveHost(spec.host, source.namespace, clusterDomain),
    ...(spec.port?.number === undefined ? {} : { port: spec.port.number }),
    ...(spec.subset === undefined ? {} : { subset: spec.subset }),
    source,
  };
}

const DERIVED_PORTS: Readonly<Record<string, RedirectAction['port']>> = {
  FROM_PROTOCOL_DEFAULT: 'from-protocol-default',
  FROM_REQUEST_PORT: 'from-request',
};

function buildRedirect(redirect: NonNullable<HttpRoute['redirect']>): RedirectAction {
  const { uri, prefixRewrite, authority, scheme } = redirect;
  const port = redirect.port ?? DERIVED_PORTS[redirect.derivePort ?? ''];
  return {
    type: 'redirect',
    ...(uri === undefined ? {} : { path: { type: 'full', value: uri } }),
    ...(prefixRewrite === undefined ? {} : { path: { type: 'prefix', value: prefixRewrite } }),
    ...(authority === undefined ? {} : { authority }),
    ...(scheme === undefined ? {} : { scheme }),
    ...(port === undefined ? {} : { port }),
    status: (redirect.redirectCode ?? 301) as RedirectAction['status'],
  };
}

function buildDirectResponse({ status, body }: NonNullable<HttpRoute['directResponse']>): DirectResponseActionIr {
  return {
    type: 'direct-response',
    status,
    ...(body?.string === undefined ? {} : { body: { type: 'text', value: body.string } }),
    ...(body?.bytes === undefined ? {} : { body: { type: 'base64', value: body.bytes } }),
  };
}
