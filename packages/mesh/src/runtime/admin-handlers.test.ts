import type { ApplyRequest } from '@lateen/api/admin.ts';
import { DiagnosticError, hasErrors } from '@lateen/api/diagnostic.ts';
import type { ConfigObject } from '@lateen/api/kinds.ts';
import { expect, onTestFinished, test, vi } from 'vitest';
import { networkingText, sidecarOf } from '#pilot/testing/pilot-of.ts';
import { adminHandlers } from './admin-handlers.ts';
import { type SupervisedControlPlane, startControlPlane } from './testing/start-control-plane.ts';

const sidecar = sidecarOf('app-0');

function configMap(name: string): string {
  return `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ${name}}\n`;
}

function service(name: string): string {
  return `apiVersion: v1\nkind: Service\nmetadata: {name: ${name}}\nspec: {selector: {app: a}, ports: [{port: 80, name: http}]}\n`;
}

function request(manifest: string, more: Partial<ApplyRequest> = {}): ApplyRequest {
  return { manifest, file: 'one.yaml', mode: 'apply', ...more };
}

function objectsOf({ plane }: SupervisedControlPlane): string[] {
  return [...plane.store.objects.keys()].sort();
}

test('nothing of a call takes effect if one of its objects is invalid', async () => {
  const supervised = await startControlPlane();
  const { apply } = adminHandlers(supervised.plane);
  const invalid = `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: a}
spec:
  hots: [a]
  http: [{route: [{destination: {host: a}}]}]
`;
  const refused = apply(
    request(`${configMap('valid')}---\n${invalid}`, { more: [{ manifest: configMap('second'), file: 'two.yaml' }] }),
  );
  await expect(refused).rejects.toThrow(DiagnosticError);
  await expect(refused).rejects.toMatchObject({
    diagnostics: [{ code: 'LAT0110', file: 'one.yaml', line: 9, path: 'spec.hots' }],
  });
  expect(objectsOf(supervised)).toEqual([]);
});

test('all files of a call are applied, in its namespace unless they name another', async () => {
  const supervised = await startControlPlane();
  const { apply, objects } = adminHandlers(supervised.plane);
  const elsewhere = configMap('two').replace('name: two', 'name: two, namespace: elsewhere');
  const { objects: applied } = await apply(
    request(configMap('one'), { namespace: 'shop', more: [{ manifest: elsewhere, file: 'two.yaml' }] }),
  );
  expect(applied).toEqual([
    { kind: 'ConfigMap', namespace: 'shop', name: 'one', result: 'created' },
    { kind: 'ConfigMap', namespace: 'elsewhere', name: 'two', result: 'created' },
  ]);
  expect(objectsOf(supervised)).toEqual(['ConfigMap/elsewhere/two', 'ConfigMap/shop/one']);
  expect((await objects({ namespace: 'elsewhere' })).map(({ origin }) => origin)).toEqual([
    { file: 'two.yaml', line: 1, applied: true },
  ]);
  await apply(request(configMap('one')));
  expect(objectsOf(supervised)).toContain('ConfigMap/default/one');
});

test('an edit that an Envoy refuses fails, and what was before stays', async () => {
  const log = vi.spyOn(console, 'error').mockImplementation(() => {});
  onTestFinished(() => log.mockRestore());
  const supervised = await startControlPlane();
  const { apply } = adminHandlers(supervised.plane);
  await supervised.run(sidecar);
  const proxy = supervised.connect(sidecar);
  await supervised.synced(sidecar);
  const timeout = (seconds: number) =>
    networkingText(
      'VirtualService',
      'a',
      `{hosts: [a], http: [{timeout: ${seconds}s, route: [{destination: {host: a}}]}]}`,
    );
  await apply(request(`${service('a')}${timeout(1)}`));
  const before = supervised.plane.store.objects.get('VirtualService/default/a');
  proxy.answer = (type) => {
    if (type !== 'route') return undefined;
    proxy.answer = () => undefined;
    return 'too long';
  };
  await expect(apply(request(timeout(2)))).rejects.toMatchObject({
    diagnostics: [{ code: 'LAT0210', message: expect.stringContaining('too long') }],
  });
  expect(supervised.plane.store.objects.get('VirtualService/default/a')).toEqual(before);
  expect(hasErrors(supervised.plane.diagnostics())).toBe(false);
  expect((await apply(request(timeout(3)))).objects).toMatchObject([{ result: 'configured' }]);
});

