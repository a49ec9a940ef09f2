import { below, randomOf } from './random.ts';
import type { SimulatedEnvoy } from './simulated-envoy.ts';

/** How often one client does this, on average. */
const EVERY_MS = { pause: 8_000, reconnect: 12_000 } as const;
const PAUSE_MS = [100, 1_500] as const;
const AWAY_MS = [20, 300] as const;
const REFUSED_SHARE = 1 / 300;
const STEP_MS = 10;

/** What real proxies do at the wrong moment: read slowly, go away and come back, refuse. */
export class Disturbances {
  readonly counts = { pauses: 0, reconnects: 0, refusals: 0 };
  readonly #random: () => number;
  readonly #timer: NodeJS.Timeout;
  readonly #returning = new Map<SimulatedEnvoy, NodeJS.Timeout>();
  #lastAtMs = performance.now();

  constructor(envoys: readonly SimulatedEnvoy[], seed: number) {
    this.#random = randomOf(seed);
    this.#timer = setInterval(() => this.#disturb(envoys), STEP_MS);
  }

  refuses(): boolean {
    if (this.#random() >= REFUSED_SHARE) return false;
    this.counts.refusals++;
    return true;
  }

  /** Everyone is connected and reads again. */
  stop(envoys: readonly SimulatedEnvoy[]): void {
    clearInterval(this.#timer);
    for (const [envoy, timer] of this.#returning) {
      clearTimeout(timer);
      envoy.connect();
    }
    this.#returning.clear();
    for (const envoy of envoys) envoy.resume();
  }

  #disturb(envoys: readonly SimulatedEnvoy[]): void {
    const now = performance.now();
    const elapsedMs = now - this.#lastAtMs;
    this.#lastAtMs = now;
    for (let count = this.#drawn((envoys.length * elapsedMs) / EVERY_MS.pause); count > 0; count--) {
      const envoy = envoys[below(envoys.length, this.#random)];
      if (envoy === undefined || !envoy.isConnected) continue;
      envoy.pause(this.#between(PAUSE_MS));
      this.counts.pauses++;
    }
    for (let count = this.#drawn((envoys.length * elapsedMs) / EVERY_MS.reconnect); count > 0; count--) {
      const envoy = envoys[below(envoys.length, this.#random)];
      if (envoy === undefined || !envoy.isConnected) continue;
      envoy.disconnect();
      this.counts.reconnects++;
      const back = () => {
        this.#returning.delete(envoy);
        envoy.connect();
      };
      this.#returning.set(envoy, setTimeout(back, this.#between(AWAY_MS)));
    }
  }

  /** A whole number that is `expected` on average. */
  #drawn(expected: number): number {
    return Math.floor(expected) + (this.#random() < expected % 1 ? 1 : 0);
  }

  #between([from, to]: readonly [number, number]): number {
    return from + this.#random() * (to - from);
  }
}
