import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ApplyRequest, DeleteRequest, StoredObject, WaitRequest } from '@lateen/api/admin.ts';
import { DiagnosticError, diagnostic } from '@lateen/api/diagnostic.ts';
import { afterEach, beforeEach, expect, onTestFinished, test } from 'vitest';
import { adminClient } from '#cli/admin-client.ts';
import { commands } from '#cli/commands.ts';
import { printError } from '#cli/errors.ts';
import { bookinfoStatus } from '#cli/fixtures/bookinfo-status.ts';
import { captureContext } from '#cli/fixtures/capture.ts';
import { runProgram } from '#cli/program.ts';
import { writeMeshFile } from '#local/mesh-file.ts';
import { processStartTime } from '#local/process-identity.ts';
import { meshPaths } from '#local/state-paths.ts';
import { AdminError, objectNotFound } from './admin-error.ts';
import type { AdminHandlers } from './handlers.ts';
import { type AdminServer, startAdminServer } from './server.ts';

const NOBODY = { at: '', listener: null, chain: null, handling: { type: 'closed', reason: '' }, unknowns: [] } as const;

/** Commands as typed, against a real admin server that is found through a real mesh file. */
const token = 'the-token';
let home: string;
let stateDir: string;
let server: AdminServer | undefined;
const environment = { ...process.env };

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'lateen-cli-'));
  process.env.LATEEN_HOME = home;
  ({ stateDir } = meshPaths('bookinfo'));
  mkdirSync(join(stateDir, 'logs'), { recursive: true });
});
afterEach(async () => {
  await server?.close();
  server = undefined;
  process.env = { ...environment };
  rmSync(home, { recursive: true });
});

const objects: readonly StoredObject[] = [
  {
    object: {
      apiVersion: 'networking.istio.io/v1',
      kind: 'VirtualService',
      metadata: { name: 'reviews', namespace: 'default', labels: { team: 'a', app: 'x' } },
      spec: { hosts: ['reviews'], http: [] },
    },
    origin: { file: 'routes/reviews.yaml', line: 3, applied: true },
  },
  {
    object: {
      apiVersion: 'networking.istio.io/v1',
      kind: 'VirtualService',
      metadata: { name: 'bookinfo', namespace: 'default' },
      spec: { hosts: ['*'], gateways: ['bookinfo-gateway'] },
    },
    origin: { file: 'gateway.yaml', line: 20, applied: false },
  },
  {
    object: {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'reviews', namespace: 'default' },
      spec: { ports: [{ port: 9080, name: 'http' }], selector: { app: 'reviews' } },
    },
    origin: { file: 'bookinfo.yaml', line: 1, applied: false },
  },
  {
    object: {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'reviews-v2', namespace: 'default' },
      spec: { replicas: 2, template: { spec: { containers: [{ name: 'app', image: 'reviews:2' }] } } },
    },
    origin: { file: 'bookinfo.yaml', line: 9, applied: false },
  },
  {
    object: {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'x', namespace: 'other' },
      data: { a: '1', b: '2' },
    },
    origin: { file: 'bookinfo.yaml', line: 40, applied: false },
  },
  {
    object: { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'other' } },
    origin: { file: 'bookinfo.yaml', line: 50, applied: false },
  },
];

