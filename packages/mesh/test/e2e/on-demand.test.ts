import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type RequestOptions, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type EnvoyProcess, stopEnvoy } from '#agent/envoy/run.ts';
import { freePorts } from '#agent/secrets/testing/mtls-envoy.ts';
import { eventually, LATEEN } from './mesh.ts';
import { type PilotProcess, startPilot } from './redirect/pilot-process.ts';
import { startStockEnvoy } from './redirect/stock-envoy.ts';

const SERVICES = 20;

let dir: string;
let pilot: PilotProcess | undefined;
let application: Server;
let port: number;
let xdsPort: number;
const envoys: EnvoyProcess[] = [];

beforeAll(async () => {
  application = createServer(async (request, response) => {
    let bytes = 0;
    for await (const chunk of request) bytes += (chunk as Buffer).length;
    response.end(`${request.method} ${request.headers.host} ${bytes}`);
  });
  await new Promise<void>((resolve) => application.listen(0, '127.0.0.1', resolve));
});

afterAll(() => application.close());

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'lat-'));
  mkdirSync(join(dir, 'config'));
  [port = 0, xdsPort = 0] = await freePorts(2);
  const all = Array.from({ length: SERVICES }, (_, index) => service(`s${index}.test`));
  writeFileSync(join(dir, 'config', 'services.yaml'), all.join(''));
});

afterEach(async () => {
  await Promise.all(envoys.splice(0).map((envoy) => stopEnvoy(envoy)));
  await pilot?.stop();
  pilot = undefined;
  rmSync(dir, { recursive: true, force: true });
});

function service(host: string): string {
  const { port: applicationPort } = application.address() as AddressInfo;
  return `---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: ${host}}
spec:
  hosts: [${host}]
  ports: [{number: ${port}, name: http, protocol: HTTP}]
  resolution: STATIC
  endpoints: [{address: 127.0.0.1, ports: {http: ${applicationPort}}}]
`;
}

async function start(...args: readonly string[]): Promise<void> {
  const address = `127.0.0.1:${xdsPort}`;
  pilot = await startPilot('-c', join(dir, 'config'), '--xds-address', address, '--plaintext', ...args);
}

async function replica(name: string): Promise<Replica> {
  const envoy = await startStockEnvoy({
    nodeId: `sidecar~10.1.2.3~${name}.default~default.svc.cluster.local`,
    metadata: { INTERCEPTION_MODE: 'NONE', WORKLOAD_NAME: 'client', LABELS: { app: 'client' } },
    xds: `127.0.0.1:${xdsPort}`,
    protocol: 'DELTA_GRPC',
    dir: join(dir, name),
  });
  envoys.push(envoy);
  const admin = join(dir, name, 'admin.sock');
  const held = async () => {
    const { body } = await fetchThrough({ socketPath: admin, path: '/config_dump?resource=dynamic_active_clusters' });
    const names = body.matchAll(/"name": "outbound\|\d+\|\|(s\d+\.test)"/g);
    return [...new Set([...names].map(([, host = '']) => host))].sort();
  };
  await eventually(
    `${name} is ready`,
    async () => (await fetchThrough({ socketPath: admin, path: '/ready' })).status === 200,
  );
  return { envoy, held };
}

interface Replica {
  readonly envoy: EnvoyProcess;
  /** Services of which the proxy has the cluster. */
  readonly held: () => Promise<string[]>;
}

interface Answer {
  readonly status: number;
  readonly body: string;
}

function fetchThrough(options: RequestOptions, body?: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = request({ agent: false, timeout: 5_000, ...options }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: text }));
    });
    outgoing.on('timeout', () => outgoing.destroy(new Error('there was no answer')));
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

const call = (host: string, body?: string) =>
  fetchThrough({ port, method: body === undefined ? 'GET' : 'POST', headers: { host } }, body);

async function lateen(...args: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, [LATEEN, ...args]);
  return stdout;
}

