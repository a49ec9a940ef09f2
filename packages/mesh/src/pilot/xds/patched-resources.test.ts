import { keyOf } from '@lateen/api/object-key.ts';
import { instanceKey, nodeIdOf, type WorkloadInstance } from '@lateen/api/workload-instance.ts';
import { describe, expect, test } from 'vitest';
import { parseDocuments } from '../config/parse.ts';
import type { Pilot } from '../pilot.ts';
import { pilotOf, serviceText, sidecarOf } from '../testing/pilot-of.ts';
import type { Holdings } from './holdings.ts';
import { unmatchedPatches } from './patch-matches.ts';
import { printResource } from './print-resource.ts';
import type { ResourceType } from './resource.ts';

const A = 'a.default.svc.cluster.local';
const capture = (port: number) => ({
  mode: 'explicit' as const,
  httpProxyPort: port,
  servicePorts: { [`${A}:80`]: port + 1 },
});
const a0 = sidecarOf('a-0', { capture: capture(20_010) });
const a1 = sidecarOf('a-1', { capture: capture(20_020) });
const b0 = sidecarOf('b-0', { labels: { app: 'b' }, capture: capture(20_030) });
const SERVICES = ['a', 'b'].map((name) => serviceText(name, '[{port: 80, name: http, targetPort: web}]')).join('');

function filterText(name: string, patches: string, more = ''): string {
  return `---\n{apiVersion: networking.istio.io/v1alpha3, kind: EnvoyFilter, metadata: {name: ${name}}, spec: {${more} configPatches: [${patches}]}}\n`;
}

const FOR_A = 'workloadSelector: {labels: {app: a}},';
const clusterPatch = (timeout: string, service = A) =>
  `{applyTo: CLUSTER, match: {context: SIDECAR_OUTBOUND, cluster: {service: ${service}}}, patch: {operation: MERGE, value: {connect_timeout: ${timeout}}}}`;
const hostPatch = (host: string, header: string) =>
  `{applyTo: VIRTUAL_HOST, match: {routeConfiguration: {vhost: {name: "${host}"}}}, patch: {operation: MERGE, value: {request_headers_to_remove: [${header}]}}}`;
const httpPatch = (name: string) =>
  `{applyTo: HTTP_FILTER, match: {context: SIDECAR_INBOUND}, patch: {operation: INSERT_FIRST, value: {name: ${name}, typed_config: {"@type": x/envoy.extensions.filters.http.lua.v3.Lua}}}}`;

function put(pilot: Pilot, text: string): void {
  const { objects, diagnostics } = parseDocuments(text, 'test.yaml', { defaultNamespace: 'default' });
  expect(diagnostics).toEqual([]);
  for (const { object } of objects) pilot.objects.set(keyOf(object), object);
}

const keyFor = (pilot: Pilot, of: WorkloadInstance, type: ResourceType, name: string) =>
  pilot.resources.holdings.get(nodeIdOf(of))?.[type].get(name);

function held(pilot: Pilot, of: WorkloadInstance, type: ResourceType, name: string): unknown {
  const resource = pilot.resources.resources.get(keyFor(pilot, of, type, name) ?? '');
  return resource === undefined ? undefined : printResource(resource);
}

/** Everything that a proxy holds, by its own name, with the bytes. */
function everything(pilot: Pilot, of: WorkloadInstance) {
  const holdings = pilot.resources.holdings.get(nodeIdOf(of));
  return Object.entries(holdings ?? ({} as Holdings)).flatMap(([type, refs]) =>
    [...refs].map(([name, key]) => [type, name, key, pilot.resources.resources.get(key)?.bytes] as const),
  );
}

/** Keys of the resources that a change told to be new. */
function told(pilot: Pilot, change: () => void): string[] {
  const keys: string[] = [];
  let isOn = true;
  pilot.resources.resources.onChange((changed) => {
    if (isOn) keys.push(...changed);
  });
  change();
  isOn = false;
  return keys.sort();
}

describe('proxies to which no EnvoyFilter applies', () => {
  test('hold what they would hold without any, under the same keys', () => {
    const plain = pilotOf(SERVICES, a0, a1, b0);
    const patches = [clusterPatch('1s'), hostPatch(`${A}:80`, 'x'), httpPatch('lua')].join(', ');
    const patched = pilotOf(SERVICES + filterText('f', patches, FOR_A), a0, a1, b0);
    expect(everything(patched, b0)).toEqual(everything(plain, b0));
    expect(everything(patched, a0)).not.toEqual(everything(plain, a0));
    expect(patched.resources.envoyFilters.selections.get(nodeIdOf(b0))).toBeUndefined();
  });
});

