import type { VirtualService } from '@lateen/api/kinds.ts';
import type { HeaderMatchIr, PathMatchIr, QueryMatchIr, StringMatchIr, ValueMatchIr } from '../proxy/ir/route-match.ts';
import type { SourceRef } from '../proxy/ir/source.ts';
import type { Rank } from './gateway-api/precedence.ts';
import { gatewayKey } from './hostname.ts';

/** All that is given must hold. */
export interface RouteMatch {
  readonly name?: string;
  readonly path: PathMatchIr;
  readonly headers: readonly HeaderMatchIr[];
  readonly query: readonly QueryMatchIr[];
  /** The port that the request came for: of a service, or of a gateway. */
  readonly port?: number;
  readonly client?: ClientMatch;
  /** `mesh`, or `NAMESPACE/NAME` of a Gateway. Absent: all that the rule set is for. */
  readonly gateways?: readonly string[];
  readonly statPrefix?: string;
  /** Among the matches of all rule sets that have one; those that have none come later, in their order. */
  readonly rank?: Rank;
  readonly source: SourceRef;
  /** The match of the rule that delegates here. */
  readonly delegatedFrom?: SourceRef;
}

/** The workload whose sidecar, or which as a gateway, sends the request. */
export interface ClientMatch {
  readonly labels: Readonly<Record<string, string>>;
  readonly namespace?: string;
}

type HttpMatch = NonNullable<NonNullable<VirtualService['spec']['http']>[number]['match']>[number];
type StringMatch = NonNullable<HttpMatch['uri']>;

export function buildMatch(match: HttpMatch, source: SourceRef): RouteMatch {
  const { name, port, sourceLabels = {}, sourceNamespace = '', gateways = [], statPrefix } = match;
  const namespace = sourceNamespace === '' ? {} : { namespace: sourceNamespace };
  return {
    ...(name === undefined || name === '' ? {} : { name }),
    path: buildPath(match),
    headers: [
      ...Object.entries(match.headers ?? {}).map(([header, value]) => headerMatch(header, value)),
      ...Object.entries(match.withoutHeaders ?? {}).map(
        ([header, value]): HeaderMatchIr => ({ ...headerMatch(header, value), invert: true }),
      ),
      ...(['method', 'scheme', 'authority'] as const).flatMap((part): HeaderMatchIr[] => {
        const value = stringMatch(match[part]);
        return value === undefined ? [] : [{ name: `:${part}`, value }];
      }),
    ],
    query: Object.entries(match.queryParams ?? {}).map(([parameter, value]) => ({
      name: parameter,
      value: valueMatch(value),
    })),
    ...(port === undefined || port === 0 ? {} : { port }),
    ...(Object.keys(sourceLabels).length === 0 && sourceNamespace === ''
      ? {}
      : { client: { labels: sourceLabels, ...namespace } }),
    ...(gateways.length === 0 ? {} : { gateways: gateways.map((gateway) => gatewayKey(gateway, source.namespace)) }),
    ...(statPrefix === undefined || statPrefix === '' ? {} : { statPrefix }),
    source,
  };
}

function buildPath({ uri, ignoreUriCase }: HttpMatch): PathMatchIr {
  const match = stringMatch(uri);
  if (match === undefined) return { type: 'any' };
  if (match.type === 'regex' || ignoreUriCase !== true) return match;
  return { type: match.type, value: match.value, ignoreCase: true };
}

function headerMatch(name: string, value: StringMatch): HeaderMatchIr {
  return { name: name.toLowerCase(), value: valueMatch(value) };
}

function valueMatch(value: StringMatch): ValueMatchIr {
  return stringMatch(value) ?? { type: 'present' };
}

export function stringMatch(match: StringMatch | undefined): StringMatchIr | undefined {
  if (match?.exact !== undefined) return { type: 'exact', value: match.exact };
  if (match?.prefix !== undefined) return { type: 'prefix', value: match.prefix };
  return match?.regex === undefined ? undefined : { type: 'regex', value: match.regex };
}
