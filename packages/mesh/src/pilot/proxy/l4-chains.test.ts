import { nodeIdOf } from '@lateen/api/workload-instance.ts';
import { describe, expect, it } from 'vitest';
import { networkingText, pilotOf, serviceText, sidecarOf } from '../testing/pilot-of.ts';
import type { FilterChainIr, FilterChainMatchIr, TcpProxyIr } from './ir/listener.ts';
import { withoutTaken } from './l4-chains.ts';

const HOST = 'db.default.svc.cluster.local';

const SERVICES = serviceText('db', '[{port: 3306, name: tcp}]') + serviceText('old', '[{port: 3307, name: tcp}]');

/** The chains of a sidecar's listener for the service `db`, as `MATCH -> CLUSTERS`. */
function chainsWith(rules: string, labels: Record<string, string> = {}): string[] {
  const client = sidecarOf('client', {
    labels,
    capture: { mode: 'explicit', httpProxyPort: 20_002, servicePorts: { [`${HOST}:3306`]: 20_003 } },
  });
  const { resolved } = pilotOf(SERVICES + networkingText('VirtualService', 'db', rules), client);
  const listener = resolved.own.get(nodeIdOf(client))?.listeners.find(({ name }) => name === `outbound|3306||${HOST}`);
  return (listener?.chains ?? []).map(({ match, handler }) => `${JSON.stringify(match)} -> ${clusters(handler)}`);
}

function clusters(handler: FilterChainIr['handler']): string {
  return handler.type === 'http' ? 'HTTP' : clustersOf(handler.tcp);
}

function clustersOf({ cluster }: TcpProxyIr): string {
  if (typeof cluster === 'string') return cluster;
  return cluster.map(({ cluster: name, weight }) => `${weight} ${name}`).join(', ');
}

describe('rules for TCP connections of a sidecar', () => {
  it('lead to other services, to the only port of which they go by themselves', () => {
    expect(chainsWith('{hosts: [db], tcp: [{route: [{destination: {host: old}}]}]}')).toEqual([
      '{} -> outbound|3307||old.default.svc.cluster.local',
    ]);
  });

  it('share connections by weight, and leave out what has none', () => {
    const route = '[{destination: {host: db}, weight: 90}, {destination: {host: old}, weight: 10}]';
    expect(chainsWith(`{hosts: [db], tcp: [{route: ${route}}]}`)).toEqual([
      `{} -> 90 outbound|3306||${HOST}, 10 outbound|3307||old.default.svc.cluster.local`,
    ]);
    const single = '[{destination: {host: db}, weight: 0}, {destination: {host: old}, weight: 100}]';
    expect(chainsWith(`{hosts: [db], tcp: [{route: ${single}}]}`)).toEqual([
      '{} -> outbound|3307||old.default.svc.cluster.local',
    ]);
  });

  it('hold for callers with the labels; all others go to the service', () => {
    const rules =
      '{hosts: [db], tcp: [{match: [{sourceLabels: {tier: legacy}}], route: [{destination: {host: old}}]}]}';
    expect(chainsWith(rules)).toEqual([`{} -> outbound|3306||${HOST}`]);
    expect(chainsWith(rules, { tier: 'legacy' })).toEqual(['{} -> outbound|3307||old.default.svc.cluster.local']);
  });

  it('hold for the port that they ask for', () => {
    const rules = '{hosts: [db], tcp: [{match: [{port: 1}], route: [{destination: {host: old}}]}]}';
    expect(chainsWith(rules)).toEqual([`{} -> outbound|3306||${HOST}`]);
  });
});

it('rules for server names stand before those for all connections', () => {
  const tls = '[{match: [{sniHosts: ["a.test", "*.b.test"]}], route: [{destination: {host: old}}]}]';
  expect(
    chainsWith(`{hosts: [db, a.test, "*.b.test"], tls: ${tls}, tcp: [{route: [{destination: {host: db}}]}]}`),
  ).toEqual([
    '{"serverNames":["a.test","*.b.test"],"transport":"tls"} -> outbound|3307||old.default.svc.cluster.local',
    `{} -> outbound|3306||${HOST}`,
  ]);
});

describe('what an earlier chain has', () => {
  const left = (...matches: FilterChainMatchIr[]) => {
    const taken = new Set<string>();
    return matches.map((match) => withoutTaken(match, taken));
  };

  it('is taken away from later ones', () => {
    expect(left({ serverNames: ['a', 'b'] }, { serverNames: ['b', 'c'] }, { serverNames: ['a'] })).toEqual([
      { serverNames: ['a', 'b'] },
      { serverNames: ['c'] },
      undefined,
    ]);
  });

  it('is not what asks for something else, or for more', () => {
    const matches: FilterChainMatchIr[] = [
      {},
      { transport: 'tls' },
      { sourceRanges: ['10.0.0.0/8'] },
      { sourceRanges: ['10.0.0.0/8'], serverNames: ['a'] },
      { destinationRanges: ['10.0.0.0/8'] },
    ];
    expect(left(...matches)).toEqual(matches);
  });

  it('counts for each of the ranges', () => {
    expect(left({ destinationRanges: ['10.0.0.0/8', '11.0.0.0/8'] }, { destinationRanges: ['11.0.0.0/8'] })).toEqual([
      { destinationRanges: ['10.0.0.0/8', '11.0.0.0/8'] },
      undefined,
    ]);
  });
});