async function startMesh(changes: Partial<AdminHandlers> = {}) {
  const applied: ApplyRequest[] = [];
  const removed: DeleteRequest[] = [];
  const handlers: AdminHandlers = {
    status: bookinfoStatus,
    objects: ({ kind, namespace, name }) =>
      objects.filter(
        ({ object }) =>
          (kind === undefined || object.kind === kind) &&
          (namespace === undefined || (object.metadata.namespace ?? '') === namespace) &&
          (name === undefined || object.metadata.name === name),
      ),
    apply: async (request) => {
      applied.push(request);
      return {
        objects: [
          { kind: 'VirtualService', namespace: 'default', name: 'reviews', result: 'created' },
          { kind: 'Service', namespace: 'default', name: 'reviews', result: 'unchanged' },
        ],
        diagnostics: [diagnostic('LAT0207', 'there is no account x', { file: 'a.yaml', line: 7 })],
      };
    },
    metrics: () => '',
    wait: async ({ objects }) => ({ objects }),
    remove: async (request) => {
      removed.push(request);
      return { objects: request.objects.map((ref) => ({ ...ref, result: 'deleted' })), diagnostics: [] };
    },
    diagnostics: () => [],
    analysis: () => ({ diagnostics: [], objects: 4 }),
    explain: async () => ({ start: { proxy: 'a-0.default', verdict: NOBODY, next: [] }, outcomes: [], unknowns: [] }),
    proxies: () => [],
    proxyConfig: async () => undefined,
    proxyScope: async () => undefined,
    ...changes,
  };
  server = await startAdminServer({ port: 0, token, handlers });
  rememberMesh('bookinfo', server.url);
  return { applied, removed };
}

function rememberMesh(mesh: string, admin: string): void {
  const paths = meshPaths(mesh);
  mkdirSync(paths.stateDir, { recursive: true });
  writeMeshFile(paths.stateDir, {
    mesh,
    dir: '/somewhere',
    pid: process.pid,
    startTime: processStartTime(process.pid) ?? '',
    admin,
    token,
    runDir: paths.runDir,
    version: '0',
    startedAt: new Date().toISOString(),
  });
}

/** Runs a command line as the program does, and gives all that comes out. */
async function lateen(line: string, options: { stdin?: string; cwd?: string } = {}) {
  const captured = captureContext(options);
  let exitCode: number;
  try {
    exitCode = await runProgram(commands, line.split(' '), captured.context);
  } catch (error) {
    exitCode = printError(captured.context.terminal.stderr, error);
  }
  return { exitCode, stdout: captured.stdout(), stderr: captured.stderr() };
}

test('apply', async () => {
  const { applied } = await startMesh();
  writeFileSync(join(home, 'a.yaml'), 'kind: A');
  expect(await lateen('apply -f a.yaml -f - -n shop', { stdin: 'kind: B', cwd: home })).toEqual({
    exitCode: 0,
    stdout: 'virtualservice.networking.istio.io/reviews created\nservice/reviews unchanged\n',
    stderr: 'warning LAT0207 a.yaml:7: there is no account x\n',
  });
  expect(applied).toEqual([
    {
      manifest: 'kind: A',
      file: 'a.yaml',
      more: [{ manifest: 'kind: B', file: 'stdin' }],
      namespace: 'shop',
      mode: 'apply',
    },
  ]);
  const dry = await lateen('create -f a.yaml --dry-run', { cwd: home });
  expect(dry.stdout).toBe(
    'virtualservice.networking.istio.io/reviews created (dry run)\nservice/reviews unchanged (dry run)\n',
  );
  expect(applied[1]).toEqual({ manifest: 'kind: A', file: 'a.yaml', mode: 'create', dryRun: true });
  const machine = JSON.parse((await lateen('apply -f a.yaml -o json', { cwd: home })).stdout);
  expect(machine.objects[0]).toEqual({
    kind: 'VirtualService',
    namespace: 'default',
    name: 'reviews',
    result: 'created',
  });
});

