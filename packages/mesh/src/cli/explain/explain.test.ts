import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Journey } from '@lateen/api/verdict.ts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { commands } from '../commands.ts';
import { printError } from '../errors.ts';
import { captureContext } from '../fixtures/capture.ts';
import { runProgram } from '../program.ts';

const MESH = `apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template: {metadata: {labels: {app: web}}, spec: {containers: [{name: app, image: x}]}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: shop}
spec:
  selector: {matchLabels: {app: shop}}
  template: {metadata: {labels: {app: shop}}, spec: {containers: [{name: app, image: x, ports: [{containerPort: 80}]}]}}
---
apiVersion: v1
kind: Service
metadata: {name: shop}
spec: {selector: {app: shop}, ports: [{name: http, port: 80}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: shop}
spec:
  hosts: [shop]
  http:
    - match: [{uri: {prefix: /old}}]
      redirect: {uri: /new}
    - timeout: 2s
      rewrite: {uri: /v2/}
      route: [{destination: {host: shop}}]
`;

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'lateen-explain-'));
  writeFileSync(join(dir, 'mesh.yaml'), MESH);
});
afterEach(() => rmSync(dir, { recursive: true }));

async function lateen(...words: string[]) {
  const captured = captureContext({ cwd: dir });
  let exitCode: number;
  try {
    exitCode = await runProgram(commands, ['explain', ...words], captured.context);
  } catch (error) {
    exitCode = printError(captured.context.terminal.stderr, error);
  }
  return { exitCode, stdout: captured.stdout(), stderr: captured.stderr() };
}

