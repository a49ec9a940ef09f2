import { expect, test } from 'vitest';
import { manualClock } from './testing/manual-clock.ts';
import { createWriteGate } from './write-gate.ts';

test('lets so many in at once, the others in their order', () => {
  const gate = createWriteGate({ limit: 2, leaseMs: 1_000, clock: manualClock() });
  const started: number[] = [];
  const ends: (() => void)[] = [];
  for (let i = 0; i < 5; i++) {
    gate.enter((done) => {
      started.push(i);
      ends.push(done);
    });
  }
  expect(started).toEqual([0, 1]);
  ends[1]?.();
  expect(started).toEqual([0, 1, 2]);
  ends[1]?.();
  expect(started).toEqual([0, 1, 2]);
  ends[0]?.();
  ends[2]?.();
  expect(started).toEqual([0, 1, 2, 3, 4]);
});

test('a write that does not end gives up its place', () => {
  const clock = manualClock();
  const gate = createWriteGate({ limit: 1, leaseMs: 1_000, clock });
  const started: string[] = [];
  gate.enter(() => started.push('stuck'));
  gate.enter(() => started.push('next'));
  clock.elapse(999);
  expect(started).toEqual(['stuck']);
  clock.elapse(1);
  expect(started).toEqual(['stuck', 'next']);
});

test('ten thousand streams that closed while they waited do not exhaust the stack', () => {
  const gate = createWriteGate({ limit: 1, leaseMs: 1_000, clock: manualClock() });
  let end = () => {};
  gate.enter((done) => {
    end = done;
  });
  let passed = 0;
  for (let i = 0; i < 10_000; i++) {
    gate.enter((done) => {
      passed++;
      done();
    });
  }
  end();
  expect(passed).toBe(10_000);
});
