import type * as z from 'zod/mini';
import { objectSchema } from '../kubernetes/metadata.ts';
import { later, list, object, optional, required } from '../schema/field.ts';
import * as v from '../schema/values.ts';

const EDIT = ['MERGE', 'ADD', 'REMOVE'] as const;
const IN_LIST = ['INSERT_FIRST', 'INSERT_BEFORE', 'INSERT_AFTER'] as const;

/**
 * What can be done to each sort of thing, and the match that finds it; other operations would have no effect. Listeners,
 * chains, virtual hosts and clusters have no order, so inserting one is adding it.
 */
const TARGETS = {
  LISTENER: { operations: [...EDIT, ...IN_LIST], match: 'listener' },
  FILTER_CHAIN: { operations: [...EDIT, ...IN_LIST], match: 'listener' },
  LISTENER_FILTER: { operations: [...EDIT, ...IN_LIST, 'REPLACE'], match: 'listener' },
  NETWORK_FILTER: { operations: [...EDIT, ...IN_LIST, 'REPLACE'], match: 'listener' },
  HTTP_FILTER: { operations: [...EDIT, ...IN_LIST, 'REPLACE'], match: 'listener' },
  ROUTE_CONFIGURATION: { operations: ['MERGE'], match: 'routeConfiguration' },
  VIRTUAL_HOST: { operations: [...EDIT, ...IN_LIST, 'REPLACE'], match: 'routeConfiguration' },
  HTTP_ROUTE: { operations: [...EDIT, ...IN_LIST], match: 'routeConfiguration' },
  CLUSTER: { operations: [...EDIT, ...IN_LIST], match: 'cluster' },
  EXTENSION_CONFIG: { operations: ['ADD', ...IN_LIST], match: undefined },
  BOOTSTRAP: { operations: ['MERGE'], match: undefined },
} as const;

const applyTo = Object.keys(TARGETS) as (keyof typeof TARGETS)[];

const WAYPOINT = 'ambient waypoints';
const HTTP_CONNECTION_MANAGER = [
  'envoy.filters.network.http_connection_manager',
  'envoy.http_connection_manager',
] as readonly string[];

const subFilter = object({ name: optional(v.text(), 'Name of the HTTP filter, such as envoy.filters.http.router.') });

const filter = object({
  name: optional(v.text(), 'Name of the network filter.'),
  subFilter: optional(
    subFilter,
    'HTTP filter inside of it: the one to patch, or the place to insert. Only with envoy.filters.network.http_connection_manager.',
  ),
});

const filterChain = object({
  name: optional(v.text(), 'Name of the filter chain.'),
  sni: optional(v.text(), 'Server name that the chain is for.'),
  transportProtocol: optional(v.text(), 'Transport protocol that the chain is for: raw_buffer or tls.'),
  applicationProtocols: optional(v.text(), 'Application protocols (ALPN) that the chain is for, with commas between.'),
  filter: optional(filter, 'Filter of the chain: the one to patch, or the place to insert.'),
  destinationPort: optional(v.uint32(), 'Port of the connection that the chain is for.'),
});

const listenerMatch = object({
  portNumber: optional(v.uint32(), 'Port that the listener serves.'),
  portName: optional(v.text(), 'Name of the port that the listener serves.'),
  filterChain: optional(filterChain, 'Filter chain of the listener.'),
  listenerFilter: optional(v.text(), 'Name of a listener filter.'),
  name: optional(v.text(), 'Name of the listener, such as virtualInbound or 0.0.0.0_8080.'),
});

const routeMatch = object({
  portNumber: optional(v.uint32(), 'Port that the routes are for.'),
  portName: optional(v.text(), "For gateways: name of the server's port."),
  gateway: optional(v.text(), 'For gateways: the Gateway, as NAMESPACE/NAME.'),
  vhost: optional(
    object({
      name: optional(v.text(), 'Name of the virtual host, such as reviews.default.svc.cluster.local:9080.'),
      route: optional(
        object({
          name: optional(v.text(), 'Name of the route.'),
          action: optional(v.oneOf(['ANY', 'ROUTE', 'REDIRECT', 'DIRECT_RESPONSE']), 'What the route does.'),
        }),
        'Route of the virtual host: the one to patch, or the place to insert.',
      ),
      domainName: optional(v.text(), 'One of the domains of the virtual host.'),
    }),
    'Virtual host.',
  ),
  name: optional(v.text(), 'Name of the route configuration, such as 9080 or http.8080.'),
});

