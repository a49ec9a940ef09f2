import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import type { ConfigMap } from '@lateen/api/kinds.ts';
import { expect, test } from 'vitest';
import {
  type ContainerSpec,
  containerPortsOf,
  type PodContext,
  type PodTemplate,
  planContainer,
  podHash,
  serviceAccountOf,
} from './pod.ts';
import { temporaryDirectory } from './testing/temporary-directory.ts';

const settings: ConfigMap = {
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'settings', namespace: 'default' },
  data: { color: 'red', size: 'L' },
};

function container(more: Partial<ContainerSpec> = {}): ContainerSpec {
  return { name: 'app', command: ['node', 'app.js'], ports: [{ containerPort: 9080, name: 'http' }], ...more };
}

function pod(spec: ContainerSpec, more: Partial<PodContext> = {}): PodContext {
  return {
    replica: 'app-v1-0',
    namespace: 'default',
    template: { metadata: { labels: { app: 'app' }, annotations: { note: 'hi' } }, spec: { containers: [spec] } },
    baseDir: temporaryDirectory(),
    ports: [{ containerPort: 9080, name: 'http', inboundPort: 20_001, appPort: 20_002 }],
    capture: {
      mode: 'explicit',
      httpProxyPort: 20_003,
      servicePorts: { 'reviews.default.svc.cluster.local:9080': 20_004 },
    },
    services: [{ name: 'reviews', namespace: 'default', hostname: 'reviews.default.svc.cluster.local', port: 9080 }],
    configMaps: [settings],
    inherited: { HOME: '/home/me', PATH: '/usr/bin:/bin', HTTP_PROXY: 'http://corporate' },
    ...more,
  };
}

function plan(more: Partial<ContainerSpec> = {}, context: Partial<PodContext> = {}) {
  const spec = container(more);
  const planned = planContainer(spec, 0, pod(spec, context));
  if ('code' in planned) throw new Error(`${planned.code} ${planned.path} ${planned.message}`);
  return planned;
}

function problem(more: Partial<ContainerSpec>, context: Partial<PodContext> = {}) {
  const spec = container(more);
  const planned = planContainer(spec, 0, pod(spec, context));
  if (!('code' in planned)) throw new Error('expected a problem');
  return planned;
}

test('the application is told where to listen and where its sidecar is', () => {
  const { env, file, args } = plan();
  expect(env).toMatchObject({
    HOME: '/home/me',
    HOSTNAME: 'app-v1-0',
    PORT: '20002',
    PORT_9080: '20002',
    HTTP_PROXY: 'http://127.0.0.1:20003',
    REVIEWS_SERVICE_HOST: '127.0.0.1',
    REVIEWS_SERVICE_PORT: '20004',
  });
  expect(env.PATH).toBe(`${dirname(process.execPath)}:/usr/bin:/bin`);
  expect(file).toBe(process.execPath);
  expect(args).toEqual(['app.js']);
});

