import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Collection } from './collection.ts';
import { Graph } from './graph.ts';

interface Item {
  readonly group: string;
  readonly weight: number;
}

/** A small pipeline with every kind of collection in it. */
function pipeline() {
  const graph = new Graph();
  const items = graph.source<Item>('items');
  const factors = graph.source<number>('factors');
  const computed: string[] = [];
  const byGroup = graph.index('byGroup', items, (item) => [item.group, 'all']);
  const scaled = graph.derive('scaled', items, (item, read, key) => {
    computed.push(key);
    const factor = read.get(factors, item.group);
    return factor === undefined ? undefined : item.weight * factor;
  });
  const totals = graph.derive('totals', byGroup, (members, read) => ({
    weight: members.reduce((sum, item) => sum + item.weight, 0),
    factors: read.all(factors).size,
  }));
  const parts = graph.expand('parts', items, (item, read, key) =>
    Array.from({ length: item.weight % 3 }, (_, i) => [`${key}/${i}`, read.get(scaled, key) ?? null] as const),
  );
  const everything = graph.union<unknown>('everything', [
    graph.expand('named totals', totals, (total, _, key) => [[`total ${key}`, total]]),
    parts,
  ]);
  return { graph, items, factors, byGroup, scaled, totals, parts, everything, computed };
}

function contents(collections: readonly Collection<unknown>[]): unknown {
  return collections.map((collection) => [...collection.entries()].sort(([a], [b]) => (a < b ? -1 : 1)));
}

describe('a graph of derived collections', () => {
  it('computes only what read the key that changed', () => {
    const { graph, items, factors, scaled, computed } = pipeline();
    graph.transaction(() => {
      items.set('a', { group: 'x', weight: 1 });
      items.set('b', { group: 'y', weight: 2 });
      factors.set('x', 10);
      factors.set('y', 10);
    });
    computed.length = 0;
    factors.set('x', 20);
    expect(computed).toEqual(['a']);
    expect(scaled.get('a')).toBe(20);
    expect(scaled.get('b')).toBe(20);
  });

  it('tells of a key that was absent when it was read', () => {
    const { items, factors, scaled } = pipeline();
    items.set('a', { group: 'x', weight: 3 });
    expect(scaled.has('a')).toBe(false);
    factors.set('x', 2);
    expect(scaled.get('a')).toBe(6);
    factors.delete('x');
    expect(scaled.has('a')).toBe(false);
  });

  it('keeps the identity of an equal result and makes no event of it', () => {
    const { items, totals } = pipeline();
    items.set('a', { group: 'x', weight: 1 });
    items.set('b', { group: 'x', weight: 2 });
    const before = totals.get('x');
    const events: string[][] = [];
    totals.onChange((keys) => events.push([...keys].sort()));
    items.set('a', { group: 'x', weight: 1 });
    expect(events).toEqual([]);
    // The members change, their total does not.
    items.set('c', { group: 'x', weight: 0 });
    expect(events).toEqual([]);
    expect(totals.get('x')).toBe(before);
  });

  it('commits several changes as one event', () => {
    const { graph, items, byGroup } = pipeline();
    const events: string[][] = [];
    byGroup.onChange((keys) => events.push([...keys].sort()));
    graph.transaction(() => {
      items.set('a', { group: 'x', weight: 1 });
      items.set('b', { group: 'y', weight: 1 });
      items.delete('a');
    });
    expect(events).toEqual([['all', 'y']]);
  });

  it('keeps the last value of a derivation that throws, and reports it', () => {
    const reports: string[] = [];
    const graph = new Graph((error, where) => reports.push(`${where}: ${(error as Error).message}`));
    const source = graph.source<number>('numbers');
    const halves = graph.derive('halves', source, (value) => {
      if (value % 2 !== 0) throw new Error('odd');
      return value / 2;
    });
    source.set('a', 4);
    source.set('a', 5);
    expect(halves.get('a')).toBe(2);
    expect(reports).toEqual(['halves a: odd']);
    source.set('a', 6);
    expect(halves.get('a')).toBe(3);
  });

  it('reports two inputs that give one key, and keeps the first', () => {
    const reports: string[] = [];
    const graph = new Graph((error, where) => reports.push(`${where}: ${(error as Error).message}`));
    const source = graph.source<number>('numbers');
    const parity = graph.expand('parity', source, (value) => [[value % 2 === 0 ? 'even' : 'odd', value]]);
    source.set('a', 2);
    source.set('b', 4);
    expect([...parity.entries()]).toEqual([['even', 2]]);
    expect(reports).toEqual(['parity even: two inputs give one key']);
  });

  it('refuses to read a collection made later', () => {
    const graph = new Graph();
    const source = graph.source<number>('numbers');
    let later: Collection<number> | undefined;
    graph.derive('early', source, (_, read, key) => (later === undefined ? 0 : read.get(later, key)));
    later = graph.derive('late', source, (value) => value);
    expect(() => source.set('a', 1)).toThrow('early reads late, which is made after it');
  });

  it('incremental = from scratch, after any sequence of changes', () => {
    const key = fc.constantFrom('a', 'b', 'c', 'd', 'e');
    const group = fc.constantFrom('x', 'y', 'z');
    const change = fc.oneof(
      fc.record({ op: fc.constant('set' as const), key, item: fc.record({ group, weight: fc.nat(4) }) }),
      fc.record({ op: fc.constant('delete' as const), key }),
      fc.record({ op: fc.constant('factor' as const), group, value: fc.option(fc.nat(3)) }),
    );
    fc.assert(
      fc.property(fc.array(fc.array(change, { maxLength: 4 }), { maxLength: 25 }), (transactions) => {
        const live = pipeline();
        const seen = new Map<string, unknown>();
        live.everything.onChange((keys) => {
          for (const changed of keys) {
            if (live.everything.has(changed)) seen.set(changed, live.everything.get(changed));
            else seen.delete(changed);
          }
        });
        for (const changes of transactions) {
          live.graph.transaction(() => {
            for (const step of changes) {
              if (step.op === 'set') live.items.set(step.key, step.item);
              else if (step.op === 'delete') live.items.delete(step.key);
              else if (step.value === null) live.factors.delete(step.group);
              else live.factors.set(step.group, step.value);
            }
          });
        }
        const fresh = pipeline();
        fresh.graph.transaction(() => {
          for (const [k, item] of live.items.entries()) fresh.items.set(k, item);
          for (const [k, factor] of live.factors.entries()) fresh.factors.set(k, factor);
        });
        const all = (p: ReturnType<typeof pipeline>) =>
          contents([p.byGroup, p.scaled, p.totals, p.parts, p.everything]);
        expect(all(live)).toEqual(all(fresh));
        // Whoever only listened to events knows the same as who looks.
        expect(contents([live.everything])).toEqual([[...seen].sort(([a], [b]) => (a < b ? -1 : 1))]);
      }),
      { numRuns: 300 },
    );
  });
});