describe('proxies with equal patches', () => {
  const pilot = pilotOf(SERVICES + filterText('f', clusterPatch('1s'), FOR_A), a0, a1, b0);

  test('share what is patched', () => {
    const key = keyFor(pilot, a0, 'cluster', `outbound|80||${A}`);
    expect(key).toBeDefined();
    expect(keyFor(pilot, a1, 'cluster', `outbound|80||${A}`)).toBe(key);
    expect(keyFor(pilot, b0, 'cluster', `outbound|80||${A}`)).not.toBe(key);
    expect(held(pilot, a1, 'cluster', `outbound|80||${A}`)).toHaveProperty('connect_timeout', '1s');
    expect(held(pilot, b0, 'cluster', `outbound|80||${A}`)).toHaveProperty('connect_timeout', '10s');
  });

  test('share with all others what is not', () => {
    const name = 'outbound|80||b.default.svc.cluster.local';
    expect(keyFor(pilot, a0, 'cluster', name)).toBe(keyFor(pilot, b0, 'cluster', name));
    expect(keyFor(pilot, a0, 'route', 'http_proxy')).toBe(keyFor(pilot, b0, 'route', 'http_proxy'));
  });
});

describe('a change of an EnvoyFilter', () => {
  test('touches only what it patches', () => {
    const other = filterText('other', httpPatch('lua'));
    const pilot = pilotOf(SERVICES + other + filterText('f', clusterPatch('1s'), FOR_A), a0, a1, b0);
    const key = keyFor(pilot, a0, 'cluster', `outbound|80||${A}`);
    expect(told(pilot, () => put(pilot, filterText('f', clusterPatch('2s'), FOR_A)))).toEqual([key]);
    expect(held(pilot, a0, 'cluster', `outbound|80||${A}`)).toHaveProperty('connect_timeout', '2s');
  });

  test('that comes or goes leaves what others patched', () => {
    const pilot = pilotOf(SERVICES + filterText('f', clusterPatch('1s'), FOR_A), a0, a1, b0);
    const b = 'outbound|80||b.default.svc.cluster.local';
    const inbound = [a0, a1, b0].map((each) => `${nodeIdOf(each)}/listener/inbound|8080`);
    expect(told(pilot, () => put(pilot, filterText('g', httpPatch('lua'))))).toEqual(inbound);
    const other = filterText('h', clusterPatch('3s', 'b.default.svc.cluster.local'));
    expect(told(pilot, () => put(pilot, other))).toEqual([keyFor(pilot, b0, 'cluster', b)]);
    expect(keyFor(pilot, a0, 'cluster', b), 'equal, though under other patches').toBe(keyFor(pilot, b0, 'cluster', b));
    expect(told(pilot, () => pilot.objects.delete('EnvoyFilter/default/g'))).toEqual(inbound);
  });

  test('that says the same touches nothing', () => {
    const text = filterText('f', [clusterPatch('1s'), httpPatch('lua')].join(', '));
    const pilot = pilotOf(SERVICES + text, a0);
    expect(told(pilot, () => put(pilot, text))).toEqual([]);
  });

  test('that is removed leaves everything as it was', () => {
    const patches = [clusterPatch('1s'), hostPatch(`${A}:80`, 'x'), httpPatch('lua')].join(', ');
    const pilot = pilotOf(SERVICES, a0, b0);
    const before = everything(pilot, a0);
    put(pilot, filterText('f', patches));
    expect(everything(pilot, a0)).not.toEqual(before);
    pilot.objects.delete('EnvoyFilter/default/f');
    expect(everything(pilot, a0)).toEqual(before);
  });
});

test('which proxy holds what is not looked at again when only the contents of a patched resource change', () => {
  const pilot = pilotOf(SERVICES + filterText('f', [clusterPatch('1s'), httpPatch('lua')].join(', ')), a0, b0);
  const before = pilot.resources.holdings.get(nodeIdOf(a0));
  let changes = 0;
  pilot.resources.patched.names.shared.onChange(() => changes++);
  pilot.resources.patched.names.own.onChange(() => changes++);
  put(pilot, filterText('f', [clusterPatch('2s'), httpPatch('lua')].join(', ')));
  expect(changes).toBe(0);
  expect(pilot.resources.holdings.get(nodeIdOf(a0))).toBe(before);
});

