import { describe, expect, test } from 'vitest';
import { parseDocuments } from '#pilot/config/parse.ts';
import { networkingText, serviceText, sidecarOf } from '#pilot/testing/pilot-of.ts';
import { MeshFolder, type SupervisedControlPlane, startControlPlane } from './testing/start-control-plane.ts';
import { waitFor } from './wait-for.ts';

const sidecar = sidecarOf('app-0');
const ref = { kind: 'VirtualService', namespace: 'default', name: 'a' };
const request = { objects: [ref], for: 'delivery', timeoutMs: 10_000 } as const;

function routes(path: string): string {
  const spec = `{hosts: [a], http: [{match: [{uri: {prefix: ${path}}}], route: [{destination: {host: a}}]}]}`;
  return networkingText('VirtualService', 'a', spec);
}

function apply({ plane }: SupervisedControlPlane, text: string): void {
  plane.store.apply(parseDocuments(text, 'typed.yaml', { defaultNamespace: 'default' }).objects, 'apply');
}

async function running() {
  const text = serviceText('a', '[{port: 80, name: http, targetPort: web}]') + routes('/one');
  const supervised = await startControlPlane(new MeshFolder({ 'a.yaml': text }));
  await supervised.run(sidecar);
  const proxy = supervised.connect(sidecar);
  await supervised.synced(sidecar);
  return { supervised, proxy, plane: supervised.plane };
}

describe('lateen wait', () => {
  test('returns when the proxy has answered, and not before', async () => {
    const { supervised, proxy, plane } = await running();
    const { promise: mayAnswer, resolve: answer } = Promise.withResolvers<void>();
    let hasAnswered = false;
    proxy.answer = async () => {
      await mayAnswer;
      hasAnswered = true;
      return undefined;
    };
    apply(supervised, routes('/two'));
    const waiting = waitFor(plane, request).then(() => hasAnswered);
    await expect(waitFor(plane, { ...request, timeoutMs: 20 })).rejects.toMatchObject({
      code: 'LAT0736',
      message: expect.stringContaining('app-0'),
    });
    answer();
    expect(await waiting).toBe(true);
    // There is nothing more to wait for.
    await waitFor(plane, { ...request, timeoutMs: 0 });
  });

  test('fails with the words of the proxy that refuses it', async () => {
    const { supervised, proxy, plane } = await running();
    proxy.answer = (type) => (type === 'listener' ? undefined : 'no such prefix');
    apply(supervised, routes('/two'));
    await expect(waitFor(plane, request)).rejects.toMatchObject({
      code: 'LAT0735',
      message: expect.stringContaining('no such prefix'),
    });
  });

  test('an object that is not there, and one that has to go', async () => {
    const { supervised, plane } = await running();
    const other = { ...request, objects: [{ ...ref, name: 'b' }] };
    await expect(waitFor(plane, other)).rejects.toMatchObject({ code: 'LAT0737', status: 404 });
    const gone = { ...request, for: 'delete' } as const;
    await expect(waitFor(plane, gone)).rejects.toMatchObject({ code: 'LAT0737', status: 409 });
    plane.store.remove(['VirtualService/default/a']);
    await waitFor(plane, gone);
    expect(supervised.last('proxies')?.proxies['app-0.default']?.rejected).toBeUndefined();
  });
});

test('the metrics tell of a change and of its answer', async () => {
  const { supervised, plane } = await running();
  const before = metric(plane.metrics(), 'pilot_change_convergence_time_count');
  apply(supervised, routes('/two'));
  await waitFor(plane, request);
  const after = plane.metrics();
  expect(metric(after, 'pilot_change_convergence_time_count')).toBe(before + 1);
  expect(metric(after, 'pilot_xds')).toBe(1);
  expect(metric(after, 'pilot_xds_queue{for="answer"}')).toBe(0);
  expect(metric(after, 'pilot_xds_sent_bytes_total{type="cluster"}')).toBeGreaterThan(100);
  expect(metric(after, 'pilot_stage_time_count{stage="admit"}')).toBeGreaterThan(0);
  expect(metric(after, 'pilot_stage_time_count{stage="push"}')).toBeGreaterThan(0);
});

function metric(metrics: string, name: string): number {
  const line = metrics.split('\n').find((each) => each.startsWith(`${name} `));
  return Number(line?.slice(name.length + 1) ?? Number.NaN);
}
