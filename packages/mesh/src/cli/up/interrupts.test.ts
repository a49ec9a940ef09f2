import { beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { onInterrupts } from './interrupts.ts';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

type Signal = (typeof SIGNALS)[number];
type Listener = (signal: Signal) => void;

let told: string[];
/** What `onInterrupts` listens with; signals themselves would reach others in this process, too. */
let added: Record<Signal, Listener[]>;

beforeEach(() => {
  told = [];
  vi.useFakeTimers({ toFake: ['performance'] });
  const listeners = (signal: Signal) => process.listeners(signal) as Listener[];
  const before = new Set(SIGNALS.flatMap(listeners));
  onInterrupts({ first: () => told.push('stop'), again: () => told.push('at once') });
  const addedTo = (signal: Signal) => listeners(signal).filter((listener) => !before.has(listener));
  added = { SIGINT: addedTo('SIGINT'), SIGTERM: addedTo('SIGTERM'), SIGHUP: addedTo('SIGHUP') };
  onTestFinished(() => {
    vi.useRealTimers();
    for (const signal of SIGNALS) for (const listener of added[signal]) process.off(signal, listener);
  });
});

/** As if the process got the signal, some time after the last one. */
function signal(name: Signal, laterMs = 0): void {
  vi.advanceTimersByTime(laterMs);
  for (const listener of added[name]) listener(name);
}

test.each(SIGNALS)('%s asks to stop, in order and once', (name) => {
  signal(name);
  expect(told).toEqual(['stop']);
  signal('SIGTERM', 1_000);
  signal('SIGHUP', 1_000);
  expect(told).toEqual(['stop']);
});

test('Ctrl-C once more does not wait', () => {
  signal('SIGINT');
  signal('SIGINT', 1_000);
  expect(told).toEqual(['stop', 'at once']);
});

test('Ctrl-C after another signal does not wait either', () => {
  signal('SIGTERM');
  signal('SIGINT', 1_000);
  expect(told).toEqual(['stop', 'at once']);
});

test('a Ctrl-C that npm passes on as well is the same one', () => {
  signal('SIGINT');
  signal('SIGINT', 50);
  expect(told).toEqual(['stop']);
});
