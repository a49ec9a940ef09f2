import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { commands } from '../commands.ts';
import { printError } from '../errors.ts';
import { captureContext } from '../fixtures/capture.ts';
import { runProgram } from '../program.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'lateen-check-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

function write(path: string, text: string): void {
  mkdirSync(dirname(join(dir, path)), { recursive: true });
  writeFileSync(join(dir, path), text);
}

async function lateen(line: string, stdin = '') {
  const captured = captureContext({ cwd: dir, stdin });
  let exitCode: number;
  try {
    exitCode = await runProgram(commands, line.split(' '), captured.context);
  } catch (error) {
    exitCode = printError(captured.context.terminal.stderr, error);
  }
  return { exitCode, stdout: captured.stdout(), stderr: captured.stderr() };
}

const SERVICE = 'apiVersion: v1\nkind: Service\nmetadata: {name: reviews}\nspec: {ports: [{port: 80, name: http}]}\n';
const RULE = `apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: reviews}
spec: {host: reviews, subsets: [{name: v1, labels: {version: v1}}]}
`;

function rules(subset: string, weights: readonly [number, number] = [50, 50]): string {
  return `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: reviews}
spec:
  hosts: [reviews]
  http:
    - route:
        - {destination: {host: reviews}, weight: ${weights[0]}}
        - destination: {host: reviews, subset: ${subset}}
          weight: ${weights[1]}
    - name: late
      match: [{uri: {prefix: /a}}]
      redirect: {uri: /}
`;
}

test('a whole mesh is checked as it would be when it starts, by file', async () => {
  write('app/service.yaml', SERVICE);
  write('app/rules.yaml', `${RULE}---\n${rules('v9')}`);
  write('app/routes/other.yaml', rules('v1'));
  expect(await lateen('validate app')).toEqual({
    exitCode: 1,
    stderr: 'app/routes/ is not read; name it to read it\n',
    stdout: `app/rules.yaml
  14  error LAT0202: reviews.default.svc.cluster.local has no subset "v9"; did you mean "v1"?
      VirtualService default/reviews spec.http[0].route[1].destination.subset
  16  warning LAT0601: the rule late is never used: http[0] takes every request that it matches
      VirtualService default/reviews spec.http[1]

1 error, 1 warning in 3 objects of 2 files.
`,
  });
});

test('what is only worth knowing is told by analyze, and changes no exit code', async () => {
  write('a.yaml', `${SERVICE}---\n${RULE}---\n${rules('v1', [1, 2]).split('    - name')[0]}`);
  expect(await lateen('validate a.yaml')).toEqual({
    exitCode: 0,
    stderr: '',
    stdout: 'Nothing is wrong in 3 objects of 1 file.\n',
  });
  const analyzed = await lateen('analyze a.yaml');
  expect(analyzed.exitCode).toBe(0);
  expect(analyzed.stdout).toContain('  info LAT0604: the weights add up to 3');
  expect(analyzed.stdout).toContain('1 remark in 3 objects of 1 file.');
});

test('for machines: a list of all that is known of each, and null for the rest', async () => {
  write('a.yaml', `${SERVICE}---\n${RULE}---\n${rules('v1').split('    - name')[0]}---\n- a list\n`);
  const { stdout, exitCode } = await lateen('validate a.yaml -o json');
  expect(exitCode).toBe(1);
  expect(JSON.parse(stdout)).toEqual([
    {
      code: 'LAT0104',
      severity: 'error',
      message: 'expected an object with apiVersion, kind and metadata',
      object: null,
      file: 'a.yaml',
      line: 22,
      path: '',
    },
  ]);
  write('b.yaml', SERVICE);
  expect(await lateen('validate b.yaml -o json')).toEqual({ exitCode: 0, stderr: '', stdout: '[]\n' });
});