test('variables of the manifest: values, references, ConfigMaps and fields', () => {
  const { env, args } = plan({
    args: ['--port=$(PORT)', '--color', '$(COLOR)', '$(HOME)', '$$(COLOR)'],
    envFrom: [
      { configMapRef: { name: 'settings' }, prefix: 'SET_' },
      { configMapRef: { name: 'missing', optional: true } },
    ],
    env: [
      { name: 'COLOR', valueFrom: { configMapKeyRef: { name: 'settings', key: 'color' } } },
      { name: 'BOTH', value: '$(COLOR)-$(SET_size)-$(LATER)' },
      { name: 'LATER', value: 'x' },
      { name: 'EMPTY' },
      { name: 'NONE', valueFrom: { configMapKeyRef: { name: 'settings', key: 'none', optional: true } } },
      { name: 'NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
      { name: 'NS', valueFrom: { fieldRef: { fieldPath: 'metadata.namespace' } } },
      { name: 'APP', valueFrom: { fieldRef: { fieldPath: "metadata.labels['app']" } } },
      { name: 'NOTE', valueFrom: { fieldRef: { fieldPath: "metadata.annotations['note']" } } },
      { name: 'NODE', valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } },
      { name: 'SA', valueFrom: { fieldRef: { fieldPath: 'spec.serviceAccountName' } } },
      { name: 'IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
      { name: 'HOST_IP', valueFrom: { fieldRef: { fieldPath: 'status.hostIP' } } },
      { name: 'HOSTNAME', value: 'mine' },
      { name: 'REVIEWS_SERVICE_HOST', value: 'elsewhere' },
    ],
  });
  expect(env).toMatchObject({
    SET_color: 'red',
    SET_size: 'L',
    COLOR: 'red',
    BOTH: 'red-L-$(LATER)',
    EMPTY: '',
    NAME: 'app-v1-0',
    NS: 'default',
    APP: 'app',
    NOTE: 'hi',
    NODE: hostname(),
    SA: 'default',
    IP: '127.0.0.1',
    HOST_IP: '127.0.0.1',
    HOSTNAME: 'mine',
    REVIEWS_SERVICE_HOST: 'elsewhere',
  });
  expect(env).not.toHaveProperty('NONE');
  // Variables of the shell are inherited, but no cluster could expand them.
  expect(args).toEqual(['app.js', '--port=20002', '--color', 'red', '$(HOME)', '$(COLOR)']);
});

test('the ServiceAccount, which the manifest names in one of two ways, is also what the application is told', () => {
  const told = (spec: Partial<PodTemplate['spec']>) => {
    const template: PodTemplate = { spec: { containers: [container()], ...spec } };
    const env = [{ name: 'SA', valueFrom: { fieldRef: { fieldPath: 'spec.serviceAccountName' } } }];
    return [serviceAccountOf(template), plan({ env }, { template }).env.SA];
  };
  expect(told({})).toEqual(['default', 'default']);
  expect(told({ serviceAccountName: 'reviews' })).toEqual(['reviews', 'reviews']);
  expect(told({ serviceAccount: 'reviews' })).toEqual(['reviews', 'reviews']);
});

test('a PORT that says "the container port" becomes the real one; another one is left alone', () => {
  expect(plan({ env: [{ name: 'PORT', value: '9080' }], args: ['$(PORT)'] })).toMatchObject({
    env: { PORT: '20002' },
    args: ['app.js', '20002'],
  });
  expect(plan({ env: [{ name: 'PORT', value: '7000' }] }).env.PORT).toBe('7000');
});

test('the PATH of the manifest still begins with our Node', () => {
  expect(plan({ env: [{ name: 'PATH', value: '/opt/bin' }] }).env.PATH).toBe(`${dirname(process.execPath)}:/opt/bin`);
});

test('where it runs', () => {
  const baseDir = temporaryDirectory();
  mkdirSync(join(baseDir, 'sub'));
  expect(plan({}, { baseDir }).cwd).toBe(baseDir);
  expect(plan({ workingDir: 'sub' }, { baseDir }).cwd).toBe(join(baseDir, 'sub'));
  expect(plan({ workingDir: '/' }, { baseDir }).cwd).toBe('/');
  const template: PodTemplate = {
    metadata: { annotations: { 'lateen.dev/working-dir': 'sub' } },
    spec: { containers: [container()] },
  };
  expect(plan({ workingDir: '/opt/app' }, { baseDir, template }).cwd).toBe(join(baseDir, 'sub'));
  expect(problem({ workingDir: '/opt/not-here' }, { baseDir })).toMatchObject({
    code: 'LAT0313',
    message: expect.stringMatching(/\/opt\/not-here does not exist\. For another folder on this machine, set/),
    path: 'spec.template.spec.containers[0].workingDir',
  });
});

test('commands', () => {
  const baseDir = temporaryDirectory();
  writeFileSync(join(baseDir, 'run.sh'), '#!/bin/sh\n');
  expect(problem({ command: ['./run.sh'] }, { baseDir })).toMatchObject({ code: 'LAT0312' });
  chmodSync(join(baseDir, 'run.sh'), 0o755);
  expect(plan({ command: ['./run.sh', 'a'], args: ['b'] }, { baseDir })).toMatchObject({
    file: join(baseDir, 'run.sh'),
    args: ['a', 'b'],
  });
  expect(problem({ command: ['no-such-program'] })).toMatchObject({
    code: 'LAT0311',
    message: expect.stringContaining('app-v1-0: container app: the command no-such-program was not found'),
    path: 'spec.template.spec.containers[0].command[0]',
  });
  expect(problem({ command: ['./missing'] }, { baseDir }).message).toContain(join(baseDir, 'missing'));
  expect(problem({ command: ['/tmp'] })).toMatchObject({
    code: 'LAT0312',
    message: expect.stringContaining('directory'),
  });
  const { command: _, ...without } = container();
  const planned = planContainer(without, 1, pod(without));
  expect(planned).toMatchObject({ code: 'LAT0310', path: 'spec.template.spec.containers[1].command' });
});

test('missing ConfigMaps and keys', () => {
  expect(problem({ envFrom: [{ configMapRef: { name: 'missing' } }] })).toMatchObject({
    code: 'LAT0314',
    message: 'app-v1-0: container app: there is no ConfigMap default/missing.',
    path: 'spec.template.spec.containers[0].envFrom[0].configMapRef',
  });
  const env = [{ name: 'A', valueFrom: { configMapKeyRef: { name: 'settings', key: 'no' } } }];
  expect(problem({ env })).toMatchObject({ code: 'LAT0314', message: expect.stringContaining('no key no') });
  expect(problem({ env }, { namespace: 'other' }).message).toContain('other/settings');
});

test('probes ask the application itself, at its real port', () => {
  const { readiness, liveness } = plan({
    readinessProbe: {
      httpGet: { path: 'health', port: 'http', httpHeaders: [{ name: 'X-A', value: 'b' }] },
      periodSeconds: 3,
    },
    livenessProbe: { tcpSocket: { port: 9080 }, initialDelaySeconds: 5, timeoutSeconds: 2, failureThreshold: 6 },
  });
  expect(readiness).toEqual({
    action: { kind: 'http', host: '127.0.0.1', port: 20_002, path: '/health', headers: { 'X-A': 'b' } },
    initialDelayMs: 0,
    periodMs: 3000,
    timeoutMs: 1000,
    successThreshold: 1,
    failureThreshold: 3,
  });
  expect(liveness).toMatchObject({
    action: { kind: 'tcp', port: 20_002 },
    initialDelayMs: 5000,
    periodMs: 10_000,
    timeoutMs: 2000,
    failureThreshold: 6,
  });
  // A port that is in no list is one that the application opens by itself.
  expect(plan({ livenessProbe: { tcpSocket: { port: 9999 } } }).liveness?.action).toMatchObject({ port: 9999 });
  const command = plan({ workingDir: '/', readinessProbe: { exec: { command: ['node', '-e', '$(PORT)'] } } });
  expect(command.readiness?.action).toEqual({
    kind: 'exec',
    file: process.execPath,
    args: ['-e', '20002'],
    cwd: '/',
    env: command.env,
  });
  expect(problem({ readinessProbe: { httpGet: { port: 'metrics' } } })).toMatchObject({
    code: 'LAT0315',
    message: 'app-v1-0: container app: the probe names the port metrics, but its ports are named http.',
    path: 'spec.template.spec.containers[0].readinessProbe.httpGet.port',
  });
});

test('without a probe the first port has to accept connections; without ports nothing is asked', () => {
  expect(plan().readiness).toMatchObject({ action: { kind: 'tcp', port: 20_002 } });
  expect(plan({ ports: [] }).readiness).toBe(undefined);
});

test('the ports of all containers, each once', () => {
  const template: PodTemplate = {
    spec: {
      containers: [
        container({ ports: [{ containerPort: 9080 }, { containerPort: 9090, name: 'metrics' }] }),
        container({ name: 'two', ports: [{ containerPort: 9090 }, { containerPort: 80 }] }),
      ],
    },
  };
  expect(containerPortsOf(template)).toEqual([
    { containerPort: 9080 },
    { containerPort: 9090, name: 'metrics' },
    { containerPort: 80 },
  ]);
});

test('the hash changes with what a restart is needed for, and with nothing else', () => {
  const template: PodTemplate = {
    metadata: { labels: { app: 'app', version: 'v1' } },
    spec: {
      containers: [
        container({ env: [{ name: 'C', valueFrom: { configMapKeyRef: { name: 'settings', key: 'color' } } }] }),
      ],
    },
  };
  const hash = podHash(template, 'default', { baseDir: '/a', proxy: {} }, [settings]);
  const reordered: PodTemplate = { spec: template.spec, metadata: { labels: { version: 'v1', app: 'app' } } };
  const other: ConfigMap = { ...settings, metadata: { name: 'other', namespace: 'default' }, data: { x: 'y' } };
  expect(
    podHash(reordered, 'default', { baseDir: '/a', proxy: {} }, [
      other,
      { ...settings, data: { color: 'red', size: 'S' } },
    ]),
  ).toBe(hash);
  expect(
    podHash(template, 'default', { baseDir: '/a', proxy: {} }, [{ ...settings, data: { color: 'blue' } }]),
  ).not.toBe(hash);
  expect(podHash(template, 'default', { baseDir: '/a', proxy: {} }, [])).not.toBe(hash);
  expect(podHash(template, 'default', { baseDir: '/b', proxy: {} }, [settings])).not.toBe(hash);
  expect(podHash(template, 'default', { baseDir: '/a', proxy: { concurrency: 2 } }, [settings])).not.toBe(hash);
  const labelled: PodTemplate = { ...template, metadata: { labels: { app: 'app', version: 'v2' } } };
  expect(podHash(labelled, 'default', { baseDir: '/a', proxy: {} }, [settings])).not.toBe(hash);
});
