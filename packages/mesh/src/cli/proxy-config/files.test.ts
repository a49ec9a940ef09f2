import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { commands } from '../commands.ts';
import { printError } from '../errors.ts';
import { captureContext } from '../fixtures/capture.ts';
import { runProgram } from '../program.ts';

const MESH = `apiVersion: apps/v1
kind: Deployment
metadata: {name: shop}
spec:
  replicas: 2
  selector: {matchLabels: {app: shop}}
  template: {metadata: {labels: {app: shop}}, spec: {containers: [{name: app, image: x, ports: [{containerPort: 80}]}]}}
---
apiVersion: v1
kind: Service
metadata: {name: shop}
spec: {selector: {app: shop}, ports: [{name: http, port: 80}]}
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: front}
spec: {selector: {istio: ingressgateway}, servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: ["*"]}]}
`;
const RULE = `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: shop}
spec:
  hosts: [shop]
  http:
    - match: [{uri: {prefix: /old}}]
      redirect: {uri: /new}
`;
const SIDECAR = `apiVersion: networking.istio.io/v1
kind: Sidecar
metadata: {name: narrow}
spec: {egress: [{hosts: [./shop.default.svc.cluster.local]}]}
`;

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'lateen-proxy-config-'));
  writeFileSync(join(dir, 'mesh.yaml'), MESH);
});
afterEach(() => rmSync(dir, { recursive: true }));

async function lateen(line: string, stdin = '') {
  const captured = captureContext({ cwd: dir, stdin });
  let exitCode: number;
  try {
    exitCode = await runProgram(commands, ['proxy-config', ...line.split(' ')], captured.context);
  } catch (error) {
    exitCode = printError(captured.context.terminal.stderr, error);
  }
  return { exitCode, stdout: captured.stdout(), stderr: captured.stderr() };
}

test('what the proxies of a mesh of files would hold, with the files and lines behind it', async () => {
  const routes = await lateen('routes shop -f mesh.yaml -f - --fqdn shop.default.svc.cluster.local', RULE);
  expect(routes.stderr).toBe('shop has 2 replicas; this is shop-0\n');
  expect(routes.stdout).toMatch(/\/old\* +redirect: \/new +stdin:7\n/);
  const endpoints = await lateen(
    'endpoints shop-1 -f . --fqdn shop.default.svc.cluster.local --direction outbound -o json',
  );
  const [{ endpoints: groups }] = JSON.parse(endpoints.stdout);
  expect(groups[0].lb_endpoints).toHaveLength(2);
  expect((await lateen('listeners gateway -f .')).stdout).toMatch(/gateway\|80 .* mesh\.yaml:17\n/);
});

test('what cannot be shown of files is refused', async () => {
  expect(await lateen('secrets shop -f .')).toEqual({
    exitCode: 2,
    stdout: '',
    stderr: 'error LAT0501: Only a running Envoy knows its secrets.\n  Leave out -f, or ask for something else.\n',
  });
  expect((await lateen('clusters shop -f . --mesh a')).stderr).toContain(
    'LAT0501: Files are looked at without a mesh.',
  );
  expect((await lateen('clusters shp -f .')).stderr).toContain('LAT0534');
  writeFileSync(join(dir, 'wrong.yaml'), RULE.replace('hosts', 'host'));
  expect(await lateen('clusters shop -f .')).toMatchObject({
    exitCode: 1,
    stderr: expect.stringContaining('wrong.yaml:5'),
  });
});

test('the scope of a proxy: one row for each service, and why it is there', async () => {
  const all = await lateen('scope shop-0 -f .');
  expect(all.stderr).toBe('');
  expect(all.stdout).toMatch(
    /^HOST +NAMESPACE +PORTS +WHY\n.*\nshop\.default\.svc\.cluster\.local +default +80\/http +all of the mesh that the namespace sees\n/s,
  );
  writeFileSync(join(dir, 'sidecar.yaml'), SIDECAR);
  const listed = await lateen('scope shop-0 -f .');
  expect(listed.stdout).toMatch(/^HOST .*\nshop\.default\.svc\.cluster\.local .* listed by Sidecar default\/narrow\n$/);
  expect(JSON.parse((await lateen('scope shop-0 -f . -o json --port 81')).stdout)).toMatchObject({
    name: 'shop-0.default',
    scoping: 'listed',
    services: [],
  });
});

test('the scope as a Sidecar that means the same', async () => {
  writeFileSync(join(dir, 'sidecar.yaml'), SIDECAR);
  const { stdout } = await lateen('scope shop -f . --as-sidecar');
  expect(stdout).toBe(`apiVersion: networking.istio.io/v1
kind: Sidecar
metadata:
  name: shop
  namespace: default
spec:
  workloadSelector:
    labels:
      app: shop
  egress:
    - hosts:
        - default/shop.default.svc.cluster.local
`);
  const before = await lateen('scope shop-0 -f . -o json');
  writeFileSync(join(dir, 'sidecar.yaml'), stdout);
  const after = await lateen('scope shop-0 -f . -o json');
  expect(after.stdout).toBe(before.stdout.replaceAll('"narrow"', '"shop"'));
  expect((await lateen('clusters shop -f . --as-sidecar')).stderr).toContain('--as-sidecar is not for clusters.');
  expect((await lateen('scope shop -f . --as-sidecar --port 80')).stderr).toContain('LAT0501');
});

test('no Sidecar is printed that would limit other workloads as well', async () => {
  writeFileSync(join(dir, 'twin.yaml'), MESH.slice(0, MESH.indexOf('---')).replace('name: shop', 'name: twin'));
  expect((await lateen('scope shop -f . --as-sidecar')).stderr).toContain('LAT0760');
});
