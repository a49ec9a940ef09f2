import { join, relative } from 'node:path';
import type { ConfigMap, Deployment } from '@lateen/api/kinds.ts';
import { expect, onTestFinished, test, vi } from 'vitest';
import type { GatewayRef } from '#pilot/registry/processes/link.ts';
import { BootstrapPatches } from './bootstrap-patches.ts';
import type { MeshContext } from './context.ts';
import { Deployments } from './deployments.ts';
import { Instances } from './instances.ts';
import { LogRotation } from './logs.ts';
import type { PodTemplate } from './pod.ts';
import { Ports } from './ports.ts';
import { ProcessTable } from './process-table.ts';
import { temporaryDirectory } from './testing/temporary-directory.ts';
import { waitUntil } from './testing/wait-until.ts';

type Containers = PodTemplate['spec']['containers'];

/** Deployments of a machine without a free port: replicas come and go, but never get as far as a process. */
function make() {
  const stateDir = temporaryDirectory();
  const phases = new Map<string, string>();
  const seen: string[] = [];
  const logs = new LogRotation();
  const watched = vi.spyOn(logs, 'watch');
  let configMaps: readonly ConfigMap[] = [];
  const context: MeshContext = {
    mesh: 'test',
    stateDir,
    runDir: join(stateDir, 'run'),
    xdsSocket: '',
    csrSocket: '',
    trustDomain: 'cluster.local',
    envoyPath: '/no/such/envoy',
    ports: new Ports({ isFree: async () => false, first: 20_000, last: 20_000 }),
    table: new ProcessTable(join(stateDir, 'run'), () => {}),
    logs,
    tokens: { issue: () => Promise.reject(new Error('nobody needs one')) },
    instances: new Instances(() => 0),
    bootstrapPatches: new BootstrapPatches(),
    inherited: {},
    services: () => [],
    configMaps: () => configMaps,
    settled: () => Promise.resolve(),
    onInstance: ({ namespace, name, phase }) => {
      seen.push(`${namespace}/${name} ${phase}`);
      phases.set(name, phase);
    },
    onChange: () => {},
  };
  const deployments = new Deployments(context);
  onTestFinished(async () => {
    await deployments.stop();
    logs.close();
  });
  const present = () => [...phases].flatMap(([name, phase]) => (phase === 'gone' ? [] : name)).sort();
  return {
    deployments,
    /** Everything that was ever told of a replica. */
    seen,
    apply(wanted: readonly Deployment[], settings: Record<string, string> = {}, gateways: readonly GatewayRef[] = []) {
      configMaps = [
        { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'settings', namespace: 'default' }, data: settings },
      ];
      const list = wanted.map((each) => ({ deployment: each, baseDir: stateDir, proxy: {} }));
      deployments.apply({
        type: 'manifests',
        deployments: list,
        configMaps,
        services: [],
        gateways,
        startedGateways: [],
      });
    },
    /** Waits until there are just these replicas. */
    until: (...names: string[]) =>
      waitUntil(`there are ${names}`, () => JSON.stringify(present()) === JSON.stringify([...names].sort())),
    logs: () => watched.mock.calls.map(([path]) => relative(stateDir, path)),
  };
}

function deployment(name: string, containers: Containers, replicas?: number, namespace = 'default'): Deployment {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace },
    spec: {
      ...(replicas === undefined ? {} : { replicas }),
      selector: { matchLabels: { app: name } },
      template: { metadata: { labels: { app: name } }, spec: { containers } },
    },
  };
}

const plain: Containers = [{ name: 'app', command: ['node'] }];
const coloured: Containers = [
  {
    name: 'app',
    command: ['node'],
    env: [{ name: 'COLOR', valueFrom: { configMapKeyRef: { name: 'settings', key: 'color' } } }],
  },
];