test('a change of a service has its cluster patched anew, and no other', () => {
  const patches = [clusterPatch('1s'), clusterPatch('1s', 'b.default.svc.cluster.local')];
  const pilot = pilotOf(SERVICES + filterText('f', patches.join(', ')), a0, b0);
  const patched = (name: string) => keyFor(pilot, a0, 'cluster', name);
  const keys = told(pilot, () => pilot.instances.set(instanceKey(b0), { ...b0, serviceAccount: 'another' }));
  expect(keys).toContain(patched('outbound|80||b.default.svc.cluster.local'));
  expect(keys).not.toContain(patched(`outbound|80||${A}`));
});

test('a host of the table of all hosts is patched, and those beside it are not', () => {
  const pilot = pilotOf(SERVICES + filterText('f', hostPatch(`${A}:80`, 'x')), a0);
  const { virtual_hosts } = held(pilot, a0, 'route', 'http_proxy') as { virtual_hosts: Record<string, unknown>[] };
  expect(virtual_hosts.map(({ name, request_headers_to_remove: removed }) => [name, removed])).toEqual([
    [`${A}:80`, ['x']],
    ['b.default.svc.cluster.local:80', undefined],
    ['allow_any', undefined],
  ]);
});

test('a cluster that only leads back into the proxy is patched by its name alone', () => {
  const all = '{applyTo: CLUSTER, patch: {operation: MERGE, value: {alt_stat_name: all}}}';
  const one = `{applyTo: CLUSTER, match: {cluster: {name: "loopback|80||${A}"}}, patch: {operation: MERGE, value: {alt_stat_name: one}}}`;
  const name = (text: string) => held(pilotOf(SERVICES + text, a0), a0, 'cluster', `loopback|80||${A}`);
  expect(name(filterText('f', all))).not.toHaveProperty('alt_stat_name');
  expect(name(filterText('f', one))).toHaveProperty('alt_stat_name', 'one');
  expect(held(pilotOf(filterText('f', all), a0), a0, 'cluster', 'PassthroughCluster')).toHaveProperty(
    'alt_stat_name',
    'all',
  );
});

test('what is added stands beside what the mesh has, and never in its place', () => {
  const add = (target: string, name: string) => `{applyTo: ${target}, patch: {operation: ADD, value: {name: ${name}}}}`;
  const patches = [
    add('CLUSTER', 'c'),
    add('CLUSTER', 'PassthroughCluster'),
    add('LISTENER', 'l'),
    add('EXTENSION_CONFIG', 'e'),
  ];
  const pilot = pilotOf(SERVICES + filterText('f', patches.join(', '), FOR_A), a0, a1, b0);
  for (const [type, name] of [
    ['cluster', 'c'],
    ['listener', 'l'],
    ['extension', 'e'],
  ] as const) {
    expect(keyFor(pilot, a0, type, name)).toBe(keyFor(pilot, a1, type, name));
    expect(held(pilot, a0, type, name)).toHaveProperty('name', name);
    expect(keyFor(pilot, b0, type, name)).toBeUndefined();
  }
  expect(keyFor(pilot, a0, 'cluster', 'PassthroughCluster')).toBe(`${nodeIdOf(a0)}/cluster/PassthroughCluster`);
  expect(unmatchedPatches(pilot).map(({ diagnostic: { path, message } }) => [path, message])).toEqual([
    ['spec.configPatches[1]', 'adds nothing: there is one of that name already'],
  ]);
});

test('what gets another name is held under that', () => {
  const rename = `{applyTo: CLUSTER, match: {cluster: {service: ${A}}}, patch: {operation: MERGE, value: {name: new}}}`;
  const pilot = pilotOf(SERVICES + filterText('f', rename), a0);
  expect(keyFor(pilot, a0, 'cluster', `outbound|80||${A}`)).toBeUndefined();
  expect(held(pilot, a0, 'cluster', 'new')).toHaveProperty('name', 'new');
});

