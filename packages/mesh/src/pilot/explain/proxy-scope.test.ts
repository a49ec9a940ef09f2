import type { WorkloadInstance } from '@lateen/api/workload-instance.ts';
import { expect, test } from 'vitest';
import type { LearntHost } from '../model/learnt-hosts.ts';
import type { Pilot } from '../pilot.ts';
import { networkingText, pilotOf, serviceText, sidecarOf } from '../testing/pilot-of.ts';
import { type AskedTime, explainProxyScope } from './proxy-scope.ts';

const SERVICES =
  serviceText('a', '[{port: 80, name: http}]') +
  serviceText('b', '[{port: 80, name: http}]') +
  serviceText('store', '[{port: 3306, name: mysql}, {port: 80, name: http}]');

function client(name: string, labels: Readonly<Record<string, string>> = { app: name }): WorkloadInstance {
  return sidecarOf(name, {
    workload: name,
    address: '10.1.0.1',
    ports: [],
    labels,
    capture: { mode: 'redirect', interception: 'redirect' },
  });
}

function learn(pilot: Pilot, ...hosts: readonly LearntHost[]): void {
  pilot.learnt.set('default/client', { hosts, epoch: 0 });
}

function reasons(pilot: Pilot, times: Readonly<Record<string, AskedTime>> = {}) {
  const scope = explainProxyScope('client.default', pilot, (workload, { host }) => times[`${workload} ${host}`]);
  const of = Object.fromEntries((scope?.services ?? []).map((each) => [each.host.split('.')[0], each.reasons]));
  return { of, unknown: scope?.unknown, scoping: scope?.scoping };
}

test('on demand: what was asked for, and when; what cannot be asked for; what is no service', () => {
  const pilot = pilotOf({ text: SERVICES, scoping: 'on-demand' }, client('client'));
  expect(reasons(pilot)).toEqual({
    of: { store: [{ type: 'always', because: 'ports', ports: [{ port: 3306, protocol: 'tcp' }] }] },
    unknown: [],
    scoping: 'on-demand',
  });
  learn(
    pilot,
    { table: '80', host: 'a' },
    { table: '80', host: 'b', isOnTrial: true },
    { table: '80', host: 'x.test' },
  );
  const times = { 'default/client a': { askedAtMs: 0 }, 'default/client b': { askedAtMs: 0, onTrialSinceMs: 60_000 } };
  const early = '1970-01-01T00:00:00.000Z';
  expect(reasons(pilot, times)).toMatchObject({
    of: {
      a: [{ type: 'asked', host: 'a', port: 80, askedAt: early }],
      b: [{ type: 'asked', host: 'b', port: 80, askedAt: early, onTrialSince: '1970-01-01T00:01:00.000Z' }],
    },
    unknown: [{ host: 'x.test', port: 80 }],
  });
});

test('a service to which only a rule leads, and one for which another name stands', () => {
  const rules = networkingText('VirtualService', 'a', '{hosts: [a], http: [{route: [{destination: {host: b}}]}]}');
  const nick = `---
apiVersion: v1
kind: Service
metadata: {name: nick}
spec: {type: ExternalName, externalName: c.default.svc.cluster.local, ports: [{port: 80, name: http}]}
`;
  const more = serviceText('c', '[{port: 80, name: http}]') + serviceText('other', '[{port: 80, name: http}]');
  const pilot = pilotOf({ text: SERVICES + rules + nick + more, scoping: 'on-demand' }, client('client'));
  learn(pilot, { table: '80', host: 'a' }, { table: '80', host: 'nick' });
  const { of } = reasons(pilot);
  expect(Object.keys(of)).toEqual(['a', 'b', 'c', 'nick', 'store']);
  expect(of).toMatchObject({
    a: [{ type: 'asked' }],
    b: [{ type: 'route', of: { kind: 'VirtualService', namespace: 'default', name: 'a' } }],
    c: [{ type: 'alias', host: 'nick.default.svc.cluster.local' }],
    nick: [{ type: 'asked', host: 'nick' }],
  });
});

test('every reason is one for which the proxy holds the clusters', () => {
  const rules = networkingText('VirtualService', 'a', '{hosts: [a], http: [{route: [{destination: {host: b}}]}]}');
  const pilot = pilotOf({ text: SERVICES + rules, scoping: 'on-demand' }, client('client'));
  learn(pilot, { table: '80', host: 'a' });
  const scope = explainProxyScope('client.default', pilot);
  const named = scope?.services.flatMap(({ host, ports }) => ports.map(({ port }) => `outbound|${port}||${host}`));
  const [held] = [...pilot.resolved.ofViewers.entries()].map(([, { clusters }]) => [...clusters.keys()]);
  expect(named?.sort()).toEqual(held?.filter((name) => name.startsWith('outbound|')).sort());
});

test('what a Sidecar lists, and where it sends calls of other hosts', () => {
  const sidecar = networkingText(
    'Sidecar',
    'default',
    '{egress: [{hosts: [./a.default.svc.cluster.local]}], outboundTrafficPolicy: {mode: ALLOW_ANY, egressProxy: {host: b.default.svc.cluster.local, port: {number: 80}}}}',
  );
  const pilot = pilotOf({ text: SERVICES + sidecar, scoping: 'on-demand' }, client('client'));
  const object = { kind: 'Sidecar', namespace: 'default', name: 'default' };
  expect(reasons(pilot)).toEqual({
    of: { a: [{ type: 'listed', by: object }], b: [{ type: 'egress-proxy', of: object }] },
    unknown: [],
    scoping: 'listed',
  });
});

test('all that the namespace sees', () => {
  const pilot = pilotOf({ text: SERVICES, scoping: 'off' }, client('client'));
  const all = [{ type: 'namespace' }];
  expect(reasons(pilot)).toEqual({ of: { a: all, b: all, store: all }, unknown: [], scoping: 'namespace' });
  expect(explainProxyScope('nobody.default', pilot)).toBeUndefined();
});

test('labels that select the workload alone', () => {
  const selector = (own: Record<string, string>, ...others: readonly Record<string, string>[]) => {
    const all = [client('client', own), ...others.map((labels, index) => client(`other-${index}`, labels))];
    return explainProxyScope('client.default', pilotOf(SERVICES, ...all))?.selector;
  };
  expect(selector({ app: 'a', version: 'v1', 'pod-template-hash': '1' }, { app: 'b' })).toEqual({ app: 'a' });
  expect(selector({ app: 'a', version: 'v1' }, { app: 'a', version: 'v2' })).toEqual({ app: 'a', version: 'v1' });
  expect(selector({ job: 'a', 'pod-template-hash': '1' }, {})).toEqual({ job: 'a' });
  expect(selector({ app: 'a' }, { app: 'a', more: 'b' })).toBeUndefined();
  expect(selector({}, { app: 'a' })).toBeUndefined();
});