const clusterMatch = object({
  portNumber: optional(v.uint32(), 'Port of the service.'),
  service: optional(v.text(), 'Hostname of the service.'),
  subset: optional(v.text(), 'Subset of the service.'),
  name: optional(v.text(), 'Name of the cluster, such as outbound|9080||reviews.default.svc.cluster.local.'),
});

const match = object(
  {
    context: optional(
      v.oneOf(['ANY', 'SIDECAR_INBOUND', 'SIDECAR_OUTBOUND', 'GATEWAY', 'WAYPOINT'], { WAYPOINT }),
      'Proxies and the direction of their traffic; ANY is the default.',
    ),
    proxy: optional(
      object({
        proxyVersion: optional(v.nonEmptyRegex(), 'Version of the proxy, as a regular expression (RE2 syntax).'),
        metadata: optional(v.map(v.text()), 'Node metadata that the proxy must have.'),
      }),
      'Proxies that it is for.',
    ),
    listener: optional(listenerMatch, 'Listeners, filter chains and filters.'),
    routeConfiguration: optional(routeMatch, 'Route configurations, virtual hosts and routes.'),
    cluster: optional(clusterMatch, 'Clusters.'),
    waypoint: later(
      object({
        portNumber: optional(v.uint32(), 'Port of the service.'),
        filter: optional(filter, 'Filter.'),
        route: optional(object({ name: optional(v.text(), 'Name of the route.') }), 'Route.'),
      }),
      WAYPOINT,
    ),
  },
  { atMostOne: [['listener', 'routeConfiguration', 'cluster', 'waypoint']] },
);

const patch = object(
  {
    operation: required(
      v.oneOf([...EDIT, ...IN_LIST, 'REPLACE']),
      'MERGE: into what matches. ADD: a new one, at the end. REMOVE: what matches. INSERT_BEFORE, INSERT_AFTER: beside what matches. INSERT_FIRST: at the front. REPLACE: instead of what matches.',
    ),
    value: optional(v.anything(), "The patch, in the JSON form of Envoy's API; not for REMOVE."),
    filterClass: optional(
      v.oneOf(['UNSPECIFIED', 'AUTHN', 'AUTHZ', 'STATS']),
      'For filters to add: the stage to which they belong (authentication, authorization, statistics).',
    ),
  },
  {
    rules({ operation, value }, report) {
      const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
      if (operation !== 'REMOVE' && !isObject) report('must be a mapping: what to put there', ['value']);
    },
    advice({ operation, value }, report) {
      if (operation === 'REMOVE' && value !== undefined) report('has no effect with the operation REMOVE', ['value']);
    },
  },
);

