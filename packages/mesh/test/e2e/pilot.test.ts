import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ChannelCredentials, status } from '@grpc/grpc-js';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type EnvoyProcess, stopEnvoy } from '#agent/envoy/run.ts';
import { freePorts } from '#agent/secrets/testing/mtls-envoy.ts';
import { typeUrls } from '#pilot/xds/resource.ts';
import { DeltaClient } from '#pilot/xds/server/testing/grpc-client.ts';
import { startTestAuthority, type TestAuthority } from '../golden/test-authority.ts';
import { type Answer, eventually, fetchText, Sandbox } from './mesh.ts';
import { type PilotProcess, startPilot } from './redirect/pilot-process.ts';
import { startStockEnvoy } from './redirect/stock-envoy.ts';

let dir: string;
let config: string;
let pilot: PilotProcess | undefined;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'lat-'));
  config = join(dir, 'config');
  mkdirSync(config);
});

afterEach(async () => {
  await pilot?.stop();
  pilot = undefined;
  rmSync(dir, { recursive: true, force: true });
});

const service = (name: string, port: number, targetPort: number, more = '') =>
  `---\n{apiVersion: v1, kind: Service, metadata: {name: ${name}}, spec: {selector: {app: ${name}}, ports: [{port: ${port}, targetPort: ${targetPort}, name: http${more}}]}}\n`;

const routes = (header: string) => `---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: echo}
spec:
  hosts: [echo]
  http:
  - match: [{headers: {${header}: {exact: 'yes'}}}]
    redirect: {uri: /found}
  - route: [{destination: {host: echo}}]
`;

describe('stock Envoys', () => {
  const envoys: EnvoyProcess[] = [];
  let application: Server;
  let applicationPort: number;

  beforeAll(async () => {
    application = createServer((request, response) => response.end(`echo ${request.headers.host} ${request.url}`));
    await new Promise<void>((resolve) => application.listen(0, '127.0.0.1', resolve));
    applicationPort = (application.address() as AddressInfo).port;
  });

  afterAll(() => application.close());

  afterEach(async () => {
    await Promise.all(envoys.splice(0).map((envoy) => stopEnvoy(envoy)));
  });

  async function envoy(nodeId: string, metadata: Record<string, unknown> = {}) {
    const started = await startStockEnvoy({
      nodeId,
      metadata,
      xds: pilot?.address ?? '',
      protocol: 'DELTA_GRPC',
      dir: join(dir, `envoy-${envoys.length}`),
    });
    envoys.push(started);
  }

  /** The workload behind the service: its application is on the loopback address, where nothing is redirected. */
  const echo = () =>
    envoy('sidecar~127.0.0.1~echo-1.default~default.svc.cluster.local', {
      LABELS: { app: 'echo' },
      INTERCEPTION_MODE: 'NONE',
    });

  it('without redirection call services on the loopback address; edits are live at once', async () => {
    const [port = 0] = await freePorts(1);
    writeFileSync(join(config, 'mesh.yaml'), service('echo', port, applicationPort) + routes('x-first'));
    pilot = await startPilot('-c', config, '--xds-address', '127.0.0.1:0', '--plaintext');
    await echo();
    await envoy('sidecar~10.1.2.3~client-1.default~default.svc.cluster.local', { INTERCEPTION_MODE: 'NONE' });
    const call = (headers: Record<string, string> = {}) =>
      fetchText(`http://127.0.0.1:${port}/`, { host: 'echo', ...headers });
    const first = await eventually('the service answers', async () => ok(await call()));
    expect(first.body).toBe('echo echo /');
    expect((await call({ 'x-first': 'yes' })).headers.location).toContain('/found');
    writeFileSync(join(config, 'mesh.yaml'), service('echo', port, applicationPort) + routes('x-second'));
    await eventually('the edit is live', async () => (await call({ 'x-second': 'yes' })).status === 301);
    expect((await call({ 'x-first': 'yes' })).status).toBe(200);
  });

  it('as gateways open the ports of the Gateways that select them', async () => {
    const [port = 0] = await freePorts(1);
    writeFileSync(
      join(config, 'mesh.yaml'),
      `${service('echo', 80, applicationPort)}---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: edge}
spec:
  selector: {app: edge}
  servers: [{port: {number: ${port}, name: http, protocol: HTTP}, hosts: [shop.example.com]}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: shop}
spec:
  hosts: [shop.example.com]
  gateways: [edge]
  http: [{route: [{destination: {host: echo}}]}]
`,
    );
    pilot = await startPilot('-c', config, '--xds-address', '127.0.0.1:0', '--plaintext');
    await echo();
    await envoy('router~127.0.0.1~edge-1.istio-system~istio-system.svc.cluster.local', {
      LABELS: { app: 'edge' },
    });
    const call = (host: string) => fetchText(`http://127.0.0.1:${port}/`, { host });
    const first = await eventually('the gateway answers', async () => ok(await call('shop.example.com')));
    expect(first.body).toBe('echo shop.example.com /');
    expect((await call('other.example.com')).status).toBe(404);
    expect(pilot.stderr()).toBe('');
  });

  it('are told why they get nothing when their metadata cannot be used', async () => {
    writeFileSync(join(config, 'mesh.yaml'), service('echo', 80, 8080));
    const started = await startPilot('-c', config, '--xds-address', '127.0.0.1:0', '--plaintext');
    pilot = started;
    await envoy('sidecar~10.1.2.3~client-1.default~default.svc.cluster.local', { LABELS: 'app=client' });
    await eventually('the refusal is told', () => /refused.*LABELS must be a mapping/.test(started.stderr()));
  });
});

