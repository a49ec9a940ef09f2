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
