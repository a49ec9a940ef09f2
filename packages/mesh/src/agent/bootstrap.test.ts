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
      NETWORK: '',
      ISTIO_VERSION: '1.30.0',
      MESH_ID: 'default',
      TRUST_DOMAIN: 'cluster.local',
      INTERCEPTION_MODE: 'NONE',
    },
  });
});

test('tells what the environment of the Envoy says of its node, but not who it is', () => {
  const environment = { ISTIO_META_TIER: 'front', ISTIO_META_NAMESPACE: 'other', TIER: 'none' };
  const { metadata } = buildBootstrap({ ...options, environment }).node as { metadata: unknown };
  expect(metadata).toMatchObject({ TIER: 'front', NAMESPACE: 'default' });
});

test('the cluster is the workload where there is no app label', () => {
  const node = (labels: Record<string, string>): unknown => {
    const { node } = buildBootstrap({ ...options, instance: { ...instance, labels } });
    return (node as { cluster: string }).cluster;
  };
  expect(node({ 'app.kubernetes.io/name': 'critic' })).toBe('critic.default');
  expect(node({})).toBe('reviews-v1.default');
});

/** What stands at a path of fields, by the names that Envoy's API gives them. */
function field(...names: (string | number)[]): unknown {
  return names.reduce<unknown>((value, name) => (value as Record<string, unknown>)[name], buildBootstrap(options));
}

test('Envoy is back in touch with a restarted control plane within a second, where its own default is up to 30', () => {
  expect(field('dynamic_resources', 'ads_config', 'grpc_services')).toEqual([
    {
      envoy_grpc: {
        cluster_name: 'xds-grpc',
        retry_policy: { retry_back_off: { base_interval: '0.05s', max_interval: '1s' } },
      },
    },
  ]);
});

test('Envoy waits for its first configuration for ever: after the default of 15 s it would be ready with none', () => {
  const waitsForEver = { ads: {}, resource_api_version: 'V3', initial_fetch_timeout: '0s' };
  expect(field('dynamic_resources', 'cds_config')).toEqual(waitsForEver);
  expect(field('dynamic_resources', 'lds_config')).toEqual(waitsForEver);
});

test('Envoy closes connections above 10,000 at once, and its admin server still answers then', () => {
  expect(field('overload_manager', 'resource_monitors')).toEqual([
    {
      name: 'envoy.resource_monitors.global_downstream_max_connections',
      typed_config: {
        '@type':
          'type.googleapis.com/envoy.extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig',
        max_active_downstream_connections: 10_000,
      },
    },
  ]);
  expect(field('admin', 'ignore_global_conn_limit')).toBe(true);
  expect(field('admin', 'address')).toEqual({ socket_address: { address: '127.0.0.1', port_value: 15_000 } });
});

test('Envoy notices within 40 s that the other end of a socket is stuck', () => {
  const clusters = field('static_resources', 'clusters') as { name: string }[];
  expect(clusters.map(({ name }) => name)).toEqual(['xds-grpc', 'sds-grpc']);
  for (const index of clusters.keys()) {
    expect(field('static_resources', 'clusters', index)).toMatchObject({
      connect_timeout: '1s',
      typed_extension_protocol_options: {
        'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
          explicit_http_config: {
            http2_protocol_options: { connection_keepalive: { interval: '30s', timeout: '10s' } },
          },
        },
      },
    });
  }
});

test('long regular expressions in routes are not refused by the limit that RE2 has by default', () => {
  expect(field('layered_runtime', 'layers', 0, 'static_layer')).toEqual({ 're2.max_program_size.error_level': 32_768 });
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