test('an edited ConfigMap replaces the replicas that have a value of it, and no others', async () => {
  const { apply, until, seen } = make();
  const wanted = [deployment('critic', coloured), deployment('cook', plain)];
  apply(wanted, { color: 'red' });
  await until('cook-0', 'critic-0');
  // A value that nobody uses.
  apply(wanted, { color: 'red', size: 'L' });
  apply(wanted, { color: 'blue', size: 'L' });
  await until('cook-0', 'critic-1');
  expect(seen.filter((line) => line.includes('cook'))).toEqual(['default/cook-0 waiting for ports']);
  expect(seen).not.toContain('default/critic-2 waiting for ports');
});

test('there are as many replicas as wanted, and none of a Deployment that is gone', async () => {
  const { apply, until, deployments } = make();
  apply([deployment('critic', plain, 3), deployment('cook', plain, 0)]);
  await until('critic-0', 'critic-1', 'critic-2');
  apply([deployment('critic', plain), deployment('cook', plain, 2)]);
  await until('critic-0', 'cook-0', 'cook-1');
  apply([deployment('cook', plain, 2)]);
  await until('cook-0', 'cook-1');
  apply([]);
  await until();
  expect(deployments.ready).toBe(true);
});

test('Deployments of one name in two namespaces have nothing to do with each other', async () => {
  const { apply, seen } = make();
  const here = deployment('critic', plain);
  apply([here, deployment('critic', plain, 1, 'other')]);
  apply([here]);
  await waitUntil('one is gone', () => seen.includes('other/critic-0 gone'));
  expect(seen.filter((line) => line.startsWith('default/'))).toEqual(['default/critic-0 waiting for ports']);
});

test('each replica says why it does not get on', async () => {
  const { apply, deployments } = make();
  apply([deployment('critic', plain, 2)]);
  await waitUntil('both have tried', () => deployments.problems().length === 2);
  expect(deployments.problems()).toMatchObject(
    Array(2).fill({ code: 'LAT0331', object: { kind: 'Deployment', namespace: 'default', name: 'critic' } }),
  );
  expect(deployments.ready).toBe(false);
});

test('a container has a log of its own where there are several', () => {
  const { apply, logs } = make();
  const two: Containers = [...plain, { name: 'helper', command: ['node'] }];
  apply([deployment('one', plain), deployment('two', two), deployment('two', two, 1, 'other')]);
  expect(logs()).toEqual([
    'logs/one-0.log',
    'logs/two-0.app.log',
    'logs/two-0.helper.log',
    'logs/other/two-0.app.log',
    'logs/other/two-0.helper.log',
  ]);
});

test('the pods of a gateway run no container, and say so', async () => {
  const { apply, deployments, until, logs } = make();
  const gateway = deployment('edge', [
    { name: 'istio-proxy', image: 'auto', env: [{ name: 'ISTIO_META_X', value: 'y' }] },
    { name: 'app', command: ['node'] },
  ]);
  gateway.spec.template.metadata = {
    ...gateway.spec.template.metadata,
    annotations: { 'inject.istio.io/templates': 'gateway' },
  };
  apply([gateway], {}, [{ selector: { app: 'edge' }, ports: [80] }]);
  await waitUntil('it has tried to get a port', () => deployments.problems().length === 3);
  expect(deployments.problems()).toMatchObject([
    { code: 'LAT0331', message: expect.stringContaining('edge-0 has no port'), object: { name: 'edge' } },
    { code: 'LAT0590', path: 'spec.template.spec.containers[0].env' },
    { code: 'LAT0590', path: 'spec.template.spec.containers[1]' },
  ]);
  expect(logs()).toEqual([]);
  apply([deployment('edge', plain)]);
  await until('edge-1');
});

test('nothing is started any more once all are stopped', async () => {
  const { apply, until, deployments } = make();
  apply([deployment('critic', plain, 2)]);
  await until('critic-0', 'critic-1');
  await deployments.stop();
  await until();
  apply([deployment('cook', plain)]);
  await until();
});
