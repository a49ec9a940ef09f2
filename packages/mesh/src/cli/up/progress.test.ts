import { diagnostic } from '@lateen/api/diagnostic.ts';
import { LateenError } from '@lateen/api/lateen-error.ts';
import { expect, test } from 'vitest';
import type { InstanceEvent, SupervisorEvent } from '#local/events.ts';
import type { Output } from '../terminal.ts';
import { ChangeLog } from './change-log.ts';
import { fromWire, toWire } from './messages.ts';
import { showProgress } from './progress.ts';
import { progressAfter, progressLines, startingModel } from './progress-model.ts';
import { waitForReady } from './ready-wait.ts';

function instance(name: string, changes: Partial<InstanceEvent> = {}): InstanceEvent {
  return {
    type: 'instance',
    name,
    namespace: 'default',
    role: 'sidecar',
    workload: name.replace(/-\d+$/, ''),
    phase: 'waiting for sidecar',
    ready: false,
    ...changes,
  };
}

const problem = diagnostic('LAT0110', 'unknown field', { file: 'a.yaml', line: 3, path: 'spec.x' });
const fatal = new LateenError('LAT0401', 'The CA is corrupt.', 'Restore it.');
const events: readonly SupervisorEvent[] = [
  { type: 'step', text: 'removing what an earlier run left behind' },
  { type: 'control-plane', state: { kind: 'starting', pid: 7 } },
  { type: 'control-plane', state: { kind: 'running', pid: 7, admin: 'http://localhost:19000' } },
  instance('reviews-v1-0'),
  instance('reviews-v1-0'),
  instance('reviews-v1-1', { phase: 'running', ready: true }),
  instance('shop-0', { namespace: 'other', phase: 'back-off', message: 'exited with code 1\nTypeError' }),
  { type: 'diagnostics', diagnostics: [problem] },
  { type: 'notice', text: 'port 8080 is taken; the ingress gateway listens on 8081' },
];

function record(isTerminal: boolean): Output & { text: () => string } {
  let text = '';
  return {
    write: (part) => {
      text += part;
    },
    isTerminal,
    colour: false,
    columns: 60,
    rows: 24,
    text: () => text,
  };
}

test('line by line where there is no terminal, and only what changed', () => {
  const output = record(false);
  const progress = showProgress('Starting the mesh m', output);
  for (const event of events) progress.handle(event);
  progress.end();
  expect(output.text()).toBe(`\
Starting the mesh m
removing what an earlier run left behind
starting the control plane
control plane runs (process 7)
reviews-v1-0: waiting for sidecar
reviews-v1-1: ready
shop-0.other: back-off: exited with code 1
TypeError
error LAT0110 a.yaml:3 spec.x: unknown field
port 8080 is taken; the ingress gateway listens on 8081
`);
});

const view = { colour: false, columns: 60, rows: 24, spinner: '*' };

test('a line for each workload on a terminal', () => {
  const model = events.slice(0, -1).reduce(progressAfter, startingModel('Starting the mesh m'));
  expect(progressLines(model, view)).toEqual([
    '* Starting the mesh m: control plane runs (process 7)',
    '  * reviews-v1  1/2  waiting for sidecar',
    '  ✗ shop.other  0/1  back-off: exited with code 1 TypeError',
    'error LAT0110 a.yaml:3 spec.x: unknown field',
  ]);
  const done = progressAfter(progressAfter(model, instance('reviews-v1-0', { phase: 'running', ready: true })), {
    ...instance('shop-0', { namespace: 'other' }),
    phase: 'gone',
  });
  expect(progressLines(done, view)[1]).toBe('  ✓ reviews-v1  2/2  running');
  expect(progressLines(done, view)).toHaveLength(3);
});

test('what has failed for good is a problem, and not under way', () => {
  const failed = instance('shop-0', { phase: 'failed', message: 'container app has no command.' });
  expect(progressLines(progressAfter(startingModel('Starting'), failed), view)[1]).toBe(
    '  ✗ shop  0/1  failed: container app has no command.',
  );
});

test('never wider or higher than the terminal', () => {
  const many = Array.from({ length: 50 }, (_, index) => instance(`a-very-long-name-of-a-workload-${index}-0`));
  const model = many.reduce(progressAfter, startingModel('Starting'));
  const lines = progressLines(model, { ...view, columns: 30, rows: 10 });
  expect(lines).toHaveLength(8);
  expect(lines.at(-1)).toBe('  ... and 44 more');
  for (const line of lines) expect(line.length).toBeLessThan(30);
});

test('on a terminal the display is drawn over itself and taken away in the end', () => {
  const output = record(true);
  const progress = showProgress('Starting', output);
  progress.handle(instance('a-0'));
  progress.handle({ type: 'notice', text: 'a notice' });
  progress.end();
  const [last] = output.text().split('\u001b[0J').slice(-1);
  expect(last).toBe('');
  expect(output.text()).toContain('\u001b[2A\u001b[0Ja notice\n');
});

test('while it runs: what changed, with the time', () => {
  const output = record(false);
  const changes = new ChangeLog(startingModel('m'), output, () => new Date(2026, 0, 2, 9, 5, 7));
  const ready = instance('reviews-v1-0', { phase: 'running', ready: true });
  for (const event of [
    ready,
    ready,
    instance('reviews-v1-0', { phase: 'back-off', message: 'ended by SIGKILL' }),
    ready,
    { type: 'diagnostics', diagnostics: [problem] },
    { type: 'diagnostics', diagnostics: [{ ...problem, line: 4 }] },
    { type: 'diagnostics', diagnostics: [] },
    { type: 'control-plane', state: { kind: 'back-off', delayMs: 0, message: 'The control plane ended.\nno memory' } },
    { type: 'fatal', error: fatal },
  ] satisfies SupervisorEvent[]) {
    changes.handle(event);
  }
  expect(output.text()).toBe(`\
09:05:07  reviews-v1-0: ready
09:05:07  reviews-v1-0: back-off: ended by SIGKILL
09:05:07  reviews-v1-0: ready
09:05:07  error LAT0110 a.yaml:3 spec.x: unknown field
09:05:07  error LAT0110 a.yaml:4 spec.x: unknown field
09:05:07  resolved LAT0110 a.yaml:4 spec.x
09:05:07  The control plane ended; it is started again
09:05:07  no memory
09:05:07  error LAT0401: The CA is corrupt. Restore it.
`);
});

test('events keep their meaning on the way from the detached process', () => {
  const sent = { type: 'event', event: { type: 'fatal', error: fatal } } as const;
  const received = fromWire(JSON.parse(JSON.stringify(toWire(sent))));
  if (received.type !== 'event' || received.event.type !== 'fatal') throw new Error('it became something else');
  expect(received.event.error).toBeInstanceOf(LateenError);
  expect({ ...received.event.error }).toMatchObject({ code: 'LAT0401', remedy: 'Restore it.' });
  expect(received.event.error.message).toBe('The CA is corrupt.');
  expect(fromWire(toWire({ type: 'event', event: instance('a-0') }))).toEqual({
    type: 'event',
    event: instance('a-0'),
  });
});

test('the first outcome counts', async () => {
  const failed = waitForReady(60_000);
  failed.handle({ type: 'fatal', error: fatal });
  failed.interrupt();
  expect(await failed.outcome).toEqual({ kind: 'failed', error: fatal });
  const interrupted = waitForReady(60_000);
  interrupted.interrupt();
  expect(await interrupted.outcome).toEqual({ kind: 'interrupted' });
  expect(await waitForReady(1).outcome).toEqual({ kind: 'late' });
});