test('proxy-config', async () => {
  const name = 'outbound|9080||reviews.default.svc.cluster.local';
  const sources = [{ kind: 'Service', namespace: 'default', name: 'reviews', file: 'bookinfo.yaml', line: 12 }];
  const cluster = { name, type: 'EDS', metadata: { filter_metadata: { lateen: { sources } } } };
  const asked: string[] = [];
  const envoy = createHttpServer((request, response) => {
    asked.push(request.url ?? '');
    const host = { address: { socket_address: { address: '127.0.0.1', port_value: 1 } } };
    response.end(JSON.stringify({ cluster_statuses: [{ name, host_statuses: [host] }], configs: [] }));
  });
  await new Promise<void>((resolve) => envoy.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void envoy.close());
  const { workloads, ...status } = bookinfoStatus();
  const [first] = workloads;
  if (first === undefined) throw new Error('there is no workload');
  const envoyAdmin = `http://127.0.0.1:${(envoy.address() as AddressInfo).port}`;
  await startMesh({
    status: () => ({
      ...status,
      workloads: ['a-1', 'a-0', 'away-0'].map((replica) => ({
        ...first,
        name: replica,
        workload: replica.slice(0, -2),
        envoyAdmin: replica === 'away-0' ? 'http://127.0.0.1:1' : envoyAdmin,
      })),
    }),
    proxyConfig: async (proxy) => {
      asked.push(proxy);
      return { 'type.googleapis.com/envoy.config.cluster.v3.Cluster': [cluster, { name: 'PassthroughCluster' }] };
    },
  });
  const row = `reviews.default.svc.cluster.local   9080   -        outbound    EDS    1/1       bookinfo.yaml:12\n`;
  expect(await lateen('pc clusters a --port 9080')).toEqual({
    exitCode: 0,
    stdout: `SERVICE FQDN                        PORT   SUBSET   DIRECTION   TYPE   HEALTHY   SOURCE\n${row}`,
    stderr: 'a has 2 replicas; this is a-0\n',
  });
  expect(asked.sort()).toEqual(['/clusters?format=json', 'a-0.default']);
  expect(JSON.parse((await lateen(`proxy-config clusters a-1 --name ${name} -o json`)).stdout)).toEqual([cluster]);
  expect(await lateen('pc secrets a-0')).toEqual({ exitCode: 0, stdout: '', stderr: 'No secrets found.\n' });
  // What should be there can be shown without Envoy; what only Envoy knows cannot.
  expect((await lateen('pc clusters away --port 9080')).stdout).toContain('EDS    -         bookinfo.yaml:12');
  expect(await lateen('pc secrets away')).toMatchObject({
    exitCode: 1,
    stderr: expect.stringMatching(/^error LAT0535: The Envoy of away-0 does not answer at http:\/\/127\.0\.0\.1:1: /),
  });
});

test('refused configuration is shown with its place', async () => {
  await startMesh({
    apply: async () => {
      throw new DiagnosticError([
        diagnostic('LAT0110', 'unknown field "mtch"; did you mean "match"?', {
          file: 'routes/x.yaml',
          line: 12,
          path: 'spec.http[0].mtch',
          object: { kind: 'VirtualService', namespace: 'default', name: 'x' },
        }),
        diagnostic('LAT0201', 'no service "nowhere"', {
          object: { kind: 'VirtualService', namespace: 'a', name: 'y' },
        }),
      ]);
    },
  });
  expect(await lateen('apply -f -', { stdin: 'x' })).toEqual({
    exitCode: 1,
    stdout: '',
    stderr:
      'error LAT0110 routes/x.yaml:12 spec.http[0].mtch: unknown field "mtch"; did you mean "match"?\n' +
      'error LAT0201 VirtualService a/y: no service "nowhere"\n',
  });
});

test('delete', async () => {
  const { removed } = await startMesh({});
  expect((await lateen('delete vs reviews bookinfo')).stdout).toBe(
    'virtualservice.networking.istio.io/reviews deleted\nvirtualservice.networking.istio.io/bookinfo deleted\n',
  );
  await lateen('delete ns/other svc/x -n shop --ignore-not-found');
  await lateen('delete -f -', { stdin: 'kind: Service\nmetadata: {name: s}' });
  expect(removed).toEqual([
    {
      objects: [
        { kind: 'VirtualService', namespace: 'default', name: 'reviews' },
        { kind: 'VirtualService', namespace: 'default', name: 'bookinfo' },
      ],
    },
    {
      objects: [
        { kind: 'Namespace', namespace: '', name: 'other' },
        { kind: 'Service', namespace: 'shop', name: 'x' },
      ],
      ignoreNotFound: true,
    },
    { objects: [{ kind: 'Service', namespace: 'default', name: 's' }] },
  ]);
});

