import type { DescMessage } from '@bufbuild/protobuf';
import type { PathPart } from '@lateen/api/field-path.ts';
import type { EnvoyFilter } from '@lateen/api/kinds.ts';
import { messageOf } from '@lateen/api/lateen-error.ts';
import { didYouMean } from '@lateen/api/suggest.ts';
import { BootstrapSchema } from '@lateen/envoy-api/envoy/config/bootstrap/v3/bootstrap_pb.js';
import { ClusterSchema } from '@lateen/envoy-api/envoy/config/cluster/v3/cluster_pb.js';
import { TypedExtensionConfigSchema } from '@lateen/envoy-api/envoy/config/core/v3/extension_pb.js';
import {
  FilterChainSchema,
  FilterSchema,
  ListenerFilterSchema,
} from '@lateen/envoy-api/envoy/config/listener/v3/listener_components_pb.js';
import { ListenerSchema } from '@lateen/envoy-api/envoy/config/listener/v3/listener_pb.js';
import { RouteSchema, VirtualHostSchema } from '@lateen/envoy-api/envoy/config/route/v3/route_components_pb.js';
import { RouteConfigurationSchema } from '@lateen/envoy-api/envoy/config/route/v3/route_pb.js';
import { HttpFilterSchema } from '@lateen/envoy-api/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js';
import { parseMessage } from '@lateen/envoy-api/parse';
import { registry } from '@lateen/envoy-api/registry';
import type { SourceRef } from '../../proxy/ir/source.ts';
import type {
  ClusterMatch,
  FilterChainMatch,
  ListenerMatch,
  Patch,
  PatchTarget,
  RoutesMatch,
  VirtualHostMatch,
} from './patch.ts';

type ConfigPatch = NonNullable<EnvoyFilter['spec']['configPatches']>[number];
type Match = NonNullable<ConfigPatch['match']>;

/** What the values of patches are in Envoy's API. */
const SCHEMAS: Readonly<Record<PatchTarget, DescMessage>> = {
  LISTENER: ListenerSchema,
  LISTENER_FILTER: ListenerFilterSchema,
  FILTER_CHAIN: FilterChainSchema,
  NETWORK_FILTER: FilterSchema,
  HTTP_FILTER: HttpFilterSchema,
  ROUTE_CONFIGURATION: RouteConfigurationSchema,
  VIRTUAL_HOST: VirtualHostSchema,
  HTTP_ROUTE: RouteSchema,
  CLUSTER: ClusterSchema,
  EXTENSION_CONFIG: TypedExtensionConfigSchema,
  BOOTSTRAP: BootstrapSchema,
};

/** Something wrong with a patch that only Envoy's API tells. The path starts at the object. */
export interface PatchProblem {
  readonly path: readonly PathPart[];
  readonly message: string;
}

/** The patches of an EnvoyFilter, in their order; complete only if there are no problems. */
export function buildPatches({ metadata, spec }: EnvoyFilter): {
  readonly patches: readonly Patch[];
  readonly problems: readonly PatchProblem[];
} {
  const { name, namespace } = metadata;
  const problems: PatchProblem[] = [];
  const patches = (spec.configPatches ?? []).map((written, index) => {
    const path = ['spec', 'configPatches', index];
    const source = { kind: 'EnvoyFilter', namespace, name, path: `spec.configPatches[${index}]` };
    return buildPatch(written, source, (message, below) => problems.push({ path: [...path, ...below], message }));
  });
  return { patches, problems };
}

