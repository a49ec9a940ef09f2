import { expect, it } from 'vitest';
import { Graph } from '#pilot/incremental/graph.ts';
import type { GatewayApiStatus } from '#pilot/model/gateway-api/status/statuses.ts';
import { ConditionTimes } from './condition-times.ts';

const KEY = 'HTTPRoute/default/a';

function setup() {
  const statuses = new Graph().source<GatewayApiStatus>('statuses');
  let now = Date.UTC(2026, 10, 23, 9, 0, 0, 123);
  const times = new ConditionTimes(statuses, () => now);
  const later = () => {
    now += 60_000;
  };
  const timesOf = () => {
    const status = statuses.get(KEY);
    const shown = status && times.withTimes(KEY, status, 3);
    return [...JSON.stringify(shown).matchAll(/"observedGeneration":3,"lastTransitionTime":"2026-11-23T([^"]*)"/g)].map(
      ([, time]) => time,
    );
  };
  return { statuses, later, timesOf };
}

function route(...parents: readonly (readonly [name: string, status: 'True' | 'False', message?: string])[]) {
  return {
    parents: parents.map(([name, status, message = '']) => ({
      parentRef: { name },
      controllerName: 'a.test/b',
      conditions: [{ type: 'Accepted', status, reason: 'A', message }],
    })),
  };
}

it('a condition keeps its time until its status changes, whatever its message', () => {
  const { statuses, later, timesOf } = setup();
  statuses.set(KEY, route(['a', 'False', 'not yet']));
  later();
  statuses.set(KEY, route(['a', 'False', 'not now']));
  expect(timesOf()).toEqual(['09:00:00Z']);
  later();
  statuses.set(KEY, route(['a', 'True']));
  later();
  expect(timesOf()).toEqual(['09:02:00Z']);
});

it('each parent and each listener has its own', () => {
  const { statuses, later, timesOf } = setup();
  statuses.set(KEY, route(['a', 'True']));
  later();
  statuses.set(KEY, route(['b', 'True'], ['a', 'True']));
  expect(timesOf()).toEqual(['09:01:00Z', '09:00:00Z']);
  const conditions = [{ type: 'Accepted', status: 'True', reason: 'Accepted', message: '' }] as const;
  const listener = { supportedKinds: [], attachedRoutes: 0, conditions };
  statuses.set(KEY, { conditions, listeners: [{ ...listener, name: 'a' }] });
  later();
  statuses.set(KEY, {
    conditions,
    listeners: [
      { ...listener, name: 'b' },
      { ...listener, name: 'a' },
    ],
  });
  expect(timesOf()).toEqual(['09:01:00Z', '09:02:00Z', '09:01:00Z']);
});

it('an object that comes again starts anew', () => {
  const { statuses, later, timesOf } = setup();
  statuses.set(KEY, route(['a', 'True']));
  statuses.delete(KEY);
  later();
  statuses.set(KEY, route(['a', 'True']));
  expect(timesOf()).toEqual(['09:01:00Z']);
});
