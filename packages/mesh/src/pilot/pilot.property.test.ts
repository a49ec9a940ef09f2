import { keyOf } from '@lateen/api/object-key.ts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DEFAULT_SETTINGS, type MeshSettings } from './model/settings.ts';
import { createPilot, type Pilot } from './pilot.ts';
import type { ListenerIr } from './proxy/ir/listener.ts';
import { anyChange, type MeshChange, makeChange, someMesh } from './testing/random-changes.ts';
import { anyRouting } from './testing/random-mesh.ts';

/** A new Pilot that is told of the same objects, instances and proxies at once. */
function fromScratch(pilot: Pilot): Pilot {
  const fresh = createPilot(pilot.model.settings);
  fresh.graph.transaction(() => {
    for (const [key, value] of pilot.objects.entries()) fresh.objects.set(key, value);
    for (const [key, value] of pilot.instances.entries()) fresh.instances.set(key, value);
    for (const [key, value] of pilot.proxies.entries()) fresh.proxies.set(key, value);
    for (const [key, value] of pilot.learnt.entries()) fresh.learnt.set(key, value);
  });
  return fresh;
}

function results({ resources: { resources, holdings } }: Pilot) {
  return {
    resources: sorted([...resources.entries()].map(([key, { type, name, version }]) => [key, { type, name, version }])),
    holdings: sorted(
      [...holdings.entries()].map(([nodeId, byType]) => [
        nodeId,
        Object.fromEntries(Object.entries(byType).map(([type, refs]) => [type, sorted([...refs])])),
      ]),
    ),
  };
}

/** The very bytes that each proxy should have. */
function heldBytes({ resources: { resources, holdings } }: Pilot) {
  return sorted(
    [...holdings.entries()].map(([nodeId, byType]) => {
      const held = Object.entries(byType).flatMap(([type, refs]) =>
        [...refs].map(
          ([name, key]) => [`${type} ${name}`, Buffer.from(resources.get(key)?.bytes ?? []).toString('hex')] as const,
        ),
      );
      return [nodeId, sorted(held)];
    }),
  );
}

/**
 * As each proxy gets them, with the filters that routes ask for: the first route of the mesh, or of a gateway, that needs one
 * puts it there. Where the kernel redirects calls, rules for a host that is no service open HTTP's own port: that listener
 * comes and goes with the first and the last of them.
 */
function listenersOf({ resolved, resources: { resources, holdings } }: Pilot) {
  const found = new Map<string, { readonly version: string | undefined; readonly filters: string }>();
  for (const [nodeId, { listener }] of holdings.entries()) {
    for (const [name, key] of listener) {
      if (name === '0.0.0.0_80' || name === '::_80') continue;
      const own = resolved.own.get(nodeId)?.listeners.find((each) => each.name === name);
      const ir = own ?? resolved.listeners.get(resolved.shared.get(nodeId)?.listeners.get(name) ?? '');
      found.set(`${nodeId} ${name}`, { version: resources.get(key)?.version, filters: filtersOf(ir) });
    }
  }
  return found;
}

function filtersOf(ir: ListenerIr | undefined): string {
  const { chains = [], fallback } = ir ?? {};
  const handlers = [...chains, ...(fallback === undefined ? [] : [fallback])].map(({ handler }) => handler);
  return JSON.stringify(handlers.map((each) => (each.type === 'http' ? (each.http.routeFilters ?? []) : [])));
}

function sorted<T>(entries: readonly (readonly [string, T])[]): (readonly [string, T])[] {
  return [...entries].sort(([a], [b]) => (a < b ? -1 : 1));
}

const anySettings = fc
  .constantFrom<MeshSettings['scoping']>('on-demand', 'on-demand', 'declared', 'off')
  .map((scoping): MeshSettings => ({ ...DEFAULT_SETTINGS, scoping }));

const fewChanges = fc.array(anyChange, { minLength: 1, maxLength: 3 });

describe('the pipeline', () => {
  it('gives after any changes what a fresh build gives', () => {
    fc.assert(
      fc.property(anySettings, fc.array(fewChanges, { maxLength: 12, size: 'max' }), (settings, transactions) => {
        const pilot = createPilot(settings);
        for (const changes of [someMesh, ...transactions]) {
          pilot.graph.transaction(() => {
            for (const change of changes) makeChange(pilot, change);
          });
          const fresh = fromScratch(pilot);
          expect(results(pilot)).toEqual(results(fresh));
          expect(heldBytes(pilot)).toEqual(heldBytes(fresh));
        }
      }),
      { numRuns: 60 },
    );
  });

  it('leaves listeners as they are, and so long-lived connections, when only routes, policies or endpoints change', () => {
    const step = fc.oneof(
      anyRouting.map((object): MeshChange => ({ type: 'set object', object })),
      anyRouting.map((object): MeshChange => ({ type: 'delete object', key: keyOf(object) })),
      fc.record({
        health: fc.constantFrom('ready' as const, 'unready' as const, 'draining' as const),
        index: fc.nat(9),
      }),
    );
    fc.assert(
      // With its namespace, all that could be left as it is would be gone.
      fc.property(
        anySettings,
        fc.array(
          anyChange.filter(({ type }) => type !== 'delete namespace'),
          { maxLength: 20 },
        ),
        fc.array(step, { minLength: 1 }),
        (settings, changes, steps) => {
          const pilot = createPilot(settings);
          pilot.graph.transaction(() => {
            for (const change of [...someMesh, ...changes]) makeChange(pilot, change);
          });
          const listeners = () => listenersOf(pilot);
          const before = listeners();
          expect(before.size).toBeGreaterThan(0);
          for (const step of steps) {
            if ('type' in step) makeChange(pilot, step);
            else {
              const instances = [...pilot.instances.entries()];
              const [key, instance] = instances[step.index % instances.length] ?? [];
              if (key !== undefined && instance !== undefined)
                pilot.instances.set(key, { ...instance, health: step.health });
            }
            const now = listeners();
            expect([...now.keys()].sort()).toEqual([...before.keys()].sort());
            for (const [key, { version, filters }] of now) {
              if (filters === before.get(key)?.filters) expect([key, version]).toEqual([key, before.get(key)?.version]);
            }
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  it('keeps everything that no change touches', () => {
    fc.assert(
      fc.property(
        anySettings,
        fc.array(anyChange, { maxLength: 30, size: 'max' }),
        anyChange,
        (settings, changes, last) => {
          const pilot = createPilot(settings);
          pilot.graph.transaction(() => {
            for (const change of [...someMesh, ...changes]) makeChange(pilot, change);
          });
          const before = new Map(pilot.resources.resources.entries());
          const told = new Set<string>();
          pilot.resources.resources.onChange((keys) => {
            for (const key of keys) told.add(key);
          });
          makeChange(pilot, last);
          for (const [key, resource] of pilot.resources.resources.entries()) {
            const same = before.get(key)?.version === resource.version;
            expect(pilot.resources.resources.get(key) === before.get(key)).toBe(same);
            expect(told.has(key)).toBe(!same);
          }
        },
      ),
      { numRuns: 60 },
    );
  });
});
