import type { Pilot } from '#pilot/pilot.ts';

/** Clocks of machines are set, and laptops sleep while a timer runs: no wait is longer than this. */
const LONGEST_WAIT_MS = 60_000;

/** Tells Pilot the time whenever a TrafficSchedule opens or closes: a timer for the next of these moments, and no polling. */
export class ScheduleClock {
  readonly #pilot: Pilot;
  #timer: NodeJS.Timeout | undefined;

  constructor(pilot: Pilot) {
    this.#pilot = pilot;
    pilot.model.scheduleStates.onChange(() => this.#arm());
    this.#arm();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #arm(): void {
    clearTimeout(this.#timer);
    const next = this.#nextChangeMs();
    if (next === undefined) return;
    this.#timer = setTimeout(() => this.#wake(), Math.min(Math.max(next - Date.now(), 0), LONGEST_WAIT_MS));
    this.#timer.unref();
  }

  #wake(): void {
    const next = this.#nextChangeMs();
    if (next !== undefined && next <= Date.now()) this.#pilot.tick();
    this.#arm();
  }

  #nextChangeMs(): number | undefined {
    const changes = [...this.#pilot.model.scheduleStates.entries()].flatMap(([, { changesAtMs }]) => changesAtMs ?? []);
    return changes.length === 0 ? undefined : Math.min(...changes);
  }
}