test('two kinds that are called Gateway are told apart', async () => {
  const gateway = (apiVersion: string): StoredObject => ({
    object: { apiVersion, kind: 'Gateway', metadata: { name: 'edge', namespace: 'default' }, spec: {} },
    origin: { file: 'edge.yaml', line: 1, applied: false },
  });
  const both = [gateway('networking.istio.io/v1'), gateway('gateway.networking.k8s.io/v1')];
  const { removed } = await startMesh({ objects: () => both });
  expect((await lateen('get gateways -o yaml edge')).stdout).toContain(
    'apiVersion: networking.istio.io/v1\nkind: Gateway',
  );
  expect((await lateen('get gateways.gateway.networking.k8s.io edge -o yaml')).stdout).toContain(
    'apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway',
  );
  expect((await lateen('get gtw edge -o json')).stdout).toContain('"kind": "Gateway"');
  expect((await lateen('get gw,gtw -o name')).stdout).toBe(
    'gateway.networking.istio.io/edge\ngateway.gateway.networking.k8s.io/edge\n',
  );
  const manifest = 'apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {name: edge}\n';
  expect((await lateen('delete -f -', { stdin: manifest })).stdout).toBe(
    'gateway.gateway.networking.k8s.io/edge deleted\n',
  );
  const printed = JSON.parse((await lateen('delete gtw edge -o json')).stdout) as { objects: unknown };
  expect(printed.objects).toEqual([{ kind: 'Gateway', namespace: 'default', name: 'edge', result: 'deleted' }]);
  const edge = { kind: 'KubernetesGateway', namespace: 'default', name: 'edge' };
  expect(removed.map((request) => request.objects)).toEqual([[edge], [edge]]);
  expect((await lateen('get gtw other')).stderr).toBe(
    'error LAT0518: Gateway "other" not found in namespace "default".\n' +
      '  lateen get gateways.gateway.networking.k8s.io -A lists those of all namespaces.\n',
  );
});

test.each([
  ['delete vs x', 'VirtualService "x" not found in namespace "default".', 'virtualservices'],
  [
    'delete vs/reviws',
    'VirtualService "reviws" not found in namespace "default", did you mean \'reviews\'?',
    'virtualservices',
  ],
  ['delete svc reviews bookinfo', 'Service "bookinfo" not found in namespace "default".', 'services'],
  ['delete cm y -n other', 'ConfigMap "y" not found in namespace "other", did you mean \'x\'?', 'configmaps'],
])('%s: what is not there', async (line, message, plural) => {
  await startMesh({
    remove: async ({ objects: refs }) => {
      const missing = refs.find(
        (ref) => !objects.some(({ object: { kind, metadata } }) => kind === ref.kind && metadata.name === ref.name),
      );
      throw objectNotFound(missing ?? { kind: 'None', namespace: '', name: '' });
    },
  });
  const remedy = `lateen get ${plural} -A lists those of all namespaces.`;
  expect(await lateen(line)).toEqual({
    exitCode: 1,
    stdout: '',
    stderr: `error LAT0518: ${message}\n  ${remedy}\n`,
  });
});