describe('files are explained without a mesh', () => {
  test('proxy by proxy, with the rules that did not match and why, and the lines of all', async () => {
    const { stdout, exitCode } = await lateen('web', 'GET', 'http://shop/a', '-f', 'mesh.yaml');
    expect(exitCode).toBe(0);
    expect(stdout).toContain(
      '- default/shop http[0].match[0]: path starting with "/old"  (mesh.yaml:26)\n        no, ',
    );
    expect(stdout).toContain('+ default/shop http[1]: ');
    expect(stdout).toContain('(mesh.yaml:28)');
    expect(stdout).toContain('timeout 2000 ms');
    expect(stdout).toContain('path /a becomes /v2/a');
    expect(stdout).toMatch(/127\.0\.0\.1:\d+, shop-0\.default, mutual TLS with spiffe:\/\/cluster\.local/);
    expect(stdout).toMatch(/\nshop-0\.default\n {2}listener inbound\|80 /);
    expect(stdout).toMatch(/Ends\n {2}100 % {2}the application of shop-0\.default answers/);
  });

  test('replicas that do the same are shown once', async () => {
    const shop = MESH.replace('metadata: {name: shop}\nspec:\n', 'metadata: {name: shop}\nspec:\n  replicas: 3\n');
    writeFileSync(join(dir, 'mesh.yaml'), shop);
    const { stdout } = await lateen('web', 'GET', 'http://shop/a', '-f', 'mesh.yaml');
    expect(stdout).toContain('\nshop-0.default, and alike shop-1.default, shop-2.default\n');
    expect(stdout.match(/listener inbound\|80/g)).toHaveLength(1);
    expect(stdout).toMatch(/33\.3 % {2}the application of shop-2\.default answers/);
  });

  test('with what becomes of the path before rules look at it, and of the headers of the answer', async () => {
    const headers = MESH.replace('timeout: 2s', 'headers: {response: {set: {x-by: shop}, remove: [server]}}');
    writeFileSync(join(dir, 'mesh.yaml'), headers);
    const { stdout } = await lateen('web', 'GET', 'http://shop/old/../a', '-f', 'mesh.yaml');
    expect(stdout).toContain('path /old/../a becomes /a\n');
    expect(stdout).toContain('path /a becomes /v2/a\n');
    expect(stdout).toMatch(/headers of the answer: .*x-by: shop/);
    expect(stdout).toMatch(/headers of the answer: .*without server/);
  });

  test('as data', async () => {
    const { stdout } = await lateen('web', 'GET', 'http://shop/old', '-f', 'mesh.yaml', '-o', 'json');
    const { outcomes, start } = JSON.parse(stdout) as Journey;
    expect(outcomes).toMatchObject([{ share: 1, end: { type: 'answer', by: 'redirect', status: 301 } }]);
    expect(start.proxy).toBe('web-0.default');
    expect(JSON.stringify(start)).toContain('"file":"mesh.yaml","line":26');
  });

  test('with EnvoyFilters that ask for what a proxy says of itself', async () => {
    const filter = `---
apiVersion: networking.istio.io/v1alpha3
kind: EnvoyFilter
metadata: {name: hello}
spec:
  configPatches:
    - applyTo: HTTP_ROUTE
      match: {context: SIDECAR_OUTBOUND, proxy: {proxyVersion: ^1, metadata: {WORKLOAD_NAME: web}}}
      patch: {operation: MERGE, value: {direct_response: {status: 418}}}
`;
    writeFileSync(join(dir, 'mesh.yaml'), `${MESH}${filter}`);
    const { stdout } = await lateen('web', 'GET', 'http://shop/a', '-f', 'mesh.yaml');
    expect(stdout).toMatch(/Ends\n {2}100 % {2}is answered with 418/);
  });

  test('at the ports of this machine that a gateway would open', async () => {
    const gateway = `---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: gate}
spec:
  selector: {istio: ingressgateway}
  servers:
    - {port: {number: 80, name: http, protocol: HTTP}, hosts: ['*']}
    - {port: {number: 8080, name: other, protocol: HTTP}, hosts: ['*']}
`;
    writeFileSync(join(dir, 'mesh.yaml'), `${MESH}${gateway}`);
    const { stdout } = await lateen('gateway', 'GET', 'http://localhost/', '-f', 'mesh.yaml');
    expect(stdout).toContain(' at 127.0.0.1:8080');
    expect((await lateen('gateway', 'GET', 'http://localhost:8080/', '-f', 'mesh.yaml')).exitCode).toBe(0);
    expect((await lateen('gateway', 'GET', 'http://localhost:81/', '-f', 'mesh.yaml')).stderr).toContain('80, 8080');
  });

  test('what a consistent hash goes by, and what is not said of it', async () => {
    const rule = (key: string) =>
      `---\napiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {name: shop}\nspec: {host: shop, trafficPolicy: {loadBalancer: {consistentHash: {${key}}}}}\n`;
    let protocol = 'http';
    const chosen = async (key: string, ...words: string[]) => {
      writeFileSync(join(dir, 'mesh.yaml'), MESH.replace('name: http', `name: ${protocol}`) + rule(key));
      const { stdout } = await lateen('web', 'GET', ...words, '-f', 'mesh.yaml');
      return /the endpoint is chosen by (.*)\n +(.*)/.exec(stdout)?.slice(1);
    };
    const notComputed =
      'requests that agree in it go to the same one as long as that is healthy; which one is not computed';
    expect(await chosen('httpHeaderName: user', 'http://shop/', '-H', 'user: kate')).toEqual([
      'header user',
      notComputed,
    ]);
    expect(await chosen('httpHeaderName: user', 'http://shop/')).toEqual([
      'header user (which the request lacks)',
      'so each request goes to any of them',
    ]);
    expect(await chosen('useSourceIp: true', 'http://shop/')).toEqual(['source address', notComputed]);
    protocol = 'tcp';
    expect(await chosen('useSourceIp: true', 'tcp://shop:80')).toEqual(['source address', notComputed]);
  });

  test('calls of TCP and of unknown hosts have an end as well', async () => {
    const tcp = await lateen('web', 'GET', 'tcp://shop:80', '-f', 'mesh.yaml');
    expect(tcp.exitCode).toBe(0);
    expect(tcp.stdout).toContain('Ends\n');
    expect((await lateen('web', 'GET', 'http://example.com/', '-f', 'mesh.yaml')).stdout).toMatch(
      /goes to example\.com:80, outside of the mesh/,
    );
  });
});

test.each([
  [['wob', 'GET', 'http://shop/'], 'LAT0534', "did you mean 'web'"],
  [['web', 'GET', 'shop'], 'LAT0560', 'not a URL'],
  [['web', 'GET', 'tcp://shop:81'], 'LAT0561', 'does not listen for shop:81'],
  [['web', 'GET', 'http://shop/', '-H', 'nothing'], '', 'is not a header'],
  [['web', 'GET', 'http://shop/', '--verify'], '', 'without a mesh'],
])('%j is refused', async (words, code, message) => {
  const { exitCode, stderr, stdout } = await lateen(...words, '-f', 'mesh.yaml');
  expect(exitCode).toBeGreaterThan(0);
  expect(stdout).toBe('');
  expect(stderr).toContain(code);
  expect(stderr).toContain(message);
});

test('files that are wrong are told before anything else', async () => {
  writeFileSync(join(dir, 'mesh.yaml'), MESH.replace('timeout: 2s', 'timeout: soon'));
  const { stderr, exitCode } = await lateen('web', 'GET', 'http://shop/', '-f', 'mesh.yaml');
  expect(exitCode).toBe(1);
  expect(stderr).toContain('mesh.yaml:28');
});
