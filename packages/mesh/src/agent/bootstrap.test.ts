import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { WorkloadInstance } from '@lateen/api/workload-instance.ts';
import { expect, test } from 'vitest';
import { buildBootstrap } from './bootstrap.ts';
import { findEnvoy } from './envoy/find.ts';
import { drain, runEnvoy, stopEnvoy, waitReady } from './envoy/run.ts';
import { freePorts } from './secrets/testing/mtls-envoy.ts';

const instance: WorkloadInstance = {
  name: 'reviews-v1-0',
  namespace: 'default',
  role: 'sidecar',
  workload: 'reviews-v1',
  labels: { app: 'reviews', version: 'v1' },
  serviceAccount: 'bookinfo-reviews',
  address: '127.0.0.1',
  ports: [],
  health: 'starting',
  capture: { mode: 'explicit', httpProxyPort: 15001, servicePorts: {} },
};
const options = {
  instance,
  adminPort: 15000,
  xdsSocket: '/run/lateen/xds.sock',
  sdsSocket: '/run/lateen/reviews.sock',
  trustDomain: 'cluster.local',
  meshId: 'default',
};

test('says who the workload is, in the words of Istio', () => {
  expect(buildBootstrap(options).node).toEqual({
    id: 'sidecar~127.0.0.1~reviews-v1-0.default~default.svc.cluster.local',
    cluster: 'reviews.default',
    metadata: {
      NAME: 'reviews-v1-0',
      NAMESPACE: 'default',
      WORKLOAD_NAME: 'reviews-v1',
      OWNER: 'kubernetes://apis/apps/v1/namespaces/default/deployments/reviews-v1',
      LABELS: { app: 'reviews', version: 'v1' },
      SERVICE_ACCOUNT: 'bookinfo-reviews',
      INSTANCE_IPS: '127.0.0.1',
      CLUSTER_ID: 'Kubernetes',
      MESH_ID: 'default',
      TRUST_DOMAIN: 'cluster.local',
      INTERCEPTION_MODE: 'NONE',
    },
  });
});

test('the cluster is the workload where there is no app label', () => {
  const node = (labels: Record<string, string>): unknown => {
    const { node } = buildBootstrap({ ...options, instance: { ...instance, labels } });
    return (node as { cluster: string }).cluster;
  };
  expect(node({ 'app.kubernetes.io/name': 'critic' })).toBe('critic.default');
  expect(node({})).toBe('reviews-v1.default');
});

test('Envoy accepts it', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'lat-'));
  try {
    const file = join(dir, 'envoy.json');
    await writeFile(file, JSON.stringify(buildBootstrap(options)));
    const { path } = await findEnvoy();
    const { stdout, stderr } = await promisify(execFile)(path, ['--mode', 'validate', '-c', file, '-l', 'warning']);
    expect(stdout).toContain('OK');
    // Envoy warns of deprecated and unknown fields.
    expect(stderr).toBe('');
  } finally {
    await rm(dir, { recursive: true });
  }
}, 60_000);

test('pages in a browser can neither end an Envoy nor change how it works', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'lat-'));
  const [adminPort = 0] = await freePorts(1);
  const admin = `http://127.0.0.1:${adminPort}`;
  const { path } = await findEnvoy();
  const bootstrap = buildBootstrap({ ...options, adminPort, drainToken: 'known-to-us' });
  const envoy = await runEnvoy({ path, bootstrap, dir, logFile: join(dir, 'envoy.log') });
  try {
    // It has no control plane, so it is not ready; but it answers.
    await expect(waitReady(admin, { envoy, timeoutMs: 500 })).rejects.toThrow('PRE_INITIALIZING');
    const post = async (target: string) => (await fetch(`${admin}${target}`, { method: 'POST' })).status;
    for (const target of [
      '/drain_listeners',
      '/drain_listeners?graceful',
      '/drain_listeners?graceful&guessed',
      '/logging?level=trace',
      '/quitquitquit',
      '/healthcheck/fail',
      '/runtime_modify?a=b',
    ]) {
      expect([target, await post(target)]).toEqual([target, 403]);
    }
    await drain(admin, 'known-to-us');
  } finally {
    await stopEnvoy(envoy);
    await rm(dir, { recursive: true });
  }
}, 60_000);
