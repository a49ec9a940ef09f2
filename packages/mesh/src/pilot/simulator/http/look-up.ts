import { fromBinary } from '@bufbuild/protobuf';
import type { Unknown } from '@lateen/api/verdict.ts';
import type { FilterStateValue } from '@lateen/envoy-api/envoy/extensions/filters/common/set_filter_state/v3/value_pb.js';
import { ConfigSchema } from '@lateen/envoy-api/envoy/extensions/filters/http/set_filter_state/v3/set_filter_state_pb.js';
import type { PreparedManager } from './connection-manager.ts';
import { type FilterOverrides, filterState } from './http-filters.ts';
import { portStart } from './normalize.ts';
import type { RoutedRequest } from './request.ts';

const DYNAMIC_HOST = 'envoy.upstream.dynamic_host';
const DYNAMIC_PORT = 'envoy.upstream.dynamic_port';

/** The one expression that is understood. */
const HOST_WITHOUT_PORT = '%CEL(re.extract(request.host, "([^:]+)", "\\\\1"))%';

/** Which host a dynamic forward proxy looks up in place of the one that the request names, and its port. */
export interface LookUp {
  readonly host?: string;
  readonly port?: number;
}

/** What filters set for it. `levels` is the configuration that holds for the target, the most specific first. */
export function lookUpFor(
  { filters }: PreparedManager,
  levels: readonly FilterOverrides[],
  request: RoutedRequest,
  unknowns: Unknown[],
): LookUp {
  let found: LookUp = {};
  for (const filter of filters) {
    if (filter.kind !== 'filter-state') continue;
    const { enabled, override = filter.config } = filterState(filter, levels);
    if (!enabled || override === undefined) continue;
    for (const value of fromBinary(ConfigSchema, override.value).onRequestHeaders) {
      const set = setBy(value, request);
      if (set === undefined) unknowns.push({ what: 'filter state', where: `HTTP filter ${filter.name}` });
      else found = { ...found, ...set };
    }
  }
  return found;
}

function setBy({ key, value }: FilterStateValue, { authority }: RoutedRequest): LookUp | undefined {
  const text = textOf(value);
  if (text === undefined || key.case !== 'objectKey') return undefined;
  if (key.value === DYNAMIC_PORT && /^\d+$/.test(text)) return { port: Number(text) };
  if (key.value !== DYNAMIC_HOST) return undefined;
  if (text !== HOST_WITHOUT_PORT) return text.includes('%') ? undefined : { host: text };
  const at = portStart(authority);
  return { host: at === -1 ? authority : authority.slice(0, at) };
}

function textOf(value: FilterStateValue['value']): string | undefined {
  const format = value.case === 'formatString' ? value.value.format : undefined;
  const source = format?.case === 'textFormatSource' ? format.value.specifier : undefined;
  return source?.case === 'inlineString' ? source.value : undefined;
}