const configPatch = object(
  {
    applyTo: required(v.oneOf(applyTo), 'What is patched.'),
    match: optional(match, 'Which of them. Without it, all.'),
    patch: required(patch, 'What is done to them.'),
  },
  {
    rules(value, report) {
      const { operations, match: fitting } = TARGETS[value.applyTo];
      const { operation } = value.patch;
      if (!(operations as readonly string[]).includes(operation)) {
        report(`must be ${list(operations, 'or')} for ${value.applyTo}, not ${operation}`, ['patch', 'operation']);
      }
      for (const name of ['listener', 'routeConfiguration', 'cluster'] as const) {
        if (value.match?.[name] === undefined || name === fitting) continue;
        const hint = fitting === undefined ? 'it has no match of its own' : `use ${fitting}`;
        report(`cannot find what applyTo names, ${value.applyTo}: ${hint}`, ['match', name]);
      }
      const inner = value.match?.listener?.filterChain?.filter;
      if (operation === 'REMOVE' || operation === 'REPLACE') {
        const missing = {
          LISTENER_FILTER: value.match?.listener?.listenerFilter ? undefined : 'listener.listenerFilter',
          NETWORK_FILTER: inner === undefined ? 'listener.filterChain.filter' : undefined,
          HTTP_FILTER: inner?.subFilter === undefined ? 'listener.filterChain.filter.subFilter' : undefined,
        }[value.applyTo as string];
        if (missing !== undefined) report(`must say which filter: set ${missing}`, ['match']);
      }
      const path = ['match', 'listener', 'filterChain', 'filter'];
      if (inner !== undefined && !inner.name) report('needs a name', path);
      if (inner?.subFilter === undefined) return;
      if (!inner.subFilter.name) report('needs a name', [...path, 'subFilter']);
      if (inner.name && !HTTP_CONNECTION_MANAGER.includes(inner.name)) {
        report(`must be ${HTTP_CONNECTION_MANAGER[0]} with a subFilter`, [...path, 'name']);
      }
    },
    advice(value, report) {
      const path = ['match', 'listener', 'filterChain', 'filter'];
      const inner = value.match?.listener?.filterChain?.filter;
      if (inner !== undefined && !['NETWORK_FILTER', 'HTTP_FILTER'].includes(value.applyTo)) {
        report(`has no effect with applyTo ${value.applyTo}`, path);
      } else if (inner?.subFilter !== undefined && value.applyTo !== 'HTTP_FILTER') {
        report(`has no effect with applyTo ${value.applyTo}`, [...path, 'subFilter']);
      }
      const { listenerFilter, filterChain: chain } = value.match?.listener ?? {};
      if (listenerFilter !== undefined && value.applyTo !== 'LISTENER_FILTER') {
        report(`has no effect with applyTo ${value.applyTo}`, ['match', 'listener', 'listenerFilter']);
      }
      if (chain !== undefined && ['LISTENER', 'LISTENER_FILTER'].includes(value.applyTo) && inner === undefined) {
        report(`has no effect with applyTo ${value.applyTo}`, ['match', 'listener', 'filterChain']);
      }
      const { operation, filterClass = 'UNSPECIFIED' } = value.patch;
      if (filterClass === 'UNSPECIFIED') return;
      if (operation !== 'ADD') {
        report(`has no effect with the operation ${operation}: it is for ADD`, ['patch', 'filterClass']);
      } else if (!['NETWORK_FILTER', 'HTTP_FILTER'].includes(value.applyTo)) {
        report(`has no effect with applyTo ${value.applyTo}`, ['patch', 'filterClass']);
      }
    },
  },
);

const targetRef = object(
  {
    group: optional(v.text(), 'API group of the target: gateway.networking.k8s.io.'),
    kind: required(
      v.oneOf(['Gateway', 'GatewayClass', 'Service', 'ServiceEntry'], {
        Service: 'waypoints of ambient meshes',
        ServiceEntry: 'waypoints of ambient meshes',
      }),
      'Gateway: the proxies of a Gateway of the Kubernetes Gateway API. GatewayClass: those of all Gateways of the class.',
    ),
    name: required(v.nonEmpty(), 'Name of the target.'),
    namespace: later(v.text(), 'targets of other namespaces, which Istio does not allow either', ['']),
  },
  {
    rules({ group, kind }, report) {
      if ((kind === 'Gateway' || kind === 'GatewayClass') && group !== GATEWAY_API) {
        report(`must be ${GATEWAY_API} for a ${kind}`, ['group']);
      }
    },
  },
);

const GATEWAY_API = 'gateway.networking.k8s.io';

const envoyFilterSpec = object(
  {
    workloadSelector: optional(
      object({ labels: optional(v.labels(), 'A workload is selected when its pod has all of these labels.') }),
      'Workloads whose proxies are patched. Without it: all of the namespace; in the root namespace (istio-system): all of the mesh.',
    ),
    targetRefs: optional(
      v.arrayUpTo(16, targetRef),
      'Gateways whose proxies are patched, in place of workloadSelector. A GatewayClass only from the root namespace.',
    ),
    configPatches: optional(v.array(configPatch), 'Patches, applied one after another.'),
    priority: optional(
      v.int(-2_147_483_648),
      'Place in the order of EnvoyFilters: smaller numbers come first, then older ones. 0 by default.',
    ),
  },
  {
    rules({ workloadSelector, targetRefs = [] }, report) {
      if (workloadSelector !== undefined && targetRefs.length > 0) {
        report('must not be set together with workloadSelector', ['targetRefs']);
      }
    },
  },
);

export const envoyFilter = objectSchema('networking.istio.io/v1alpha3', 'EnvoyFilter', envoyFilterSpec);

export type EnvoyFilter = z.infer<typeof envoyFilter>;