test('the standard input, together with files, in a namespace', async () => {
  write('a.yaml', SERVICE);
  const { stdout, exitCode } = await lateen('validate a.yaml - -n shop -o json', `${RULE}---\n${rules('v9')}`);
  expect(exitCode).toBe(1);
  expect(JSON.parse(stdout)[0]).toMatchObject({
    code: 'LAT0202',
    object: { kind: 'VirtualService', namespace: 'shop', name: 'reviews' },
    file: 'stdin',
    line: 14,
  });
});

test('without any service, files are a part of a mesh: only what they say of one another is judged', async () => {
  const text = rules('v9').split('    - name')[0] ?? '';
  write('routes.yaml', text);
  expect(await lateen('validate routes.yaml')).toEqual({
    exitCode: 0,
    stderr: 'no Service is among the files, so hosts that they name were not looked for\n',
    stdout: 'Nothing is wrong in 1 object of 1 file.\n',
  });
  write('rule.yaml', RULE);
  expect((await lateen('validate routes.yaml rule.yaml')).stdout).toContain('has no subset "v9"');
  // For analyze they are all there is.
  expect((await lateen('analyze routes.yaml')).stdout).toContain('LAT0201: there is no service reviews');
});

test('a command line that makes no sense, and files that are not there', async () => {
  write('empty/readme.md', '');
  expect((await lateen('validate')).exitCode).toBe(2);
  expect((await lateen('analyze a.yaml --mesh a')).exitCode).toBe(2);
  expect((await lateen('validate - -')).exitCode).toBe(2);
  expect(await lateen('validate gone.yaml')).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('LAT0506') });
  expect(await lateen('validate empty')).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('LAT0507') });
});

test('patches that find nothing in any proxy are told where all of the mesh is there', async () => {
  const deployment =
    'apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: reviews}\nspec:\n  selector: {matchLabels: {app: reviews}}\n' +
    '  template: {metadata: {labels: {app: reviews}}, spec: {containers: [{name: app, image: x}]}}\n';
  const filter = (cluster: string) => `apiVersion: networking.istio.io/v1alpha3
kind: EnvoyFilter
metadata: {name: timeouts}
spec:
  configPatches:
    - applyTo: CLUSTER
      match: {cluster: {service: ${cluster}}}
      patch: {operation: MERGE, value: {connect_timeout: 1s}}
`;
  write('mesh.yaml', `${SERVICE}---\n${deployment}`);
  write('filter.yaml', filter('revews.default.svc.cluster.local'));
  expect((await lateen('analyze mesh.yaml filter.yaml')).stdout).toContain(
    `filter.yaml
  6  warning LAT0531: matches nothing: no cluster of the proxies that are selected fits
     EnvoyFilter default/timeouts spec.configPatches[0]
`,
  );
  expect((await lateen('validate filter.yaml')).stdout, 'a part of a mesh').not.toContain('LAT0531');
  write('filter.yaml', filter('reviews.default.svc.cluster.local'));
  expect((await lateen('analyze mesh.yaml filter.yaml')).stdout).not.toContain('LAT0531');
});

const HTTP_ROUTE = `apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: web}
spec:
  parentRefs: [{name: gone}]
  rules:
    - backendRefs: [{name: reviews, port: 80}]
    - backendRefs: [{name: revews, port: 80}]
`;

test('routes of the Gateway API are followed to their parents and backends', async () => {
  write('service.yaml', SERVICE);
  write('route.yaml', HTTP_ROUTE);
  expect(await lateen('validate service.yaml route.yaml')).toMatchObject({
    exitCode: 0,
    stdout: `route.yaml
  5  warning LAT0740: there is no Gateway default/gone
     HTTPRoute default/web spec.parentRefs[0]
  8  warning LAT0743: there is no Service default/revews
     HTTPRoute default/web spec.rules[1].backendRefs[0]

2 warnings in 2 objects of 2 files.
`,
  });
  expect((await lateen('validate route.yaml')).stdout).not.toMatch(/LAT07/);
  const { stdout } = await lateen('analyze route.yaml');
  expect(stdout.match(/LAT07\d\d/g)).toEqual(['LAT0740', 'LAT0743', 'LAT0743']);
});
