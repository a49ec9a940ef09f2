import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { startCitadel } from './start.ts';
import { createTokenIssuer } from './tokens/issuer.ts';

const hourMs = 60 * 60 * 1000;
const dayMs = 24 * hourMs;

let stateDir: string;

beforeEach(async () => {
  stateDir = await mkdtemp(join(tmpdir(), 'lat-'));
  onTestFinished(() => rm(stateDir, { recursive: true }));
  await createTokenIssuer(stateDir);
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  onTestFinished(() => void vi.useRealTimers());
});

/** A Citadel whose clock is so many days ahead. */
async function start() {
  const startMs = Date.now();
  const clock = { days: 0 };
  const errors: unknown[] = [];
  const citadel = await startCitadel({
    stateDir,
    now: () => new Date(startMs + clock.days * dayMs),
    onError: (error) => errors.push(error),
  });
  onTestFinished(() => citadel.close());
  return { citadel, clock, errors };
}

test('the intermediate is renewed in use, within an hour of when that is due', async () => {
  const { citadel, clock, errors } = await start();
  const first = citadel.authority.notAfter();
  clock.days = 244;
  vi.advanceTimersByTime(hourMs);
  await vi.waitFor(() => expect(citadel.authority.notAfter().getTime()).toBeGreaterThan(first.getTime() + 240 * dayMs));
  const second = citadel.authority.notAfter();
  clock.days = 488;
  vi.advanceTimersByTime(hourMs);
  await vi.waitFor(() => expect(citadel.authority.notAfter().getTime()).toBeGreaterThan(second.getTime()));
  expect(errors).toEqual([]);
});

test('a renewal that fails is told each time, and what there is stays in use', async () => {
  const { citadel, clock, errors } = await start();
  const before = citadel.authority.notAfter();
  // The root has ended as well.
  clock.days = 3651;
  for (const times of [1, 2]) {
    vi.advanceTimersByTime(hourMs);
    await vi.waitFor(() => expect(errors).toHaveLength(times));
  }
  expect(errors).toMatchObject([{ code: 'LAT0407' }, { code: 'LAT0407' }]);
  expect(citadel.authority.notAfter()).toEqual(before);
});

test('nothing is renewed once it is closed', async () => {
  const { citadel } = await start();
  expect(vi.getTimerCount()).toBe(1);
  await citadel.close();
  expect(vi.getTimerCount()).toBe(0);
});