test('a patch that matches nothing is told when all proxies that it could be for are there', () => {
  const text = SERVICES + filterText('f', clusterPatch('1s', 'nowhere'));
  const pilot = pilotOf(text, a0, b0);
  const told = unmatchedPatches(pilot);
  expect(told.map((each) => each.diagnostic)).toEqual([
    {
      code: 'LAT0531',
      severity: 'warning',
      message: 'matches nothing: no cluster of the proxies that are selected fits',
      object: { kind: 'EnvoyFilter', namespace: 'default', name: 'f' },
      path: 'spec.configPatches[0]',
    },
  ]);
  pilot.proxies.delete(nodeIdOf(b0));
  expect(unmatchedPatches(pilot)).toEqual([]);
  expect(unmatchedPatches(pilot, told), 'what was told holds on').toEqual(told);
  put(pilot, filterText('f', clusterPatch('2s', 'nowhere')));
  expect(unmatchedPatches(pilot, told), 'but not for another patch').toEqual([]);
  expect(unmatchedPatches(pilotOf(SERVICES + filterText('f', clusterPatch('1s')), a0))).toEqual([]);
});

test('a proxy is found by what it says of itself', () => {
  const patch = (proxy: string, timeout: string) =>
    clusterPatch(timeout).replace('cluster:', `proxy: {${proxy}}, cluster:`);
  const patches = [patch('proxyVersion: "^1[.]3"', '1s'), patch('metadata: {ZONE: here}', '2s')].join(', ');
  const pilot = pilotOf(SERVICES + filterText('f', patches), a0);
  const timeout = () =>
    (held(pilot, a0, 'cluster', `outbound|80||${A}`) as { connect_timeout: string }).connect_timeout;
  const say = (metadata: Record<string, unknown>) =>
    pilot.proxies.set(nodeIdOf(a0), { nodeId: nodeIdOf(a0), instance: instanceKey(a0), metadata });
  expect(timeout()).toBe('10s');
  say({ ISTIO_VERSION: '1.30.0' });
  expect(timeout()).toBe('1s');
  say({ ISTIO_VERSION: '1.30.0', ZONE: 'here' });
  expect(timeout()).toBe('2s');
  say({ ZONE: ['here'] });
  expect(timeout()).toBe('10s');
});

describe('proxies whose calls are redirected to them', () => {
  const redirected = (name: string) =>
    sidecarOf(name, {
      address: `10.1.0.${name.slice(-1)}`,
      ports: [8080, 9090].map((port) => ({ containerPort: port, inboundPort: port, appPort: port })),
      capture: { mode: 'redirect', interception: 'redirect' },
    });
  const [one, two] = [redirected('r-1'), redirected('r-2')];
  const lua = (name: string, context: string, port: number) =>
    `{applyTo: HTTP_FILTER, match: {context: ${context}, listener: {portNumber: ${port}}}, patch: {operation: INSERT_FIRST, value: {name: ${name}, typed_config: {"@type": x/envoy.extensions.filters.http.lua.v3.Lua}}}}`;
  const filters = [lua('out', 'SIDECAR_OUTBOUND', 80), lua('in', 'SIDECAR_INBOUND', 8080)].join(', ');
  const pilot = pilotOf(
    serviceText('a', '[{port: 80, name: http, targetPort: 8080}, {port: 81, name: http-more, targetPort: 9090}]') +
      filterText('f', filters),
    one,
    two,
  );
  const text = (name: string) => JSON.stringify(held(pilot, one, 'listener', name));

  test('have patches in the listener for the port, which they share', () => {
    expect(text('0.0.0.0_80')).toContain('"name":"out"');
    expect(text('0.0.0.0_81')).not.toContain('"name":"out"');
    expect(keyFor(pilot, one, 'listener', '0.0.0.0_80')).toBe(keyFor(pilot, two, 'listener', '0.0.0.0_80'));
  });

  test('have patches in the chains for the port, of the one listener for all ports', () => {
    const { filter_chains } = held(pilot, one, 'listener', 'virtualInbound') as {
      filter_chains: { filter_chain_match?: { destination_port?: number } }[];
    };
    const ports = filter_chains
      .filter((chain) => JSON.stringify(chain).includes('"name":"in"'))
      .map(({ filter_chain_match }) => filter_chain_match?.destination_port);
    expect(new Set(ports)).toEqual(new Set([8080]));
  });
});