function buildPatch(
  { applyTo, match, patch }: ConfigPatch,
  source: SourceRef,
  report: (message: string, path: readonly PathPart[]) => void,
): Patch {
  const { value, filterClass = 'UNSPECIFIED' } = patch;
  const operation = patch.operation.startsWith('INSERT_') && !IN_ORDER.has(applyTo) ? 'ADD' : patch.operation;
  const context = match?.context ?? 'ANY';
  const { proxyVersion, metadata = {} } = match?.proxy ?? {};
  const common = {
    source,
    target: applyTo,
    operation,
    context: context === 'WAYPOINT' ? ('ANY' as const) : context,
    proxy: { ...readVersion(proxyVersion, report), metadata },
    ...(match?.listener === undefined ? {} : { listener: buildListenerMatch(match.listener) }),
    ...(match?.routeConfiguration === undefined ? {} : { routes: buildRoutesMatch(match.routeConfiguration) }),
    ...(match?.cluster === undefined ? {} : { cluster: buildClusterMatch(match.cluster) }),
    filterClass,
  };
  if (operation === 'REMOVE') return common;
  const schema = SCHEMAS[applyTo];
  const { written, problems } = parseMessage(schema, value, { registry: registry(), hint: didYouMean });
  for (const { message, path } of problems) report(message, ['patch', 'value', ...path]);
  const isNew = operation !== 'MERGE';
  if (isNew && NAMED.has(applyTo) && problems.length === 0 && !written.fields.has('name')) {
    report('is required: Envoy knows it by its name', ['patch', 'value', 'name']);
  }
  return { ...common, value: written };
}

function readVersion(
  pattern: string | undefined,
  report: (message: string, path: readonly PathPart[]) => void,
): { readonly version?: RegExp } {
  if (pattern === undefined) return {};
  try {
    return { version: new RegExp(pattern) };
  } catch (error) {
    report(`cannot be matched: ${messageOf(error)}`, ['match', 'proxy', 'proxyVersion']);
    return {};
  }
}

/** Where something can stand in front of or behind another; elsewhere, inserting is adding. */
const IN_ORDER: ReadonlySet<PatchTarget> = new Set(['LISTENER_FILTER', 'NETWORK_FILTER', 'HTTP_FILTER', 'HTTP_ROUTE']);

/** Envoy refuses them without a name, or takes a second one without for the first. */
const NAMED: ReadonlySet<PatchTarget> = new Set(['LISTENER', 'CLUSTER', 'VIRTUAL_HOST', 'EXTENSION_CONFIG']);

/** Empty texts and zero are those of fields that are not set. */
function given<K extends string, T>(key: K, value: T | undefined): { readonly [key in K]?: T } {
  return value === undefined || value === '' || value === 0 ? {} : ({ [key]: value } as { readonly [key in K]?: T });
}

function buildListenerMatch(match: NonNullable<Match['listener']>): ListenerMatch {
  const { filterChain } = match;
  return {
    ...given('name', match.name),
    ...given('port', match.portNumber),
    ...given('portName', match.portName?.toLowerCase()),
    ...given('listenerFilter', match.listenerFilter),
    ...(filterChain === undefined ? {} : { chain: buildChainMatch(filterChain) }),
  };
}

function buildChainMatch(match: NonNullable<NonNullable<Match['listener']>['filterChain']>): FilterChainMatch {
  const { applicationProtocols = '' } = match;
  return {
    ...given('name', match.name),
    ...given('sni', match.sni),
    ...given('transportProtocol', match.transportProtocol),
    applicationProtocols: applicationProtocols === '' ? [] : applicationProtocols.split(',').map((each) => each.trim()),
    ...given('destinationPort', match.destinationPort),
    ...given('filter', match.filter?.name),
    ...given('httpFilter', match.filter?.subFilter?.name),
  };
}

function buildRoutesMatch(match: NonNullable<Match['routeConfiguration']>): RoutesMatch {
  const { vhost } = match;
  return {
    ...given('name', match.name),
    ...given('port', match.portNumber),
    ...given('portName', match.portName?.toLowerCase()),
    ...given('gateway', match.gateway),
    ...(vhost === undefined ? {} : { host: buildHostMatch(vhost) }),
  };
}

function buildHostMatch(match: NonNullable<NonNullable<Match['routeConfiguration']>['vhost']>): VirtualHostMatch {
  const { route } = match;
  const action = route?.action === 'ANY' ? undefined : route?.action;
  return {
    ...given('name', match.name),
    ...given('domain', match.domainName),
    ...(route === undefined ? {} : { route: { ...given('name', route.name), ...given('action', action) } }),
  };
}

function buildClusterMatch(match: NonNullable<Match['cluster']>): ClusterMatch {
  return {
    ...given('name', match.name),
    ...given('service', match.service),
    ...given('subset', match.subset),
    ...given('port', match.portNumber),
  };
}
