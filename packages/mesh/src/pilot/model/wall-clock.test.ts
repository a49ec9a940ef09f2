import { describe, expect, it } from 'vitest';
import { SECONDS_PER_DAY, WallClock } from './wall-clock.ts';

const day = (text: string) => Date.parse(`${text}T00:00Z`) / 1000 / SECONDS_PER_DAY;
const at = (hour: number, minute = 0) => (hour * 60 + minute) * 60;

describe('a clock on the wall', () => {
  const berlin = new WallClock('Europe/Berlin');
  const iso = (instants: readonly number[]) => instants.map((instant) => new Date(instant).toISOString());

  it('shows local day and time', () => {
    expect(berlin.at(Date.parse('2026-01-15T23:30:05Z'))).toEqual({
      day: day('2026-01-16'),
      secondOfDay: at(0, 30) + 5,
    });
    expect(new WallClock('Asia/Kolkata').at(Date.parse('2026-07-01T18:45Z'))).toEqual({
      day: day('2026-07-02'),
      secondOfDay: at(0, 15),
    });
    expect(new WallClock('America/New_York').at(Date.parse('2026-07-01T02:00Z'))).toEqual({
      day: day('2026-06-30'),
      secondOfDay: at(22),
    });
  });

  it('shows most times once', () => {
    expect(iso(berlin.instantsOf({ day: day('2026-07-01'), secondOfDay: at(9) }))).toEqual([
      '2026-07-01T07:00:00.000Z',
    ]);
    expect(iso(berlin.instantsOf({ day: day('2026-12-01'), secondOfDay: at(9) }))).toEqual([
      '2026-12-01T08:00:00.000Z',
    ]);
  });

  it('shows no time of the hour that is left out: the jump stands for it', () => {
    expect(iso(berlin.instantsOf({ day: day('2026-03-29'), secondOfDay: at(2, 30) }))).toEqual([
      '2026-03-29T01:00:00.000Z',
    ]);
  });

  it('shows the times of the repeated hour twice', () => {
    expect(iso(berlin.instantsOf({ day: day('2026-10-25'), secondOfDay: at(2, 30) }))).toEqual([
      '2026-10-25T00:30:00.000Z',
      '2026-10-25T01:30:00.000Z',
    ]);
  });

  it('is set forward and back twice a year, and never in UTC', () => {
    const year = [Date.parse('2026-01-01T00:00Z'), Date.parse('2027-01-01T00:00Z')] as const;
    expect(iso(berlin.jumpsBetween(...year))).toEqual(['2026-03-29T01:00:00.000Z', '2026-10-25T01:00:00.000Z']);
    expect(new WallClock('UTC').jumpsBetween(...year)).toEqual([]);
  });

  it('needs a zone that exists', () => {
    expect(() => new WallClock('Europe/Nowhere')).toThrow(RangeError);
  });
});
