import { describe, expect, it } from 'vitest';
import { Graph } from '../../incremental/graph.ts';
import type { LearntHosts } from '../../model/learnt-hosts.ts';
import { LearntRegistry } from './learnt-registry.ts';

const MINUTE_MS = 60_000;

function registry(more: { readonly maxHosts?: number } = {}) {
  const clock = { nowMs: 1_000_000 };
  const source = new Graph().source<LearntHosts>('learnt hosts');
  const learnt = new LearntRegistry(source, {
    now: () => clock.nowMs,
    trustMs: 60 * MINUTE_MS,
    trialMs: 10 * MINUTE_MS,
    ...more,
  });
  const hosts = (workload = 'default/client') =>
    source.get(workload)?.hosts.map(({ host, isOnTrial }) => (isOnTrial === true ? `${host}?` : host)) ?? [];
  const epoch = () => source.get('default/client')?.epoch;
  const ask = (...names: readonly string[]) =>
    learnt.ask(
      'default/client',
      names.map((host) => ({ table: '80', host })),
    );
  const after = (minutes: number) => {
    clock.nowMs += minutes * MINUTE_MS;
    learnt.sweep();
  };
  return { learnt, source, hosts, epoch, ask, after };
}

describe('what a workload calls', () => {
  it('is what its proxies asked for', () => {
    const { hosts, ask } = registry();
    ask('b', 'a');
    ask('c');
    expect(hosts()).toEqual(['a', 'b', 'c']);
    expect(hosts('default/other')).toEqual([]);
  });

  it('is put on trial when nobody asked for it in a long time, and forgotten when nobody does then', () => {
    const { hosts, epoch, ask, after } = registry();
    ask('a');
    after(59);
    expect([hosts(), epoch()]).toEqual([['a'], 0]);
    after(1);
    expect(hosts()).toEqual(['a?']);
    const first = epoch();
    expect(first).not.toBe(0);
    after(9);
    expect([hosts(), epoch()]).toEqual([['a?'], first]);
    after(1);
    expect(hosts()).toEqual([]);
    expect(epoch()).not.toBe(first);
  });

  it('is trusted again when somebody asks during the trial', () => {
    const { hosts, ask, after } = registry();
    ask('a', 'b');
    after(60);
    ask('a');
    expect(hosts()).toEqual(['a', 'b?']);
    after(10);
    expect(hosts()).toEqual(['a']);
    after(40);
    expect(hosts()).toEqual(['a']);
  });

  it('has a limit, beyond which what was asked for first goes, and can be asked for again', () => {
    const { hosts, epoch, ask } = registry({ maxHosts: 2 });
    ask('a', 'b');
    expect(epoch()).toBe(0);
    ask('c');
    expect(hosts()).toEqual(['b', 'c']);
    const first = epoch();
    expect(first).not.toBe(0);
    ask('b');
    ask('d');
    expect(hosts()).toEqual(['b', 'd']);
    expect(epoch()).not.toBe(first);
  });

  it('is as it was after a restart', () => {
    const before = registry();
    before.ask('a', 'b');
    before.after(60);
    before.ask('b');
    const after = registry();
    after.learnt.restore(before.learnt.entries());
    expect(after.hosts()).toEqual(['a?', 'b']);
    expect(after.learnt.entries()).toEqual(before.learnt.entries());
  });
});