describe('lateen pilot', () => {
  let sandbox: Sandbox;
  beforeEach(() => {
    sandbox = new Sandbox(null, 'mesh');
  });
  afterEach(() => rmSync(sandbox.home, { recursive: true, force: true }));

  it.each(['SIGTERM', 'SIGINT'] as const)('ends in order at %s', async (signal) => {
    const started = await startPilot('-c', config, '--xds-address', '127.0.0.1:0', '--plaintext');
    expect(started.address).toMatch(/^127\.0\.0\.1:\d+$/);
    expect(await started.stop(signal)).toBe(0);
  });

  it('tells what is wrong with the configuration at the start and at each change, and what was mended', async () => {
    const file = join(config, 'mesh.yaml');
    const good = routes('x').replace(', exact', ', prefix');
    writeFileSync(file, good.replace('redirect', 'redirct') + service('echo', 80, 8080));
    const started = await startPilot('-c', config, '--xds-address', '127.0.0.1:0', '--plaintext');
    pilot = started;
    expect(started.stderr()).toMatch(/error LAT0110 \S*mesh\.yaml:9 .*redirct.*redirect/);
    writeFileSync(file, good.replaceAll('host: echo', 'host: ecco') + service('echo', 80, 8080));
    await eventually('the next mistake is told', () => /error LAT0201 \S*mesh\.yaml:\d+ .*ecco/.test(started.stderr()));
    writeFileSync(file, good + service('echo', 80, 8080));
    await eventually('that it is mended is told', () => /of these no longer hold/.test(started.stderr()));
  });

  it.each([
    [['--plaintext'], 2, /There is nothing to serve.*--config DIR/s],
    [['-c', '.'], 2, /Neither --plaintext nor certificates/],
    [['-c', '.', '--tls-cert', 'a.pem'], 2, /Some certificates are missing/],
    [['-c', '.', '--plaintext', '--tls-cert', 'a.pem'], 2, /--plaintext is without TLS/],
    [['-c', 'nowhere', '--plaintext'], 2, /--config nowhere: ENOENT/],
    [['-c', '.', '--plaintext', '--xds-address', '0.0.0.0:0'], 1, /LAT0732.*0\.0\.0\.0:0.*--tls-cert/s],
    [['-c', '.', '--plaintext', '--xds-address', '[::]:0'], 1, /LAT0732/],
    [['-c', '.', '--plaintext', '--xds-address', 'example.com:0'], 1, /LAT0732/],
    [['-c', '.', '--plaintext', '--xds-address', '127.0.0.1:0', '--admin-address', '0.0.0.0:0'], 1, /LAT0761/],
    [['-c', '.', '--plaintext', '--xds-address', '127.0.0.1:0', '--scoping', 'maybe'], 2, /on-demand, declared, off/],
    [['-c', '.', '--tls-cert', 'a', '--tls-key', 'b', '--client-ca', 'c'], 1, /LAT0733.*--tls-cert a cannot be read/s],
  ])('refuses %j', async (args, code, message) => {
    const result = await sandbox.lateen('pilot', ...args);
    expect(result).toMatchObject({ code, stdout: '' });
    expect(result.stderr).toMatch(message);
  });

  describe('with TLS', () => {
    let authority: TestAuthority;
    beforeEach(async () => {
      authority = await startTestAuthority(dir, 'ca');
    });
    afterEach(() => authority.close());

    it('serves proxies that have the certificate of their service account, and no others', async () => {
      writeFileSync(join(config, 'mesh.yaml'), service('echo', 80, 8080));
      const own = await authority.issue({ namespace: 'istio-system', serviceAccount: 'istiod' });
      const files = { cert: own.chain, key: own.privateKey, ca: own.trustBundle };
      for (const [name, text] of Object.entries(files)) writeFileSync(join(dir, `${name}.pem`), text, { mode: 0o600 });
      const tls = ['--tls-cert', join(dir, 'cert.pem'), '--tls-key', join(dir, 'key.pem')];
      pilot = await startPilot(
        '-c',
        config,
        '--xds-address',
        'localhost:0',
        ...tls,
        '--client-ca',
        join(dir, 'ca.pem'),
        '--scoping',
        'declared',
      );
      const { chain, privateKey, trustBundle } = await authority.issue({ namespace: 'default', serviceAccount: 'one' });
      const certified = () =>
        ChannelCredentials.createSsl(Buffer.from(trustBundle), Buffer.from(privateKey), Buffer.from(chain), {
          checkServerIdentity: () => undefined,
        });
      const ask = (channel: ChannelCredentials, account: string) => {
        const client = new DeltaClient(pilot?.address ?? '', channel);
        const metadata = { NAMESPACE: 'default', SERVICE_ACCOUNT: account };
        const id = 'sidecar~10.1.2.3~client-1.default~default.svc.cluster.local';
        client.send({ node: { id, metadata }, typeUrl: typeUrls.cluster });
        return client;
      };
      const served = ask(certified(), 'one');
      expect((await served.next()).resources.map(({ name }) => name)).toContain(
        'outbound|80||echo.default.svc.cluster.local',
      );
      served.close();
      expect((await ask(certified(), 'two').ended).code).toBe(status.PERMISSION_DENIED);
      const anonymous = ChannelCredentials.createSsl(Buffer.from(trustBundle), null, null, {
        checkServerIdentity: () => undefined,
      });
      expect((await ask(anonymous, 'one').ended).code).toBe(status.UNAVAILABLE);
    });
  });
});

function ok(answer: Answer): Answer | undefined {
  return answer.status === 200 ? answer : undefined;
}
