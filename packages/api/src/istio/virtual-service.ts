import type * as z from 'zod/mini';
import { objectSchema } from '../kubernetes/metadata.ts';
import { forEachRepeated, object, optional, type Report } from '../schema/field.ts';
import * as v from '../schema/values.ts';
import { gatewayName } from './common.ts';
import { type HttpRoute, httpRoute } from './virtual-service-http.ts';
import { checkSniHosts, tcpRoute, tlsRoute } from './virtual-service-l4.ts';
import { checkExportTo, exportTo } from './visibility.ts';

const virtualServiceSpec = object(
  {
    hosts: optional(
      v.array(v.wildcardHost()),
      'Hosts that the rules are for: services, or names that a gateway serves. Short names are completed with the namespace. Without hosts, the rules hold where another VirtualService delegates to this one.',
    ),
    gateways: optional(
      v.array(gatewayName()),
      'Gateways that serve the rules, as NAME or NAMESPACE/NAME; mesh stands for all sidecars and is the default.',
    ),
    http: optional(v.array(httpRoute), 'Rules for HTTP; the first one that matches is taken.'),
    tls: optional(
      v.array(tlsRoute),
      'Rules for TLS connections that are not ended, by server name; the first one that matches is taken.',
    ),
    tcp: optional(v.array(tcpRoute), 'Rules for TCP connections; the first one that matches is taken.'),
    exportTo: optional(
      exportTo,
      'Namespaces whose sidecars, gateways and VirtualServices see the rules; . is the own one, * all of them, the default.',
    ),
  },
  {
    rules(spec, report) {
      const { hosts = [], gateways = [], http = [], tls = [], tcp = [] } = spec;
      checkExportTo(spec.exportTo, report);
      if (hosts.length === 0) checkDelegate(spec, report);
      if (http.length + tls.length + tcp.length === 0) report('must have rules: http, tls or tcp');
      forEachRepeated(
        hosts,
        (host) => host,
        (host, index) => report(`the host ${host} is listed twice`, ['hosts', index]),
      );
      checkSniHosts(hosts, tls, report);
      hosts.forEach((host, index) => {
        if (host === '*' && (gateways.length === 0 || gateways.includes('mesh'))) {
          report('* is allowed only for rules of gateways: list gateways, without mesh', ['hosts', index]);
        }
      });
    },
    advice(spec, report) {
      const { http = [], gateways = [] } = spec;
      const served = gateways.length === 0 ? [MESH] : gateways;
      http.forEach((rule, at) => {
        rule.match?.forEach((match, index) => {
          const nowhere = (match.gateways ?? []).find((gateway) => !served.some((each) => mayBeSame(each, gateway)));
          if (nowhere !== undefined && (spec.hosts ?? []).length > 0) {
            const path = ['http', at, 'match', index, 'gateways'];
            report(`names ${nowhere}, which is not among the gateways of this VirtualService`, path);
          }
        });
        const routes = rule.route ?? [];
        if (routes.length < 2) return;
        routes.forEach((each, index) => {
          if (each.weight === undefined)
            report('gets no requests: beside others, a destination without weight has 0', ['http', at, 'route', index]);
        });
      });
    },
  },
);

const MESH = 'mesh';

/** Whether two names may stand for one Gateway, as `front` and `default/front` do in `default`. */
function mayBeSame(a: string, b: string): boolean {
  return a === b || a.endsWith(`/${b}`) || b.endsWith(`/${a}`);
}

/** Rules without hosts stand in the place of one rule of another VirtualService. */
function checkDelegate({ gateways = [], http = [], tls = [], tcp = [] }: Spec, report: Report): void {
  const why = 'without hosts, the rules are for other VirtualServices to delegate to';
  if (gateways.length > 0) report(`must not be set: ${why}, which say at which gateways`, ['gateways']);
  if (tls.length > 0) report(`must not be set: ${why}, for HTTP only`, ['tls']);
  if (tcp.length > 0) report(`must not be set: ${why}, for HTTP only`, ['tcp']);
  http.forEach(({ delegate }, at) => {
    if (delegate !== undefined) report(`must not be set: ${why}, one step deep`, ['http', at, 'delegate']);
  });
}

interface Spec {
  readonly gateways?: readonly string[];
  readonly http?: readonly HttpRoute[];
  readonly tls?: readonly unknown[];
  readonly tcp?: readonly unknown[];
}

export const virtualService = objectSchema('networking.istio.io/v1', 'VirtualService', virtualServiceSpec);

export type VirtualService = z.infer<typeof virtualService>;
