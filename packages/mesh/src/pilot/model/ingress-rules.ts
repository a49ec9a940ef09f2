import type { Ingress } from '@lateen/api/kinds.ts';
import type { PathMatchIr } from '../proxy/ir/route-match.ts';
import type { SourceRef } from '../proxy/ir/source.ts';
import { serviceHostname } from './hostname.ts';
import type { RouteAction } from './route-action.ts';
import type { RouteRule, RouteRuleSet } from './route-rule.ts';
import type { Service } from './service.ts';

/** Everything that one Ingress says of where requests go. */
export interface IngressRules {
  /** Of the Gateway that stands for it; see `ingressGatewayKey`. */
  readonly gateway: string;
  readonly paths: readonly IngressPath[];
  /** Gets what no path of a host takes. */
  readonly defaultBackend?: IngressBackend;
  /** Hosts that it has rules for; `*` if that is any host, or if it has a default backend. */
  readonly hosts: readonly string[];
  readonly source: SourceRef;
}

export interface IngressPath {
  readonly host: string;
  readonly path: PathMatchIr;
  readonly backend: IngressBackend;
  readonly source: SourceRef;
}

/** A port of a Service in the namespace of the Ingress. */
export interface IngressBackend {
  readonly service: string;
  readonly port: { readonly name: string } | { readonly number: number };
  readonly source: SourceRef;
}

const ANY_HOST = '*';

/** @param gateway key of the Gateway that stands for it */
export function buildIngressRules({ metadata: { name, namespace }, spec }: Ingress, gateway: string): IngressRules {
  const source = { kind: 'Ingress', namespace, name };
  const { rules = [], defaultBackend } = spec;
  const ofRequests =
    defaultBackend === undefined ? undefined : buildBackend(defaultBackend, { ...source, path: 'spec.defaultBackend' });
  const hosts = rules.map(({ host }) => hostOf(host));
  return {
    gateway,
    paths: rules.flatMap(({ host, http }, at) =>
      (http?.paths ?? []).flatMap(({ backend, ...path }, index) => {
        const place = { ...source, path: `spec.rules[${at}].http.paths[${index}]` };
        const target = buildBackend(backend, place);
        return target === undefined
          ? []
          : [{ host: hostOf(host), path: ingressPath(path), backend: target, source: place }];
      }),
    ),
    ...(ofRequests === undefined ? {} : { defaultBackend: ofRequests }),
    hosts: [...new Set([...hosts, ...(ofRequests === undefined ? [] : [ANY_HOST])])],
    source,
  };
}

/** An empty host is none. */
export function hostOf(host = ''): string {
  return host === '' ? ANY_HOST : host;
}

type Path = NonNullable<NonNullable<Ingress['spec']['rules']>[number]['http']>['paths'][number];

/** What a path asks for. ImplementationSpecific is Prefix, but for the wildcards that Istio knows at its end. */
export function ingressPath({ path = '', pathType }: Pick<Path, 'path' | 'pathType'>): PathMatchIr {
  if (pathType === 'Exact') return { type: 'exact', value: path };
  const prefix = pathType === 'Prefix' ? path : path.replace(/(\.\*|\/\*|^\*)$/, '');
  const value = prefix.replace(/\/+$/, '');
  if (value === '') return { type: 'any' };
  // What no path has is never met, and Envoy takes it as a whole path only.
  return /[?#]/.test(value) ? { type: 'exact', value } : { type: 'separated-prefix', value };
}

function buildBackend({ service }: Path['backend'], source: SourceRef): IngressBackend | undefined {
  if (service === undefined) return undefined;
  const { name, number } = service.port;
  const port = name === undefined ? { number: number ?? 0 } : { name };
  return { service: service.name, port, source: { ...source, path: `${source.path}.backend.service` } };
}

/**
 * The rules of all Ingresses for a host: the longest path first, and of equally long ones Exact before Prefix; then those
 * come first whose Ingress does, by namespace and name.
 *
 * @param ingresses that have rules for the host, in any order
 * @param serviceOf by namespace and hostname
 */
export function mergeIngressRules(
  host: string,
  ingresses: readonly IngressRules[],
  clusterDomain: string,
  serviceOf: (namespace: string, hostname: string) => Service | undefined,
): RouteRuleSet | undefined {
  const sorted = [...ingresses].sort(byNamespaceAndName);
  const [first] = sorted;
  if (first === undefined) return undefined;
  const toRule = (path: PathMatchIr, { service, port, source: ofBackend }: IngressBackend, source: SourceRef) => {
    const hostname = serviceHostname(service, source.namespace, clusterDomain);
    const number = portNumber(port, serviceOf(source.namespace, hostname));
    return buildRule(path, number === undefined ? UNAVAILABLE : forward(hostname, number, ofBackend), source);
  };
  const paths = sorted.flatMap((ingress) => ingress.paths.filter((path) => path.host === host)).sort(byPrecedence);
  const rest = sorted.find(({ defaultBackend }) => defaultBackend !== undefined)?.defaultBackend;
  const defaultSource = (backend: IngressBackend) => ({ ...backend.source, path: 'spec.defaultBackend' });
  return {
    hosts: [host],
    gateways: [...new Set(sorted.map(({ gateway }) => gateway))],
    rules: [
      ...paths.map(({ path, backend, source }) => toRule(path, backend, source)),
      ...(rest === undefined ? [] : [toRule({ type: 'any' }, rest, defaultSource(rest))]),
    ],
    tls: [],
    tcp: [],
    visibility: 'all',
    askedLabels: [],
    isIngress: true,
    source: first.source,
  };
}

export function byNamespaceAndName(
  { source: a }: { readonly source: SourceRef },
  { source: b }: { readonly source: SourceRef },
): number {
  if (a.namespace !== b.namespace) return a.namespace < b.namespace ? -1 : 1;
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
}

/** As Kubernetes wants it; the order stays where paths are alike. */
function byPrecedence(a: IngressPath, b: IngressPath): number {
  return lengthOf(b.path) - lengthOf(a.path) || rankOf(a.path) - rankOf(b.path);
}

function lengthOf(path: PathMatchIr): number {
  return 'value' in path ? path.value.length : 0;
}

function rankOf({ type }: PathMatchIr): number {
  return type === 'exact' ? 0 : 1;
}

function portNumber(port: IngressBackend['port'], service: Service | undefined): number | undefined {
  const found = service?.ports.find((each) =>
    'number' in port ? each.port === port.number : each.name === port.name,
  )?.port;
  // An ExternalName has the ports of what it means.
  return found ?? (service?.aliasOf !== undefined && 'number' in port ? port.number : undefined);
}

/** There is no such Service, or it has no such port: as if it had no endpoints, so that no other rule takes these requests. */
const UNAVAILABLE: RouteAction = { type: 'direct-response', status: 503 };

function forward(host: string, port: number, source: SourceRef): RouteAction {
  return { type: 'forward', destinations: [{ host, port, weight: 1, source }] };
}

function buildRule(path: PathMatchIr, action: RouteAction, source: SourceRef): RouteRule {
  return { matches: [{ path, headers: [], query: [], source }], action, options: {}, source };
}
