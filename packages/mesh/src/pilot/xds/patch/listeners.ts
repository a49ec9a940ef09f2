import { fromBinary } from '@bufbuild/protobuf';
import { packAny } from '@lateen/envoy-api/encode';
import type { TransportSocket } from '@lateen/envoy-api/envoy/config/core/v3/base_pb.js';
import type { Filter, FilterChain } from '@lateen/envoy-api/envoy/config/listener/v3/listener_components_pb.js';
import type { Listener } from '@lateen/envoy-api/envoy/config/listener/v3/listener_pb.js';
import {
  type HttpConnectionManager,
  HttpConnectionManagerSchema,
} from '@lateen/envoy-api/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js';
import { isOfType, mergeMessage } from '@lateen/envoy-api/merge';
import type { WrittenMessage } from '@lateen/envoy-api/parse';
import { addSources } from '../translate/metadata.ts';
import { isNamed } from './filter-names.ts';
import { patchFilters, typedConfig } from './filters.ts';
import { type ListenerFacts, matchesChain, matchesListener, type TableFacts } from './match.ts';
import { type Applied, type Patch, type Patches, patchesFor } from './patch.ts';
import { patchRouteConfiguration } from './routes.ts';

const ROUTE_TARGETS = ['ROUTE_CONFIGURATION', 'VIRTUAL_HOST', 'HTTP_ROUTE'] as const;

/** `undefined` if a patch removes it; the same message if none is for it. Routes that stand in it are patched as well. */
export function patchListener(
  listener: Listener,
  facts: ListenerFacts,
  inlineRoutes: (table: string) => TableFacts,
  patches: Patches,
  applied: Applied,
): Listener | undefined {
  const done: Applied = new Set();
  const mine = (target: Patch['target']) =>
    patchesFor(patches, target, facts.context).filter((patch) => matchesListener(facts, patch.listener));
  let current = listener;
  if (ROUTE_TARGETS.some((target) => patchesFor(patches, target, facts.context).length > 0)) {
    current = mapChains(current, (chain) =>
      mapConnectionManagers(chain, (manager) => patchInlineRoutes(manager, inlineRoutes, patches, done)),
    );
  }
  for (const patch of mine('LISTENER')) {
    if (patch.operation === 'ADD') continue;
    applied.add(patch);
    if (patch.operation === 'REMOVE') return undefined;
    if (patch.value === undefined) continue;
    current = mergeMessage(current, patch.value);
    done.add(patch);
  }
  const nameOf = (patch: Patch) => patch.listener?.listenerFilter;
  const filters = patchFilters(current.listenerFilters, mine('LISTENER_FILTER'), nameOf, done);
  if (filters !== current.listenerFilters) current = { ...current, listenerFilters: [...filters] };
  const forChains = mine('FILTER_CHAIN');
  const forFilters = mine('NETWORK_FILTER');
  const forHttp = mine('HTTP_FILTER');
  current = mapChains(current, (chain) => patchChain(chain, facts, forChains, forFilters, forHttp, done));
  const more = forChains.flatMap((patch) => {
    if (patch.operation !== 'ADD' || patch.value === undefined) return [];
    done.add(patch);
    return [patch.value.message as FilterChain];
  });
  if (more.length > 0) current = { ...current, filterChains: [...current.filterChains, ...more] };
  for (const patch of done) applied.add(patch);
  if (current === listener) return listener;
  return addSources(
    current,
    [...done].map(({ source }) => source),
  );
}

/** The listener with its chains changed, removed (`undefined`) or, if all are the same, as it is. */
function mapChains(listener: Listener, change: (chain: FilterChain) => FilterChain | undefined): Listener {
  const { filterChains, defaultFilterChain } = listener;
  const changed = filterChains.map(change);
  const rest = defaultFilterChain === undefined ? undefined : change(defaultFilterChain);
  if (rest === defaultFilterChain && changed.every((chain, index) => chain === filterChains[index])) return listener;
  const { defaultFilterChain: _, ...others } = listener;
  return {
    ...others,
    filterChains: changed.filter((chain) => chain !== undefined),
    ...(rest === undefined ? {} : { defaultFilterChain: rest }),
  };
}

function patchChain(
  chain: FilterChain,
  facts: ListenerFacts,
  forChains: readonly Patch[],
  forFilters: readonly Patch[],
  forHttp: readonly Patch[],
  done: Applied,
): FilterChain | undefined {
  const isMine = ({ listener }: Patch) => matchesChain(current, facts, listener);
  let current = chain;
  for (const patch of forChains) {
    if (patch.operation === 'ADD' || !isMine(patch)) continue;
    if (patch.operation === 'REMOVE') {
      done.add(patch);
      return undefined;
    }
    if (patch.value === undefined) continue;
    const next = mergeChain(current, patch.value);
    if (next === current) continue;
    current = next;
    done.add(patch);
  }
  const nameOf = (patch: Patch) => patch.listener?.chain?.filter;
  const filters = patchFilters(current.filters, forFilters.filter(isMine), nameOf, done);
  if (filters !== current.filters) current = { ...current, filters: [...filters] };
  const http = forHttp.filter(isMine);
  if (http.length === 0) return current;
  return mapConnectionManagers(current, (manager, { name }) => {
    const mine = http.filter(({ listener }) => isNamed(name, listener?.chain?.filter ?? name));
    const httpFilters = patchFilters(manager.httpFilters, mine, (patch) => patch.listener?.chain?.httpFilter, done);
    return httpFilters === manager.httpFilters ? manager : { ...manager, httpFilters: [...httpFilters] };
  });
}

/** A transport socket is merged into one of the same name; a chain that has none stays without: it serves plaintext. */
function mergeChain(chain: FilterChain, value: WrittenMessage): FilterChain {
  const socket = value.fields.get('transport_socket');
  const given = socket?.message as TransportSocket | undefined;
  if (given === undefined || given.name === chain.transportSocket?.name) return mergeMessage(chain, value);
  const fields = new Map([...value.fields].filter(([name]) => name !== 'transport_socket'));
  return fields.size === 0 ? chain : mergeMessage(chain, { ...value, fields });
}

/** The chain with its HTTP connection managers changed; only those that are changed are encoded again. */
function mapConnectionManagers(
  chain: FilterChain,
  change: (manager: HttpConnectionManager, filter: Filter) => HttpConnectionManager,
): FilterChain {
  let isChanged = false;
  const filters = chain.filters.map((filter) => {
    const config = typedConfig(filter);
    if (config === undefined || !isOfType(config, HttpConnectionManagerSchema)) return filter;
    const manager = fromBinary(HttpConnectionManagerSchema, config.value);
    const after = change(manager, filter);
    if (after === manager) return filter;
    isChanged = true;
    return {
      ...filter,
      configType: { case: 'typedConfig' as const, value: packAny(HttpConnectionManagerSchema, after) },
    };
  });
  return isChanged ? { ...chain, filters } : chain;
}

function patchInlineRoutes(
  manager: HttpConnectionManager,
  inlineRoutes: (table: string) => TableFacts,
  patches: Patches,
  done: Applied,
): HttpConnectionManager {
  const { routeSpecifier } = manager;
  if (routeSpecifier.case !== 'routeConfig') return manager;
  const value = patchRouteConfiguration(routeSpecifier.value, inlineRoutes(routeSpecifier.value.name), patches, done);
  return value === routeSpecifier.value ? manager : { ...manager, routeSpecifier: { case: 'routeConfig', value } };
}