test('a dry run changes nothing, and says what would be', async () => {
  const supervised = await startControlPlane();
  const { apply, remove } = adminHandlers(supervised.plane);
  await apply(request(configMap('there')));
  const both = request(configMap('new'), { dryRun: true, more: [{ manifest: configMap('there'), file: 'two.yaml' }] });
  expect((await apply(both)).objects.map(({ name, result }) => `${name} ${result}`)).toEqual([
    'new created',
    'there unchanged',
  ]);
  const there = { kind: 'ConfigMap', namespace: 'default', name: 'there' };
  expect((await remove({ objects: [there], dryRun: true })).objects).toEqual([{ ...there, result: 'deleted' }]);
  expect(objectsOf(supervised)).toEqual(['ConfigMap/default/there']);
});

test('what is to be deleted must be there, unless the caller does not mind', async () => {
  const supervised = await startControlPlane();
  const { apply, remove } = adminHandlers(supervised.plane);
  await apply(request(configMap('there')));
  const there = { kind: 'ConfigMap', namespace: 'default', name: 'there' };
  const objects = [there, { ...there, name: 'nowhere' }];
  await expect(remove({ objects })).rejects.toThrow('ConfigMap "nowhere" not found in namespace "default".');
  expect(objectsOf(supervised)).toEqual(['ConfigMap/default/there']);
  expect((await remove({ objects, ignoreNotFound: true })).objects).toEqual([{ ...there, result: 'deleted' }]);
  expect(objectsOf(supervised)).toEqual([]);
});

test('the answer to a change comes when the proxies have it', async () => {
  const supervised = await startControlPlane();
  const { apply, remove } = adminHandlers(supervised.plane);
  await supervised.run(sidecar);
  const proxy = supervised.connect(sidecar);
  await supervised.synced(sidecar);
  const cluster = 'outbound|80||a.default.svc.cluster.local';
  await apply(request(service('a')));
  expect(proxy.holds('cluster')).toContain(cluster);
  await remove({ objects: [{ kind: 'Service', namespace: 'default', name: 'a' }] });
  expect(proxy.holds('cluster')).not.toContain(cluster);
});

test('nobody is shown what a Secret holds', async () => {
  const supervised = await startControlPlane();
  const { apply, objects } = adminHandlers(supervised.plane);
  const manifest = `apiVersion: v1
kind: Secret
metadata:
  name: a
  annotations: {owner: me, kubectl.kubernetes.io/last-applied-configuration: '{"data":{"key":"aGVsbG8="}}'}
data: {key: aGVsbG8=}
stringData: {password: open sesame}
`;
  await apply(request(manifest));
  const [shown] = await objects({ kind: 'Secret' });
  expect(shown?.object).toEqual({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'a', namespace: 'default', annotations: { owner: 'me' } },
    data: { key: '<hidden>', password: '<hidden>' },
  });
  // What was shown is not taken for the values when it comes back.
  await expect(apply(request(JSON.stringify(shown?.object)))).rejects.toMatchObject({
    diagnostics: [{ path: 'data.key' }, { path: 'data.password' }],
  });
});

test('a Gateway of the Kubernetes API is shown as it is written, beside an Istio one of the same name', async () => {
  const { plane } = await startControlPlane();
  const { objects, remove } = adminHandlers(plane);
  const metadata = { name: 'edge', namespace: 'default' };
  const origin = { file: 'edge.yaml', line: 1, lineOf: () => 1 };
  const istio: ConfigObject = {
    apiVersion: 'networking.istio.io/v1',
    kind: 'Gateway',
    metadata,
    spec: { servers: [{ port: { number: 80, name: 'http', protocol: 'HTTP' }, hosts: ['*'] }] },
  };
  const kubernetes: ConfigObject = {
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'KubernetesGateway',
    metadata,
    spec: { gatewayClassName: 'lateen', listeners: [{ name: 'http', port: 80, protocol: 'HTTP' }] },
  };
  plane.store.apply(
    [istio, kubernetes].map((object) => ({ object, origin })),
    'apply',
  );
  const named = async (kind?: string) =>
    (await objects(kind === undefined ? {} : { kind })).map(({ object }) => `${object.apiVersion} ${object.kind}`);
  expect(await named()).toEqual(['networking.istio.io/v1 Gateway', 'gateway.networking.k8s.io/v1 Gateway']);
  expect(await named('KubernetesGateway')).toEqual(['gateway.networking.k8s.io/v1 Gateway']);
  await expect(
    remove({ objects: [{ kind: 'KubernetesGateway', namespace: 'default', name: 'other' }] }),
  ).rejects.toThrow('Gateway "other" not found');
  await remove({ objects: [{ kind: 'KubernetesGateway', namespace: 'default', name: 'edge' }] });
  expect(await named()).toEqual(['networking.istio.io/v1 Gateway']);
});
