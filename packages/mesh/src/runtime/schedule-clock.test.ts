import { keyOf } from '@lateen/api/object-key.ts';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { parseDocuments } from '#pilot/config/parse.ts';
import { createPilot } from '#pilot/pilot.ts';
import { ScheduleClock } from './schedule-clock.ts';

beforeEach(() => {
  vi.useFakeTimers({ now: Date.parse('2026-11-23T08:00:00Z') });
});
afterEach(() => {
  vi.useRealTimers();
});

const NINE_TO_FIVE =
  '{targetRefs: [{group: networking.istio.io, kind: VirtualService, name: a}], windows: [{from: "09:00", to: "17:00"}]}';

describe('a schedule', () => {
  it('opens and closes on time, and is looked at only then', () => {
    const pilot = createPilot();
    const clock = new ScheduleClock(pilot);
    onTestFinished(() => clock.stop());
    const changes: string[] = [];
    pilot.model.scheduleStates.onChange((keys) => {
      for (const key of keys) {
        const state = pilot.model.scheduleStates.get(key);
        changes.push(`${new Date().toISOString().slice(11, 19)} ${state?.open ? 'open' : 'closed'}`);
      }
    });
    const text = `{apiVersion: policy.lateen.dev/v1alpha1, kind: TrafficSchedule, metadata: {name: s}, spec: ${NINE_TO_FIVE}}`;
    const { objects, diagnostics } = parseDocuments(text, 'test.yaml', { defaultNamespace: 'default' });
    expect(diagnostics).toEqual([]);
    for (const { object } of objects) pilot.objects.set(keyOf(object), object);
    expect(changes).toEqual(['08:00:00 closed']);
    vi.advanceTimersByTime(86_400_000);
    expect(changes).toEqual(['08:00:00 closed', '09:00:00 open', '17:00:00 closed']);
  });

  it('that is gone is waited for no more', () => {
    const pilot = createPilot();
    const clock = new ScheduleClock(pilot);
    onTestFinished(() => clock.stop());
    const text = `{apiVersion: policy.lateen.dev/v1alpha1, kind: TrafficSchedule, metadata: {name: s}, spec: ${NINE_TO_FIVE}}`;
    const [parsed] = parseDocuments(text, 'test.yaml', { defaultNamespace: 'default' }).objects;
    if (parsed === undefined) throw new Error('not parsed');
    pilot.objects.set(keyOf(parsed.object), parsed.object);
    expect(vi.getTimerCount()).toBe(1);
    pilot.objects.delete(keyOf(parsed.object));
    expect(vi.getTimerCount()).toBe(0);
  });
});
