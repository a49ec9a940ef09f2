import { SECONDS_PER_DAY, type WallClock } from './wall-clock.ts';

/** A stretch of time that comes again on some days of the week. */
export interface TimeWindow {
  /** Days on which it opens, from 0 for Monday to 6 for Sunday. */
  readonly weekdays: ReadonlySet<number>;
  /** Seconds since midnight. */
  readonly from: number;
  /** Seconds since midnight; if not after `from`, on the next day. */
  readonly to: number;
  /** First and last day on which it opens, in days since 1970-01-01. */
  readonly firstDay?: number;
  readonly lastDay?: number;
}

export interface WindowState {
  /** One of the windows is open. */
  readonly open: boolean;
  /** Milliseconds since the epoch at which that changes; absent if it never does. */
  readonly changesAtMs?: number;
}

/** All that happens within a week happens within eight days, whatever clocks are set forward or back. */
const LOOK_AHEAD_DAYS = 8;
const THURSDAY = 3;
const MS_PER_DAY = SECONDS_PER_DAY * 1000;

/** Whether one of the windows is open at an instant, and when that changes. */
export function windowState(windows: readonly TimeWindow[], clock: WallClock, nowMs: number): WindowState {
  const open = isOpen(windows, clock, nowMs);
  const changesAtMs = nextChange(windows, clock, nowMs, open);
  return changesAtMs === undefined ? { open } : { open, changesAtMs };
}

/** Whether one of the windows is open at an instant. */
export function isOpen(windows: readonly TimeWindow[], clock: WallClock, atMs: number): boolean {
  const { day, secondOfDay } = clock.at(atMs);
  return windows.some((window) => {
    if (window.to > window.from) return opensOn(window, day) && secondOfDay >= window.from && secondOfDay < window.to;
    return (
      (opensOn(window, day) && secondOfDay >= window.from) || (opensOn(window, day - 1) && secondOfDay < window.to)
    );
  });
}

function opensOn({ weekdays, firstDay, lastDay }: TimeWindow, day: number): boolean {
  // 1970-01-01 was a Thursday.
  if (!weekdays.has((day + THURSDAY) % 7)) return false;
  return (firstDay === undefined || day >= firstDay) && (lastDay === undefined || day <= lastDay);
}

/**
 * Between two of the instants that are looked at, nothing can change: they are all times at which a window opens or
 * closes, and all jumps of the clock, in the week from now on and in those around the first and last days.
 */
function nextChange(
  windows: readonly TimeWindow[],
  clock: WallClock,
  nowMs: number,
  open: boolean,
): number | undefined {
  const today = clock.at(nowMs).day;
  const starts = new Set([today]);
  for (const { firstDay, lastDay } of windows) {
    for (const day of [firstDay, lastDay]) if (day !== undefined && day > today) starts.add(day - 1);
  }
  const times = new Set(windows.flatMap(({ from, to }) => [from, to % SECONDS_PER_DAY]).concat(0));
  for (const start of [...starts].sort((a, b) => a - b)) {
    const instants = new Set<number>();
    for (let day = start; day <= start + LOOK_AHEAD_DAYS; day++) {
      for (const secondOfDay of times) {
        for (const instant of clock.instantsOf({ day, secondOfDay })) instants.add(instant);
      }
    }
    const [first = nowMs] = clock.instantsOf({ day: start, secondOfDay: 0 });
    for (const jump of clock.jumpsBetween(first, first + (LOOK_AHEAD_DAYS + 1) * MS_PER_DAY)) instants.add(jump);
    const change = [...instants]
      .sort((a, b) => a - b)
      .find((instant) => instant > nowMs && isOpen(windows, clock, instant) !== open);
    if (change !== undefined) return change;
  }
  return undefined;
}