test.each([
  [
    'get vs',
    'NAME       GATEWAYS               HOSTS\n' +
      'bookinfo   ["bookinfo-gateway"]   ["*"]\n' +
      'reviews    -                      ["reviews"]\n',
  ],
  [
    'get virtualservices.networking.istio.io -A -o wide --show-labels',
    'NAMESPACE   NAME       GATEWAYS               HOSTS         SOURCE                            LABELS\n' +
      'default     bookinfo   ["bookinfo-gateway"]   ["*"]         gateway.yaml:20                   -\n' +
      'default     reviews    -                      ["reviews"]   routes/reviews.yaml:3 (applied)   app=x,team=a\n',
  ],
  ['get svc/reviews', 'NAME      READY   PORT(S)\nreviews   1/2     9080/TCP\n'],
  ['get deploy', 'NAME         READY\nreviews-v2   0/2\n'],
  ['get cm -n other', 'NAME   DATA\nx      2\n'],
  ['get ns', 'NAME\nother\n'],
  [
    'get pods',
    'NAME               READY   STATUS     RESTARTS\n' +
      'ingressgateway     1/1     running    0\n' +
      'productpage-v1-0   1/1     running    0\n' +
      'reviews-v1-0       1/1     running    0\n' +
      'reviews-v2-0       0/1     back-off   3\n',
  ],
  [
    'get svc,deploy',
    'NAME              READY   PORT(S)\nservice/reviews   1/2     9080/TCP\n\n' +
      'NAME                         READY\ndeployment.apps/reviews-v2   0/2\n',
  ],
  [
    'get vs,svc -o name',
    'virtualservice.networking.istio.io/bookinfo\nvirtualservice.networking.istio.io/reviews\nservice/reviews\n',
  ],
  [
    'get vs reviews -o yaml',
    'apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata:\n  name: reviews\n  namespace: default\n' +
      '  labels:\n    team: a\n    app: x\nspec:\n  hosts:\n    - reviews\n  http: []\n',
  ],
])('%s', async (line, stdout) => {
  await startMesh();
  expect(await lateen(line)).toEqual({ exitCode: 0, stdout, stderr: '' });
});

test('get: lists for machines, nothing, and what is not there', async () => {
  await startMesh();
  expect(JSON.parse((await lateen('get vs -o json')).stdout)).toMatchObject({ kind: 'List', items: [{}, {}] });
  expect(await lateen('get dr')).toEqual({
    exitCode: 0,
    stdout: '',
    stderr: 'No resources found in default namespace.\n',
  });
  expect(await lateen('get vs review')).toMatchObject({
    exitCode: 1,
    stderr:
      'error LAT0518: VirtualService "review" not found in namespace "default", did you mean \'reviews\'?\n' +
      '  lateen get virtualservices -A lists those of all namespaces.\n',
  });
  expect((await lateen('get all -A')).stdout).toContain('other       configmap/x   2\n');
});

test.each([
  ['get ns', 'No resources found.\n'],
  ['get ns -n other', 'No resources found.\n'],
  ['get ns,vs', 'No resources found in default namespace.\n'],
  ['get vs -A', 'No resources found.\n'],
])('%s in an empty mesh', async (line, stderr) => {
  await startMesh({ objects: () => [] });
  expect(await lateen(line)).toEqual({ exitCode: 0, stdout: '', stderr });
});

test('status for machines is what the admin API says', async () => {
  await startMesh();
  expect(JSON.parse((await lateen('status -o json')).stdout)).toEqual(bookinfoStatus());
  expect((await lateen('status')).stdout).toMatch(/^Mesh bookinfo is not ready\n/);
  expect((await lateen('status -o wide')).stdout).toContain('http://127.0.0.1:15600');
});

test('which mesh is meant', async () => {
  await startMesh();
  rememberMesh('other', 'http://localhost:1');
  expect(await lateen('status')).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('LAT0305') });
  expect((await lateen('status --mesh bookinfo')).exitCode).toBe(0);
  expect(await lateen('status --mesh third')).toMatchObject({
    exitCode: 1,
    stderr: expect.stringContaining('LAT0304'),
  });
});

test("the environment's proxy is not asked", async () => {
  await startMesh();
  process.env.HTTP_PROXY = 'http://127.0.0.1:1';
  process.env.http_proxy = 'http://127.0.0.1:1';
  process.env.NODE_USE_ENV_PROXY = '1';
  expect((await lateen('status -o json')).exitCode).toBe(0);
});

