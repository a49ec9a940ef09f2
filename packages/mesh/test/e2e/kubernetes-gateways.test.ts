import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { request as httpsRequest } from 'node:https';
import { join } from 'node:path';
import type { GatewayStatus } from '@lateen/api/admin.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Answer, eventually, fetchText, isRunning, Sandbox } from './mesh.ts';

const sandbox = new Sandbox();
beforeAll(async () => void (await sandbox.up()));
afterAll(() => sandbox.close());

/** Outside of the mesh's folder, so that only `apply` and `delete` read it. */
function manifest(name: string, text: string): string {
  const path = join(sandbox.home, name);
  writeFileSync(path, text);
  return path;
}

async function lateen(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await sandbox.lateen(...args);
  expect(code, stderr).toBe(0);
  return stdout;
}

async function gateway(name: string): Promise<GatewayStatus | undefined> {
  return (await sandbox.status()).gateways.find((each) => each.name === name);
}

/** The gateway when it runs and has opened these ports of its Gateway. */
function opened(name: string, ...ports: number[]): Promise<GatewayStatus> {
  return eventually(`${name} opens ${ports}`, async () => {
    const found = await gateway(name);
    return found?.ready === true && String(found.ports.map(({ port }) => port)) === String(ports) && found;
  });
}

function portOf({ ports }: GatewayStatus, port: number): number {
  return ports.find((each) => each.port === port)?.hostPort ?? 0;
}

/** A Gateway, and a route from it to a Service. */
function text(name: string, listeners: string, to: string, port = 9080): string {
  return `
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: ${name}}
spec:
  gatewayClassName: lateen
  listeners: ${listeners}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: ${name}}
spec:
  parentRefs: [{name: ${name}}]
  rules: [{backendRefs: [{name: ${to}, port: ${port}}]}]
`;
}

const LEFT = text('left', '[{name: http, port: 80, protocol: HTTP}]', 'details');
const RIGHT = text('right', '[{name: http, port: 80, protocol: HTTP}]', 'ratings');

function call(at: GatewayStatus, path: string, port = 80): Promise<Answer> {
  return fetchText(`http://127.0.0.1:${portOf(at, port)}${path}`);
}

async function answers(at: GatewayStatus, path: string, port = 80): Promise<Answer> {
  return eventually(`${at.name} answers`, async () => {
    const found = await call(at, path, port);
    return found.status === 200 && found;
  });
}

