import { describe, expect, it } from 'vitest';
import { isOpen, type TimeWindow, windowState } from './time-window.ts';
import { WallClock } from './wall-clock.ts';

const [MONDAY, FRIDAY, SUNDAY] = [0, 4, 6] as const;
const EVERY_DAY = new Set([0, 1, 2, 3, 4, 5, 6]);
const WEEKDAYS = new Set([0, 1, 2, 3, 4]);

const hours = (from: number, to: number, more: Partial<TimeWindow> = {}): TimeWindow => ({
  weekdays: EVERY_DAY,
  from: from * 3600,
  to: to * 3600,
  ...more,
});
const dayOf = (text: string) => Date.parse(`${text}T00:00Z`) / 86_400_000;

function stateAt(instant: string, zone: string, ...windows: readonly TimeWindow[]) {
  const { open, changesAtMs } = windowState(windows, new WallClock(zone), Date.parse(instant));
  const at = changesAtMs === undefined ? 'never' : new Date(changesAtMs).toISOString().slice(0, 16);
  return `${open ? 'open' : 'closed'} until ${at}`;
}

describe('a window', () => {
  it.each([
    // 2026-11-23 is a Monday.
    ['2026-11-23T08:59:59Z', 'closed until 2026-11-23T09:00'],
    ['2026-11-23T09:00:00Z', 'open until 2026-11-23T17:00'],
    ['2026-11-23T17:00:00Z', 'closed until 2026-11-24T09:00'],
    ['2026-11-27T17:00:00Z', 'closed until 2026-11-30T09:00'],
  ])('for office hours is, at %s, %s', (instant, state) => {
    expect(stateAt(instant, 'UTC', hours(9, 17, { weekdays: WEEKDAYS }))).toBe(state);
  });

  it('may last until the next day, which then need not be one of its days', () => {
    const night = hours(22, 6, { weekdays: new Set([FRIDAY]) });
    expect(stateAt('2026-11-27T21:00Z', 'UTC', night)).toBe('closed until 2026-11-27T22:00');
    expect(stateAt('2026-11-28T05:00Z', 'UTC', night)).toBe('open until 2026-11-28T06:00');
    expect(stateAt('2026-11-28T23:00Z', 'UTC', night)).toBe('closed until 2026-12-04T22:00');
  });

  it('of a whole day follows on the next without a gap', () => {
    expect(stateAt('2026-11-23T12:00Z', 'UTC', hours(0, 24))).toBe('open until never');
    expect(stateAt('2026-11-23T12:00Z', 'UTC', hours(0, 0))).toBe('open until never');
    const weekend = hours(0, 24, { weekdays: new Set([5, SUNDAY]) });
    expect(stateAt('2026-11-23T12:00Z', 'UTC', weekend)).toBe('closed until 2026-11-28T00:00');
    expect(stateAt('2026-11-28T12:00Z', 'UTC', weekend)).toBe('open until 2026-11-30T00:00');
  });

  it('opens from its first day to its last, however far away', () => {
    const sale = hours(8, 10, { firstDay: dayOf('2027-03-01'), lastDay: dayOf('2027-03-02') });
    expect(stateAt('2026-11-23T09:00Z', 'UTC', sale)).toBe('closed until 2027-03-01T08:00');
    expect(stateAt('2027-03-01T11:00Z', 'UTC', sale)).toBe('closed until 2027-03-02T08:00');
    expect(stateAt('2027-03-02T11:00Z', 'UTC', sale)).toBe('closed until never');
    const always = hours(0, 24, { lastDay: dayOf('2027-03-02') });
    expect(stateAt('2026-11-23T09:00Z', 'UTC', always)).toBe('open until 2027-03-03T00:00');
    const rareDay = hours(8, 10, { firstDay: dayOf('2027-03-02'), weekdays: new Set([MONDAY]) });
    expect(stateAt('2026-11-23T09:00Z', 'UTC', rareDay)).toBe('closed until 2027-03-08T08:00');
  });

  it('beside others keeps open what one of them opens', () => {
    expect(stateAt('2026-11-23T08:30Z', 'UTC', hours(8, 10), hours(9, 12))).toBe('open until 2026-11-23T12:00');
  });

  describe('where clocks change', () => {
    // In Berlin from 02:00 to 03:00 on 2026-03-29, and from 03:00 back to 02:00 on 2026-10-25.
    it('keeps its local times', () => {
      expect(stateAt('2026-03-28T12:00Z', 'Europe/Berlin', hours(9, 17))).toBe('open until 2026-03-28T16:00');
      expect(stateAt('2026-03-28T17:00Z', 'Europe/Berlin', hours(9, 17))).toBe('closed until 2026-03-29T07:00');
    });

    it('that is skipped does not open, and one that began in it opens at the jump', () => {
      const skipped = { weekdays: EVERY_DAY, from: 2.25 * 3600, to: 2.75 * 3600 };
      expect(stateAt('2026-03-29T00:30Z', 'Europe/Berlin', skipped)).toBe('closed until 2026-03-30T00:15');
      expect(stateAt('2026-03-29T00:30Z', 'Europe/Berlin', hours(2.5, 5))).toBe('closed until 2026-03-29T01:00');
      expect(stateAt('2026-03-29T00:30Z', 'Europe/Berlin', hours(1, 2.5))).toBe('open until 2026-03-29T01:00');
    });

    it('that comes twice is open both times', () => {
      const twice = { weekdays: EVERY_DAY, from: 2 * 3600, to: 2.5 * 3600 };
      expect(stateAt('2026-10-24T23:30Z', 'Europe/Berlin', twice)).toBe('closed until 2026-10-25T00:00');
      expect(stateAt('2026-10-25T00:00Z', 'Europe/Berlin', twice)).toBe('open until 2026-10-25T00:30');
      expect(stateAt('2026-10-25T00:30Z', 'Europe/Berlin', twice)).toBe('closed until 2026-10-25T01:00');
      expect(stateAt('2026-10-25T01:00Z', 'Europe/Berlin', twice)).toBe('open until 2026-10-25T01:30');
    });
  });

  it('changes when it says, and never in between', () => {
    const windows = [hours(22, 3, { weekdays: new Set([FRIDAY, SUNDAY]) }), hours(2.5, 2.75), hours(9, 17)];
    for (const zone of ['Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'Asia/Kolkata']) {
      const clock = new WallClock(zone);
      for (const start of ['2026-03-06', '2026-03-28', '2026-04-04', '2026-10-02', '2026-10-24', '2026-10-31']) {
        const end = Date.parse(start) + 3 * 86_400_000;
        let at = Date.parse(start);
        while (at < end) {
          const { open, changesAtMs = end } = windowState(windows, clock, at);
          for (let between = at; between < Math.min(changesAtMs, end); between += 300_000) {
            expect(isOpen(windows, clock, between), `${zone} ${new Date(between).toISOString()}`).toBe(open);
          }
          if (changesAtMs < end) expect(isOpen(windows, clock, changesAtMs)).toBe(!open);
          at = changesAtMs;
        }
      }
    }
  });
});