test('waits for a control plane that is being started again', async () => {
  const { applied } = await startMesh();
  const port = server?.port ?? 0;
  await server?.close();
  const answer = adminClient({ mesh: 'bookinfo', admin: `http://localhost:${port}`, token }).status();
  server = await startAdminServer({
    port,
    token,
    handlers: { status: bookinfoStatus } as unknown as AdminHandlers,
  });
  expect(server.port).toBe(port);
  expect((await answer).mesh).toBe('bookinfo');
  expect(applied).toEqual([]);
});

test('a control plane that does not come back, and one that is none', async () => {
  await startMesh();
  const { port = 0 } = server ?? {};
  await server?.close();
  const client = adminClient({ mesh: 'm', admin: `http://localhost:${port}`, token }, { patienceMs: 0 });
  await expect(client.status()).rejects.toMatchObject({ code: 'LAT0502' });

  const other = createServer((socket) =>
    socket.on('data', () => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi')),
  );
  await new Promise<void>((resolve) => other.listen(port, '127.0.0.1', resolve));
  await expect(client.status()).rejects.toMatchObject({ code: 'LAT0503' });
  await new Promise((resolve) => other.close(resolve));

  const rude = createServer((socket) => socket.once('data', () => socket.destroy()));
  await new Promise<void>((resolve) => rude.listen(port, '127.0.0.1', resolve));
  await expect(client.remove({ objects: [] })).rejects.toMatchObject({ code: 'LAT0504' });
  await new Promise((resolve) => rude.close(resolve));
});

test('wait', async () => {
  const asked: WaitRequest[] = [];
  await startMesh({
    wait: async (request) => {
      asked.push(request);
      if (request.for === 'delivery') return { objects: request.objects };
      throw new AdminError(
        409,
        'LAT0736',
        'After 5000 ms these proxies have not answered: a-0.',
        'Look at their logs.',
      );
    },
  });
  expect(await lateen('wait vs/reviews svc/reviews -n shop --timeout 5s')).toEqual({
    exitCode: 0,
    stdout: 'virtualservice.networking.istio.io/reviews delivered\nservice/reviews delivered\n',
    stderr: '',
  });
  const objects = ['VirtualService', 'Service'].map((kind) => ({ kind, namespace: 'shop', name: 'reviews' }));
  expect(asked).toEqual([{ objects, for: 'delivery', timeoutMs: 5000 }]);
  expect(await lateen('wait vs reviews --for delete')).toEqual({
    exitCode: 1,
    stdout: '',
    stderr: 'error LAT0736: After 5000 ms these proxies have not answered: a-0.\n  Look at their logs.\n',
  });
  expect(await lateen('wait vs')).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining('lateen wait vs NAME'),
  });
});

test('logs', async () => {
  await startMesh();
  const write = (name: string, text: string) => writeFileSync(join(stateDir, 'logs', `${name}.log`), text);
  const marker = '--- lateen: 2026-01-01T00:00:00.000Z reviews-v1-0 starts: node';
  write('reviews-v1-0', `${marker}\nfirst\n${marker}\nsecond\nthird`);
  write('reviews-v1-0.envoy', 'proxy\n');
  write('reviews-v1-1', 'other\n');
  write('ingressgateway.envoy', 'gateway\n');
  write('control-plane', 'plane\n');
  expect((await lateen('logs reviews-v1-0 --tail 2')).stdout).toBe('second\nthird\n');
  expect((await lateen('logs reviews-v1-0 --previous')).stdout).toBe('first\n');
  expect((await lateen('logs reviews-v1 --tail 1')).stdout).toBe('reviews-v1-0 | third\nreviews-v1-1 | other\n');
  expect((await lateen('logs reviews-v1-0.default --envoy')).stdout).toBe('proxy\n');
  expect((await lateen('logs ingressgateway')).stdout).toBe('gateway\n');
  expect((await lateen('logs control-plane')).stdout).toBe('plane\n');
  expect(await lateen('logs revews-v1-0')).toEqual({
    exitCode: 1,
    stdout: '',
    stderr:
      'error LAT0514: There is no log of "revews-v1-0", did you mean \'reviews-v1-0\'?\n' +
      '  There are: control-plane, ingressgateway, reviews-v1-0, reviews-v1-1.\n',
  });
  expect((await lateen('logs reviews-v1-1 --previous')).stderr).toContain('LAT0515');
});