describe('scoping on demand', () => {
  it('gives a proxy what its workload calls, and nothing else', async () => {
    await start();
    const { held } = await replica('client-1');
    expect(await held()).toEqual([]);
    expect(await call('s3.test')).toEqual({ status: 200, body: 'GET s3.test 0' });
    expect(await call('s4.test')).toEqual({ status: 200, body: 'GET s4.test 0' });
    expect(await held()).toEqual(['s3.test', 's4.test']);
  });

  it('holds a first request with all of its body', async () => {
    await start();
    await replica('client-1');
    const body = 'x'.repeat(300_000);
    expect(await call('s1.test', body)).toEqual({ status: 200, body: `POST s1.test ${body.length}` });
  });

  it('holds many first requests at once', async () => {
    await start();
    await replica('client-1');
    const hosts = Array.from({ length: SERVICES * 5 }, (_, index) => `s${index % SERVICES}.test`);
    const answers = await Promise.all(hosts.map((host) => call(host)));
    expect(answers).toEqual(hosts.map((host) => ({ status: 200, body: `GET ${host} 0` })));
  });

  it('knows a host however it is written', async () => {
    await start();
    await replica('client-1');
    for (const host of ['S5.TEST', `s6.test:${port}`, 'S5.test:12345']) {
      expect(await call(host), host).toMatchObject({ status: 200 });
    }
  });

  it('answers for hosts that the mesh does not know, and for what can be no host', async () => {
    const sidecar = `{apiVersion: networking.istio.io/v1, kind: Sidecar, metadata: {name: default}, spec: {outboundTrafficPolicy: {mode: REGISTRY_ONLY}}}`;
    writeFileSync(join(dir, 'config', 'sidecar.yaml'), sidecar);
    await start();
    const { held } = await replica('client-1');
    expect(await call('unknown.test')).toMatchObject({ status: 502 });
    expect(await call('unknown.test')).toMatchObject({ status: 502 });
    expect(await call('*')).toMatchObject({ status: 404 });
    expect(await held()).toEqual([]);
    // What comes to be a service later is one from then on.
    writeFileSync(join(dir, 'config', 'late.yaml'), service('unknown.test'));
    await eventually('the new service answers', async () => (await call('unknown.test')).status === 200);
  });

  it('tells other replicas of the workload what one has learnt', async () => {
    await start();
    await replica('client-1');
    await call('s3.test');
    await stopEnvoy(envoys.splice(0)[0] as EnvoyProcess);
    const { held } = await replica('client-2');
    expect(await held()).toEqual(['s3.test']);
  });

  it('is limited by what a Sidecar lists, if one does', async () => {
    const sidecar = `{apiVersion: networking.istio.io/v1, kind: Sidecar, metadata: {name: default}, spec: {egress: [{hosts: ['./s1.test', './s2.test']}]}}`;
    writeFileSync(join(dir, 'config', 'sidecar.yaml'), sidecar);
    await start();
    const { held } = await replica('client-1');
    expect(await held()).toEqual(['s1.test', 's2.test']);
  });

  it('shows what a proxy holds and why, and lets it be declared', async () => {
    const socketPath = join(dir, 'show.sock');
    await start('--admin-address', `unix:${socketPath}`);
    const { held } = await replica('client-1');
    await call('s3.test');
    await call('unknown.test');
    const scope = (...args: readonly string[]) =>
      lateen('proxy-config', 'scope', 'client', '--mesh', `unix:${socketPath}`, ...args);
    const [heading, service, unknown, ...more] = (await scope()).trimEnd().split('\n');
    expect(heading).toMatch(/^HOST +NAMESPACE +PORTS +WHY$/);
    expect(service).toMatch(new RegExp(`^s3\\.test +default +${port}/http +asked for as s3\\.test, \\d+ s ago$`));
    expect(unknown).toMatch(/^unknown\.test .* no service that the workload sees$/);
    expect(more).toEqual([]);

    writeFileSync(join(dir, 'config', 'sidecar.yaml'), await scope('--as-sidecar'));
    await eventually('the Sidecar holds', async () => (await scope()).includes('listed by Sidecar default/client'));
    expect(await held()).toEqual(['s3.test']);
    expect(await lateen('status', '--mesh', `unix:${socketPath}`)).toMatch(/client-1 .* connected .* synced/);
    const change = { socketPath, path: '/api/v1/objects', method: 'POST' };
    expect(await fetchThrough(change)).toMatchObject({ status: 405 });
  });

  it.each(['on-demand', 'declared', 'off'])('can be chosen: %s', async (scoping) => {
    await start('--scoping', scoping);
    const { held } = await replica('client-1');
    expect(await held()).toHaveLength(scoping === 'on-demand' ? 0 : SERVICES);
  });

  it('outlives a restart of the control plane: proxies say what they hold', async () => {
    await start();
    const { held } = await replica('client-1');
    await call('s3.test');
    await pilot?.stop();
    expect(await call('s3.test')).toMatchObject({ status: 200 });
    await start();
    expect(await call('s4.test')).toMatchObject({ status: 200 });
    expect(await held()).toEqual(['s3.test', 's4.test']);
  });

  it('outlives a restart of everything with --remember', async () => {
    const file = join(dir, 'learnt.json');
    await start('--remember', file);
    await replica('client-1');
    await call('s3.test');
    await stopEnvoy(envoys.splice(0)[0] as EnvoyProcess);
    await pilot?.stop();
    await start('--remember', file);
    const { held } = await replica('client-2');
    expect(await held()).toEqual(['s3.test']);
  });

  it('keeps what was learnt lately while it forgets other things', async () => {
    await start('--forget-after', '1s');
    const { held } = await replica('client-1');
    await call('s0.test');
    const lately: string[] = [];
    let index = 0;
    await eventually('s0 is forgotten', async () => {
      // About as many in a second as there are services.
      if (index++ % 3 === 0) lately.unshift(`s${1 + (((index / 3) % (SERVICES - 1)) | 0)}.test`);
      for (const host of lately.slice(0, 5)) expect(await call(host), host).toMatchObject({ status: 200 });
      return !(await held()).includes('s0.test');
    });
  });

  it('forgets what is not called any more, and keeps what is', async () => {
    await start('--forget-after', '1s');
    const { held } = await replica('client-1');
    await call('s3.test');
    await call('s4.test');
    await eventually('s3 is forgotten', async () => {
      expect(await call('s4.test')).toMatchObject({ status: 200 });
      return (await held()).join() === 's4.test';
    });
    expect(await call('s3.test')).toMatchObject({ status: 200 });
  });
});
