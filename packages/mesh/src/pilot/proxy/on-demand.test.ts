import { nodeIdOf, type WorkloadInstance } from '@lateen/api/workload-instance.ts';
import { describe, expect, it } from 'vitest';
import type { LearntHost } from '../model/learnt-hosts.ts';
import type { Pilot } from '../pilot.ts';
import { networkingText, pilotOf, serviceText, sidecarOf } from '../testing/pilot-of.ts';

const SERVICES =
  serviceText('a', '[{port: 80, name: http}]') +
  serviceText('b', '[{port: 80, name: http}, {port: 9080, name: http-admin}]') +
  serviceText('c', '[{port: 80, name: http}]', { namespace: 'other' }) +
  serviceText('store', '[{port: 3306, name: mysql}, {port: 80, name: http}]');

const client = sidecarOf('client', {
  workload: 'client',
  address: '10.1.0.1',
  ports: [],
  capture: { mode: 'redirect', interception: 'redirect' },
});

function pilotWith(text: string, ...instances: readonly WorkloadInstance[]): Pilot {
  return pilotOf({ text, scoping: 'on-demand' }, ...instances);
}

function learn(pilot: Pilot, hosts: readonly (string | LearntHost)[]): void {
  const all = hosts.map((each) => (typeof each === 'string' ? { table: '80', host: each } : each));
  pilot.learnt.set('default/client', { hosts: all, epoch: 0 });
}

function held({ resolved }: Pilot, proxy = client) {
  const shared = resolved.shared.get(nodeIdOf(proxy));
  return {
    clusters: [...(shared?.clusters.keys() ?? [])].filter((name) => name.startsWith('outbound|')),
    hosts: [...(shared?.virtualHosts.keys() ?? [])].filter((name) => !name.endsWith('.invalid')),
    listeners: [...(shared?.listeners.keys() ?? [])],
    tables: [...(shared?.tables.keys() ?? [])],
  };
}

const cluster = (name: string, port = 80) => `outbound|${port}||${name}.default.svc.cluster.local`;

describe('a proxy that is scoped on demand', () => {
  it('starts with what cannot be asked for, and listens on every HTTP port', () => {
    expect(held(pilotWith(SERVICES, client))).toEqual({
      clusters: [cluster('store', 3306)],
      hosts: [],
      listeners: ['0.0.0.0_3306', '0.0.0.0_80', '0.0.0.0_9080', 'virtualOutbound'],
      tables: ['80', '9080'],
    });
  });

  it('gets the services whose names were asked for, with all of their ports', () => {
    const pilot = pilotWith(SERVICES, client);
    learn(pilot, ['b.default']);
    expect(held(pilot)).toMatchObject({
      clusters: [cluster('b'), cluster('b', 9080), cluster('store', 3306)],
      hosts: ['80/b.default.svc.cluster.local', '9080/b.default.svc.cluster.local'],
    });
  });

  it('means by a name what clients of its namespace mean', () => {
    const pilot = pilotWith(SERVICES, client);
    learn(pilot, ['c']);
    expect(held(pilot)).toMatchObject({ clusters: [cluster('store', 3306)], hosts: ['80/c'] });
    learn(pilot, ['c.other']);
    expect(held(pilot).hosts).toEqual(['80/c.other.svc.cluster.local']);
  });

  it('gets the clusters to which the rules for a host lead, and no more hosts for them', () => {
    const rules = '{hosts: [a], http: [{route: [{destination: {host: b}}]}]}';
    const pilot = pilotWith(SERVICES + networkingText('VirtualService', 'a', rules), client);
    learn(pilot, ['a']);
    expect(held(pilot)).toMatchObject({
      clusters: [cluster('a'), cluster('store', 3306), cluster('b'), cluster('b', 9080)],
      hosts: ['80/a.default.svc.cluster.local'],
    });
  });

  it('keeps the clusters of a host that is on trial, without the host', () => {
    const pilot = pilotWith(SERVICES, client);
    learn(pilot, [{ table: '80', host: 'a', isOnTrial: true }]);
    expect(held(pilot)).toMatchObject({ clusters: [cluster('a'), cluster('store', 3306)], hosts: [] });
    learn(pilot, [{ table: '80', host: 'a', isOnTrial: true }, 'a.default']);
    expect(held(pilot).hosts).toEqual(['80/a.default.svc.cluster.local']);
  });

  it('keeps its listeners and tables as they are, whatever it learns', () => {
    const pilot = pilotWith(SERVICES, client);
    const changed = new Set<string>();
    for (const each of [pilot.resolved.listeners, pilot.resolved.tables]) {
      each.onChange((keys) => {
        for (const key of keys) changed.add(key);
      });
    }
    learn(pilot, ['a', 'b', 'unknown']);
    expect(held(pilot).hosts).toHaveLength(4);
    expect([...changed]).toEqual([]);
  });

  it('is not touched by services that its workload does not call', () => {
    const pilot = pilotWith(SERVICES, client);
    learn(pilot, ['a']);
    const changed: string[] = [];
    pilot.resolved.shared.onChange((keys) => changed.push(...keys));
    for (const [key, object] of [...pilot.objects.entries()]) {
      if (object.metadata.name === 'c') pilot.objects.delete(key);
    }
    expect(changed).toEqual([]);
  });

  it('shares what it learns with other replicas, and with no other workload', () => {
    const replica = { ...client, name: 'client-2', address: '10.1.0.2' };
    const stranger = { ...client, name: 'stranger', workload: 'stranger', address: '10.1.0.3' };
    const pilot = pilotWith(SERVICES, client, replica, stranger);
    learn(pilot, ['a']);
    expect(held(pilot, replica).hosts).toEqual(['80/a.default.svc.cluster.local']);
    expect(held(pilot, stranger).hosts).toEqual([]);
  });

  it('holds what its Sidecar lists, if one lists hosts', () => {
    const pilot = pilotWith(SERVICES + networkingText('Sidecar', 'default', '{egress: [{hosts: ["./a"]}]}'), client);
    learn(pilot, ['b']);
    expect(held(pilot)).toMatchObject({ clusters: [cluster('a')], hosts: ['80/a.default.svc.cluster.local'] });
  });
});