test.each([
  ['reviews', "There is no log of \"reviews\", did you mean 'reviews-v1' or 'reviews-v2'?"],
  ['reviws-v2', 'There is no log of "reviws-v2", did you mean \'reviews-v2\'?'],
  ['shop-v2.other', 'There is no log of "shop-v2.other", did you mean \'shop-v1.other\'?'],
  ['contrl-plane', 'There is no log of "contrl-plane", did you mean \'control-plane\'?'],
  ['nothing', 'There is no log of "nothing".'],
])('logs %s: a name that is none', async (name, message) => {
  await startMesh();
  mkdirSync(join(stateDir, 'logs', 'other'));
  for (const each of ['reviews-v1-0', 'reviews-v1-1', 'reviews-v2-0', 'control-plane', 'other/shop-v1-0']) {
    writeFileSync(join(stateDir, 'logs', `${each}.log`), 'x\n');
  }
  expect(await lateen(`logs ${name}`)).toEqual({
    exitCode: 1,
    stdout: '',
    stderr:
      `error LAT0514: ${message}\n` +
      '  There are: control-plane, shop-v1-0.other, reviews-v1-0, reviews-v1-1, reviews-v2-0.\n',
  });
});

test('logs -f goes on, with new replicas, until the mesh is gone', async () => {
  await startMesh();
  const write = (name: string, text: string) =>
    writeFileSync(join(stateDir, 'logs', `${name}.log`), text, { flag: 'a' });
  write('reviews-v1-0', 'one\n');
  const captured = captureContext();
  const following = runProgram(commands, ['logs', 'reviews-v1', '-f'], captured.context);
  await expect.poll(captured.stdout).toBe('reviews-v1-0 | one\n');
  write('reviews-v1-0', 'tw');
  write('reviews-v1-0', 'o\n');
  await expect.poll(captured.stdout).toContain('reviews-v1-0 | two\n');
  write('reviews-v1-1', 'new\n');
  await expect.poll(captured.stdout, { timeout: 3_000 }).toContain('reviews-v1-1 | new\n');
  rmSync(join(stateDir, 'mesh.json'));
  expect(await following).toBe(0);
});

test('down: nothing runs', async () => {
  expect(await lateen('down')).toEqual({ exitCode: 0, stdout: 'No mesh is running.\n', stderr: '' });
  expect(await lateen('down --mesh bookinfo --purge')).toEqual({
    exitCode: 0,
    stdout: `The mesh bookinfo is not running.\nRemoved ${stateDir}.\n`,
    stderr: '',
  });
});

test('analyze', async () => {
  const found = diagnostic('LAT0202', 'there is no subset v9', {
    object: { kind: 'VirtualService', namespace: 'default', name: 'reviews' },
    file: 'routes.yaml',
    line: 12,
    path: 'spec.http[0].route[0].destination.subset',
  });
  await startMesh({ analysis: () => ({ diagnostics: [found, diagnostic('LAT0604', 'add up to 3')], objects: 4 }) });
  expect(await lateen('analyze')).toEqual({
    exitCode: 1,
    stderr: '',
    stdout: `(not from a file)
    info LAT0604: add up to 3

routes.yaml
  12  error LAT0202: there is no subset v9
      VirtualService default/reviews spec.http[0].route[0].destination.subset

1 error, 1 remark in 4 objects of the running mesh.
`,
  });
  expect(JSON.parse((await lateen('analyze -o json')).stdout)[0]).toEqual(found);
  expect((await lateen('analyze -n shop')).exitCode).toBe(2);
});
