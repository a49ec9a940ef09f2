import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DiagnosticError } from '@lateen/api/diagnostic.ts';
import type { ConfigObject } from '@lateen/api/kinds.ts';
import { keyOf } from '@lateen/api/object-key.ts';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { Graph } from '../incremental/graph.ts';
import { resolveHost } from '../model/hostname.ts';
import { Overlay } from './overlay.ts';
import { referencesOf } from './references.ts';
import { ConfigStore } from './store.ts';

const dir = mkdtempSync(join(tmpdir(), 'lateen-store-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const DOMAIN = 'cluster.local';
const name = fc.constantFrom('a', 'b');

const object = fc.oneof(
  name.map((each) => build('Service', each, { ports: [{ port: 80 }] })),
  fc
    .record({ name: fc.constantFrom('x', 'y'), host: name, subsets: fc.uniqueArray(fc.constantFrom('v1', 'v2')) })
    .map((each) =>
      build('DestinationRule', each.name, { host: each.host, subsets: each.subsets.map((s) => ({ name: s })) }),
    ),
  fc
    .record({
      name: fc.constantFrom('x', 'y'),
      destinations: fc.array(fc.record({ host: name, subset: fc.constantFrom('v1', 'v2') }), {
        minLength: 1,
        maxLength: 2,
      }),
    })
    .map((each) =>
      build('VirtualService', each.name, {
        hosts: ['a'],
        http: [{ route: each.destinations.map((destination) => ({ destination, weight: 1 })) }],
      }),
    ),
);

function build(kind: string, name: string, spec: unknown): ConfigObject {
  return { apiVersion: 'v1', kind, metadata: { name, namespace: 'default' }, spec } as unknown as ConfigObject;
}

const origin = { file: 'typed', line: 1, lineOf: () => 1 };

function resultOf(objects: readonly ConfigObject[]) {
  return {
    objects: objects.map((each) => ({ object: each, origin })),
    diagnostics: [],
    failed: [],
    syntaxErrors: false,
  };
}

const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      file: fc.constantFrom('1', '2', '3'),
      objects: fc.array(object, { maxLength: 6, size: 'max' }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ apply: fc.array(object, { minLength: 1, maxLength: 3 }) }) },
  { weight: 2, arbitrary: fc.record({ remove: fc.array(object, { minLength: 1, maxLength: 2 }) }) },
  { weight: 1, arbitrary: fc.record({ refuse: object }) },
);

/** Subsets that routes in force lead to, of services that exist, and that no DestinationRule in force defines. */
function danglingSubsets(objects: ReadonlyMap<string, ConfigObject>): string[] {
  const subsets = new Set<string>();
  for (const each of objects.values()) {
    if (each.kind !== 'DestinationRule') continue;
    const host = resolveHost(each.spec.host, each.metadata.namespace ?? '', DOMAIN);
    for (const subset of each.spec.subsets ?? []) subsets.add(`${host} ${subset.name}`);
  }
  return [...objects.values()].flatMap((each) =>
    referencesOf(each, DOMAIN)
      .destinations.filter(({ hostname }) => objects.has(`Service/default/${hostname.split('.')[0]}`))
      .map(({ hostname, subset }) => `${hostname} ${subset}`)
      .filter((wanted) => !subsets.has(wanted)),
  );
}

describe('the store', () => {
  it('lets nothing be in force that leads to a subset which is not there', () => {
    let runs = 0;
    fc.assert(
      fc.property(fc.array(step, { maxLength: 25, size: 'max' }), (steps) => {
        const graph = new Graph();
        const target = graph.source<ConfigObject>('objects');
        const store = new ConfigStore(graph, target, new Overlay(join(dir, `${runs++}.json`)), DOMAIN);
        for (const each of steps) {
          try {
            if ('file' in each) store.setFiles(new Map([[each.file, resultOf(each.objects)]]));
            else if ('apply' in each) store.apply(resultOf(each.apply).objects, 'apply');
            else if ('remove' in each) store.remove([...new Set(each.remove.map(keyOf))]);
            else store.refuse([keyOf(each.refuse)], 'refused');
          } catch (error) {
            if (!(error instanceof DiagnosticError)) throw error;
          }
          expect(danglingSubsets(store.objects)).toEqual([]);
          expect(new Map(target.entries())).toEqual(store.objects);
        }
      }),
      { numRuns: 100 },
    );
  });
});
