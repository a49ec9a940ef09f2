import { expect, test } from 'vitest';
import { manualClock } from './testing/manual-clock.ts';
import { createTurns } from './turns.ts';

function recorded() {
  const clock = manualClock();
  const done: string[] = [];
  const turns = createTurns({
    clock,
    together(change) {
      done.push('(');
      change();
      done.push(')');
    },
  });
  return { clock, done, turns };
}

test('each gets its turn after the change, in order, and what comes in has its time between slices', async () => {
  const { clock, done, turns } = recorded();
  for (const name of ['a', 'b', 'c', 'd']) {
    turns.ask(() => {
      clock.elapse(3);
      done.push(name);
    });
  }
  setImmediate(() => done.push('input'));
  expect(turns.waiting).toBe(4);
  expect(done).toEqual([]);
  await expect.poll(() => turns.waiting).toBe(0);
  expect(done).toEqual(['a', 'b', 'input', 'c', 'd']);
});

test('connects of one moment are one change, and closes come behind them', async () => {
  const { done, turns } = recorded();
  turns.close(() => done.push('close old'));
  turns.connect(() => {
    done.push('connect');
    turns.ask(() => done.push('serve'));
  });
  turns.connect(() => done.push('connect'));
  await expect.poll(() => turns.waiting).toBe(0);
  expect(done).toEqual(['(', 'connect', 'connect', 'close old', ')', 'serve']);
});

test('a thousand that connect at once come in parts, and those that are connected are served in between', async () => {
  const { done, turns } = recorded();
  for (let i = 0; i < 100; i++) turns.connect(() => turns.ask(() => done.push('serve')));
  await expect.poll(() => turns.waiting).toBe(0);
  expect(done.filter((what) => what === '(')).toHaveLength(4);
  expect(done.indexOf('serve')).toBe(2);
});

test('at the end everything is done at once', () => {
  const { done, turns } = recorded();
  turns.connect(() => turns.close(() => done.push('close')));
  turns.flush();
  expect(done).toContain('close');
  expect(turns.waiting).toBe(0);
});
