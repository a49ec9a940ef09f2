/** A moment as clocks on the wall show it in one time zone. */
export interface LocalTime {
  /** Days since 1970-01-01 of the local calendar. */
  readonly day: number;
  /** Since local midnight. */
  readonly secondOfDay: number;
}

export const SECONDS_PER_DAY = 86_400;
const MS_PER_DAY = SECONDS_PER_DAY * 1000;

/** Clocks in one zone of the IANA time zone database, such as `Europe/Berlin`. */
export class WallClock {
  readonly #format: Intl.DateTimeFormat;

  /** @throws RangeError for a zone that does not exist */
  constructor(timeZone: string) {
    this.#format = new Intl.DateTimeFormat('en-US', {
      timeZone,
      calendar: 'iso8601',
      hourCycle: 'h23',
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
      minute: '2-digit',
      second: '2-digit',
    });
  }

  /** What it shows at an instant (milliseconds since the epoch, from 1970 on). */
  at(epochMs: number): LocalTime {
    const ms = epochMs + this.#offsetMs(epochMs);
    const day = Math.floor(ms / MS_PER_DAY);
    return { day, secondOfDay: Math.floor((ms - day * MS_PER_DAY) / 1000) };
  }

  /**
   * The instants at which it shows this time: two in the hour that is repeated when clocks are set back. In the hour that
   * is left out when they are set forward there is none; then the instant of the jump is given.
   */
  instantsOf({ day, secondOfDay }: LocalTime): readonly number[] {
    const local = day * MS_PER_DAY + secondOfDay * 1000;
    const [before, after] = [this.#offsetMs(local - MS_PER_DAY), this.#offsetMs(local + MS_PER_DAY)];
    const found = [...new Set([local - before, local - after])].filter((instant) => {
      const shown = this.at(instant);
      return shown.day === day && shown.secondOfDay === secondOfDay;
    });
    return found.length > 0 ? found.sort((a, b) => a - b) : [this.#jumpBetween(local - after, local - before)];
  }

  /** Instants from `start` to `end` at which clocks are set forward or back. */
  jumpsBetween(start: number, end: number): readonly number[] {
    const jumps: number[] = [];
    for (let from = start; from < end; from += MS_PER_DAY) {
      const to = Math.min(from + MS_PER_DAY, end);
      if (this.#offsetMs(from) !== this.#offsetMs(to)) jumps.push(this.#jumpBetween(from, to));
    }
    return jumps;
  }

  /** The first instant after `low` with another offset than there. */
  #jumpBetween(low: number, high: number): number {
    const before = this.#offsetMs(low);
    let [from, to] = [low, high];
    while (to - from > 1) {
      const middle = Math.floor((from + to) / 2);
      if (this.#offsetMs(middle) === before) from = middle;
      else to = middle;
    }
    return to;
  }

  /** How much it is ahead of UTC. */
  #offsetMs(epochMs: number): number {
    const parts: Record<string, number> = {};
    for (const { type, value } of this.#format.formatToParts(epochMs)) parts[type] = Number(value);
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts;
    const shown = Date.UTC(year, month - 1, day, hour, minute, second);
    return shown - Math.floor(epochMs / 1000) * 1000;
  }
}
