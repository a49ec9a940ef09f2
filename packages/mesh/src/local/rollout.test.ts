import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Current, planRollout } from './rollout.ts';

function replica(ordinal: number, hash = 'new', state: 'ready' | 'unready' | 'stopping' = 'ready'): Current {
  return { ordinal, hash, ready: state === 'ready', stopping: state === 'stopping' };
}

test('a new Deployment starts all replicas at once', () => {
  expect(planRollout({ replicas: 3, hash: 'new' }, [])).toEqual({ start: [0, 1, 2], stop: [] });
});

test('nothing to do', () => {
  expect(planRollout({ replicas: 2, hash: 'new' }, [replica(0), replica(1)])).toEqual({ start: [], stop: [] });
  expect(planRollout({ replicas: 2, hash: 'new' }, [replica(0), replica(1, 'new', 'unready')])).toEqual({
    start: [],
    stop: [],
  });
});

test('scaling changes the number and restarts nothing', () => {
  expect(planRollout({ replicas: 3, hash: 'new' }, [replica(0)])).toEqual({ start: [1, 2], stop: [] });
  expect(planRollout({ replicas: 1, hash: 'new' }, [replica(0), replica(1), replica(2)])).toEqual({
    start: [],
    stop: [2, 1],
  });
  const oneUnready = [replica(0, 'new', 'unready'), replica(1)];
  expect(planRollout({ replicas: 1, hash: 'new' }, oneUnready)).toEqual({ start: [], stop: [0] });
});

test('a deleted Deployment stops everything', () => {
  const current = [replica(0), replica(1, 'old'), replica(2, 'old', 'unready')];
  const plan = planRollout({ replicas: 0, hash: 'new' }, current);
  expect(plan.start).toEqual([]);
  expect([...plan.stop].sort()).toEqual([0, 1, 2]);
});

test('a rolling restart of one: the new one first, the old one when the new one is ready', () => {
  const desired = { replicas: 1, hash: 'new' };
  expect(planRollout(desired, [replica(0, 'old')])).toEqual({ start: [1], stop: [] });
  expect(planRollout(desired, [replica(0, 'old'), replica(1, 'new', 'unready')])).toEqual({ start: [], stop: [] });
  expect(planRollout(desired, [replica(0, 'old'), replica(1)])).toEqual({ start: [], stop: [0] });
  expect(planRollout(desired, [replica(0, 'old', 'stopping'), replica(1)])).toEqual({ start: [], stop: [] });
});

test('the name of a replica that is still stopping is not used again', () => {
  const current = [replica(0, 'old', 'stopping'), replica(1, 'old')];
  expect(planRollout({ replicas: 1, hash: 'new' }, current)).toEqual({ start: [2], stop: [] });
});

test('an old replica that does not work makes room at once', () => {
  const current = [replica(0, 'old', 'unready')];
  expect(planRollout({ replicas: 1, hash: 'new' }, current)).toEqual({ start: [1], stop: [0] });
});

test('any sequence of changes keeps enough replicas serving, stays within the surge, and comes to its end', () => {
  const change = fc.record({ replicas: fc.integer({ min: 0, max: 5 }), hash: fc.constantFrom('a', 'b', 'c') });
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 6 }), fc.infiniteStream(fc.boolean()), (changes, coins) => {
      let current: Current[] = [];
      for (const desired of changes) {
        for (let step = 0; step < 100; step += 1) {
          const servingBefore = current.filter((each) => each.ready && !each.stopping).length;
          const activeBefore = current.filter((each) => !each.stopping).length;
          const plan = planRollout(desired, current);
          const ordinals = current.map((each) => each.ordinal);
          expect(plan.start.some((ordinal) => ordinals.includes(ordinal))).toBe(false);
          current = current.map((each) => (plan.stop.includes(each.ordinal) ? { ...each, stopping: true } : each));
          current.push(...plan.start.map((ordinal) => replica(ordinal, desired.hash, 'unready')));
          const serving = current.filter((each) => each.ready && !each.stopping).length;
          const active = current.filter((each) => !each.stopping).length;
          expect(serving).toBeGreaterThanOrEqual(Math.min(servingBefore, desired.replicas));
          expect(active).toBeLessThanOrEqual(Math.max(desired.replicas + 1, activeBefore));
          // Of the rest, some get ready and some of those that stop are gone by the next step.
          const late = step > 50;
          current = current
            .filter((each) => !(each.stopping && (late || coins.next().value)))
            .map((each) => (each.stopping || !(late || coins.next().value) ? each : { ...each, ready: true }));
        }
        expect(current).toHaveLength(desired.replicas);
        expect(current.every((each) => each.hash === desired.hash && each.ready)).toBe(true);
      }
    }),
  );
});