describe('Gateways of the Gateway API', () => {
  it('run side by side, and change and end while the mesh runs', async () => {
    const left = manifest('left.yaml', LEFT);
    const right = manifest('right.yaml', RIGHT);
    await lateen('apply', '-f', left, '-f', right);
    const [one, other] = await Promise.all([opened('left-lateen', 80), opened('right-lateen', 80)]);
    expect(portOf(one, 80)).not.toBe(portOf(other, 80));
    expect(one.pid).not.toBe(other.pid);
    expect(one.spiffeId).toBe('spiffe://cluster.local/ns/default/sa/left-lateen');
    expect((await answers(one, '/details/0')).body).toContain('author');
    expect((await answers(other, '/ratings/0')).body).toContain('Reviewer1');
    expect((await call(one, '/ratings/0')).body, 'details knows no ratings').not.toContain('Reviewer1');

    // Another port, in the process that runs.
    manifest('left.yaml', LEFT.replace('port: 80,', 'port: 8088,'));
    await lateen('apply', '-f', left);
    const moved = await opened('left-lateen', 8088);
    expect(moved.pid).toBe(one.pid);
    expect((await answers(moved, '/details/0', 8088)).status).toBe(200);
    await eventually('the old port is closed', () =>
      call(one, '/details/0').then(
        () => false,
        () => true,
      ),
    );

    await lateen('delete', '-f', left);
    await eventually('it ends', async () => (await gateway('left-lateen')) === undefined);
    expect(isRunning(one.pid ?? 0)).toBe(false);
    expect((await call(other, '/ratings/0')).status).toBe(200);
    await lateen('delete', '-f', right);
  });

  it('are found on the same ports after a restart', async () => {
    sandbox.write('left.yaml', LEFT);
    const before = await opened('left-lateen', 80);
    sandbox.write('another.yaml', text('another', '[{name: http, port: 80, protocol: HTTP}]', 'details'));
    const another = await opened('another-lateen', 80);
    await lateen('down');
    const status = await sandbox.up();
    const found = status.gateways.map((each) => [each.name, portOf(each, 80)]);
    expect(found).toContainEqual(['left-lateen', portOf(before, 80)]);
    expect(found).toContainEqual(['another-lateen', portOf(another, 80)]);
    sandbox.write('left.yaml', '');
    sandbox.write('another.yaml', '');
    await eventually('both end', async () => (await sandbox.status()).gateways.length === 1);
  });

  it('have names by which they are explained and shown', async () => {
    const right = manifest('right.yaml', RIGHT);
    await lateen('apply', '-f', right);
    await answers(await opened('right-lateen', 80), '/ratings/0');
    const explained = await lateen('explain', 'right-lateen', 'GET', 'http://ratings.example.com/ratings/0');
    expect(explained).toContain('default/right rules[0]');
    expect(explained).toContain('outbound|9080||ratings.default.svc.cluster.local');
    expect(await lateen('proxy-config', 'listeners', 'right-lateen')).toContain('gateway|80');
    expect(await lateen('proxy-config', 'routes', 'right-lateen')).toContain('right');
    expect(await lateen('get', 'gateways.gateway.networking.k8s.io')).toMatch(/right +lateen +.*localhost:\d+/);
    const shown = await lateen('get', 'gtw', 'right', '-o', 'json');
    expect(JSON.parse(shown).status).toMatchObject({
      addresses: [{ type: 'IPAddress', value: '127.0.0.1' }],
      conditions: [
        { type: 'Accepted', status: 'True' },
        { type: 'Programmed', status: 'True' },
        { type: 'ResolvedRefs', status: 'True' },
      ],
      listeners: [{ name: 'http', attachedRoutes: 1 }],
    });
    await lateen('delete', '-f', right);
  });

  it('end TLS with a Secret, and redirect to the port where that is', async () => {
    const key = join(sandbox.home, 'key.pem');
    const cert = join(sandbox.home, 'cert.pem');
    const subject = ['-subj', '/CN=shop.example.com', '-addext', 'subjectAltName=DNS:shop.example.com'];
    const made = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '1'];
    execFileSync('openssl', [...made, '-keyout', key, '-out', cert, ...subject], { stdio: 'ignore' });
    const secure = text(
      'secure',
      '[{name: http, port: 80, protocol: HTTP}, {name: https, port: 443, protocol: HTTPS, tls: {certificateRefs: [{name: shop}]}}]',
      'details',
    ).replace('{name: secure}]', '{name: secure, sectionName: https}]');
    const file = manifest(
      'secure.yaml',
      `${secure}---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: to-https}
spec:
  parentRefs: [{name: secure, sectionName: http}]
  rules: [{filters: [{type: RequestRedirect, requestRedirect: {scheme: https}}]}]
---
apiVersion: v1
kind: Secret
metadata: {name: shop}
type: kubernetes.io/tls
data:
  tls.crt: ${readFileSync(cert).toString('base64')}
  tls.key: ${readFileSync(key).toString('base64')}
`,
    );
    await lateen('apply', '-f', file);
    const at = await opened('secure-lateen', 80, 443);
    const location = await eventually('it redirects', async () => {
      const { status, headers } = await fetchText(`http://localhost:${portOf(at, 80)}/details/0`);
      return status === 302 && headers.location;
    });
    expect(location).toBe(`https://localhost:${portOf(at, 443)}/details/0`);
    const ca = readFileSync(cert);
    const body = await eventually('it answers over TLS', () => fetchSecurely(location as string, ca));
    expect(body).toContain('author');
    await lateen('delete', '-f', file);
  });

  it('are served by the ingress gateway where an address names its Service', async () => {
    const file = manifest(
      'shared.yaml',
      text('shared', '[{name: http, port: 80, protocol: HTTP, hostname: shared.example.com}]', 'details').replace(
        'gatewayClassName: lateen',
        'gatewayClassName: lateen\n  addresses: [{type: Hostname, value: istio-ingressgateway.istio-system.svc.cluster.local}]',
      ),
    );
    await lateen('apply', '-f', file);
    const { url } = (await gateway('istio-ingressgateway')) as GatewayStatus;
    const answer = await eventually('it answers', async () => {
      const found = await fetchText(`${url}/details/0`, { host: 'shared.example.com' });
      return found.status === 200 && found;
    });
    expect(answer.body).toContain('author');
    expect((await fetchText(`${url}/productpage`)).status, 'what was there before').toBe(200);
    expect((await sandbox.status()).gateways.map(({ name }) => name)).toEqual(['istio-ingressgateway']);
    await lateen('delete', '-f', file);
  });
});

function fetchSecurely(url: string, ca: Buffer): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = httpsRequest(url, { ca, servername: 'shop.example.com', agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('end', () => (response.statusCode === 200 ? resolve(text) : reject(new Error(text))));
    });
    request.on('error', reject);
    request.end();
  });
}
