import type { WorkloadInstance } from '@lateen/api/workload-instance.ts';
import { describe, expect, test } from 'vitest';
import type { InstanceReport } from '#pilot/registry/processes/link.ts';
import { gatewayOf, networkingText, pilotOf, serviceText, sidecarOf } from '#pilot/testing/pilot-of.ts';
import { meshStatus, type StatusInput } from './mesh-status.ts';

function reportOf(instance: WorkloadInstance, process: Partial<InstanceReport['process']> = {}): InstanceReport {
  return {
    instance,
    process: {
      pid: 7,
      containers: [{ name: 'app', pid: 7 }],
      envoyPid: 8,
      envoyAdmin: 'http://127.0.0.1:20008',
      phase: 'running',
      restarts: 0,
      ...process,
    },
  };
}

const gateway = reportOf(gatewayOf({ 80: 8080 }, { workload: 'gateway' }), {
  pid: null,
  containers: [],
  url: 'http://localhost:8080',
});

function statusOf(reports: readonly InstanceReport[], more: Partial<StatusInput> = {}) {
  return meshStatus({
    mesh: 'test',
    admin: 'http://localhost:19000',
    supervisorPid: 4,
    reports,
    proxies: {},
    model: pilotOf(
      serviceText('a', '[{port: 80, name: http, targetPort: web}]'),
      ...reports.map(({ instance }) => instance),
    ).model,
    wantedReplicas: new Map([['default/app', 2]]),
    patchMatches: new Map(),
    diagnostics: [],
    ...more,
  });
}

describe('the mesh is ready', () => {
  const one = reportOf(sidecarOf('app-0'));
  const two = reportOf(sidecarOf('app-1'));

  test('when each Deployment has as many ready replicas as it asks for, and the gateway is ready', () => {
    expect(statusOf([gateway, one, two]).ready).toBe(true);
    expect(statusOf([gateway], { wantedReplicas: new Map() }).ready).toBe(true);
    expect(statusOf([gateway], { wantedReplicas: new Map([['default/app', 0]]) }).ready).toBe(true);
  });

  test.each<[what: string, reports: InstanceReport[]]>([
    ['a replica is missing', [gateway, one]],
    ['a replica is not ready', [gateway, one, reportOf(sidecarOf('app-1', { health: 'unready' }))]],
    ['a replica is of another namespace', [gateway, one, reportOf(sidecarOf('app-1', { namespace: 'other' }))]],
    ['a replica is of another Deployment', [gateway, one, reportOf(sidecarOf('app-1', { workload: 'app-v2' }))]],
    ['there is no gateway', [one, two]],
    ['the gateway is not ready', [{ ...gateway, instance: { ...gateway.instance, health: 'starting' } }, one, two]],
  ])('but not when %s', (_, reports) => {
    expect(statusOf(reports).ready).toBe(false);
  });
});

test('a service counts its replicas once for all of its ports, and shows the versions that answer', () => {
  const reports = [
    gateway,
    reportOf(sidecarOf('app-0')),
    reportOf(sidecarOf('app-1', { labels: { app: 'a', version: 'v2' }, health: 'starting', serviceAccount: 'two' })),
  ];
  const model = pilotOf(
    serviceText('a', '[{port: 80, name: http, targetPort: web}, {port: 81, name: http-more, targetPort: web}]'),
    ...reports.map(({ instance }) => instance),
  ).model;
  expect(statusOf(reports, { model }).services).toEqual([
    {
      kind: 'Service',
      name: 'a',
      namespace: 'default',
      hostname: 'a.default.svc.cluster.local',
      addresses: [],
      resolution: 'endpoints',
      ports: [
        { name: 'http', port: 80 },
        { name: 'http-more', port: 81 },
      ],
      versions: ['v1'],
      identities: ['spiffe://cluster.local/ns/default/sa/one', 'spiffe://cluster.local/ns/default/sa/two'],
      ready: 1,
      total: 2,
    },
  ]);
});

test('hosts of ServiceEntries are services as well, but not the pods of headless Services', () => {
  const text =
    networkingText(
      'ServiceEntry',
      'outside',
      '{hosts: [api.example.com], resolution: STATIC, endpoints: [{address: 10.0.0.1}, {address: 10.0.0.2}], addresses: [192.0.2.1], ports: [{number: 80, name: http, protocol: HTTP}]}',
    ) +
    networkingText(
      'ServiceEntry',
      'any',
      '{hosts: ["*.example.com"], resolution: DYNAMIC_DNS, ports: [{number: 80, name: http, protocol: HTTP}]}',
    ) +
    serviceText('a', '[{port: 80, targetPort: web}]').replace('spec: {', 'spec: {clusterIP: None, ') +
    '---\n{apiVersion: v1, kind: Service, metadata: {name: b}, spec: {type: ExternalName, externalName: a.default.svc.cluster.local}}\n';
  const { model } = pilotOf(text, sidecarOf('app-0'));
  expect(statusOf([], { model }).services).toMatchObject([
    { kind: 'ServiceEntry', name: '*.example.com', resolution: 'by-name', ready: 0, total: 0 },
    { kind: 'Service', name: 'a', ready: 1, total: 1 },
    { kind: 'ServiceEntry', name: 'api.example.com', addresses: ['192.0.2.1'], ready: 2, total: 2, identities: [] },
    { kind: 'Service', name: 'b', resolution: 'alias', ready: 1, total: 1 },
  ]);
});

test('a replica shows its proxy, and why its application does not run', () => {
  const reports = [
    gateway,
    reportOf(sidecarOf('app-0'), { phase: 'back-off', pid: null, message: 'it exited with code 1' }),
    reportOf(sidecarOf('app-1')),
  ];
  const { workloads, gateways } = statusOf(reports, {
    proxies: { 'app-0.default': { synced: true, everSynced: true, rejected: 'no such filter' } },
  });
  expect(gateways).toMatchObject([{ name: 'gateway', url: 'http://localhost:8080', ready: true }]);
  expect(workloads).toMatchObject([
    {
      name: 'app-0',
      phase: 'back-off',
      message: 'it exited with code 1',
      outboundProxy: 'http://127.0.0.1:20002',
      inbound: { address: '127.0.0.1', port: 20_000 },
      proxy: { connected: true, synced: true, rejected: 'no such filter' },
    },
    { name: 'app-1', proxy: { connected: false, synced: false } },
  ]);
});

test('Gateways of the Gateway API show whether they are programmed', () => {
  const text = (name: string, protocol: string) =>
    `---\n{apiVersion: gateway.networking.k8s.io/v1, kind: Gateway, metadata: {name: ${name}}, spec: {gatewayClassName: lateen, listeners: [{name: a, port: 80, protocol: ${protocol}}]}}\n`;
  const { model } = pilotOf(text('web', 'HTTP') + text('bad', 'PIGEON'), gatewayOf({}, { name: 'web-lateen' }));
  expect(statusOf([], { model }).kubernetesGateways).toEqual([
    {
      name: 'bad',
      namespace: 'default',
      programmed: false,
      reason: 'Invalid',
      message: 'the listener a cannot be served; see status.listeners',
    },
    { name: 'web', namespace: 'default', programmed: true, reason: 'Programmed', message: '' },
  ]);
});
