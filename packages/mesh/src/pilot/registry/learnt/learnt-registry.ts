import type { Source } from '../../incremental/collection.ts';
import type { LearntHost, LearntHosts } from '../../model/learnt-hosts.ts';
import type { HostLearning } from '../../xds/directory.ts';

/** A host that a workload called. */
export interface LearntEntry extends Omit<LearntHost, 'isOnTrial'> {
  /** When somebody asked last, in milliseconds since the epoch. */
  readonly askedAtMs: number;
  /** Since when it is tried whether anybody asks again. */
  readonly onTrialSinceMs?: number;
}

export type LearntEntries = ReadonlyMap<string, readonly LearntEntry[]>;

export interface LearntOptions {
  readonly now?: () => number;
  /** How long nobody need ask for a host before it is tried whether anybody would. Default: an hour. */
  readonly trustMs?: number;
  /** How long a trial lasts. Default: as long. */
  readonly trialMs?: number;
  /** Hosts of one workload; beyond it the one that was asked for first goes. Default: 1,000. */
  readonly maxHosts?: number;
  /** Called after each change of what is to be remembered. */
  readonly onChange?: () => void;
}

/**
 * Knows what workloads call, because their proxies asked for it. Proxies do not tell what they use, so from time to time the
 * virtual host alone is taken away: who still calls it asks again, and is held up for a moment; what nobody asks for is
 * forgotten.
 */
export class LearntRegistry implements HostLearning {
  readonly #source: Source<LearntHosts>;
  readonly #options: Required<Omit<LearntOptions, 'onChange'>> & Pick<LearntOptions, 'onChange'>;
  /** By workload, then by `TABLE/HOST`; what was asked for first comes first. */
  readonly #workloads = new Map<string, Map<string, LearntEntry>>();
  /** By workload. */
  readonly #epochs = new Map<string, number>();
  #timer: NodeJS.Timeout | undefined;

  constructor(source: Source<LearntHosts>, options: LearntOptions = {}) {
    this.#source = source;
    const { trustMs = 3_600_000, trialMs = trustMs } = options;
    this.#options = { now: Date.now, maxHosts: 1_000, ...options, trustMs, trialMs };
  }

  /** Looks from time to time for what to try and what to forget. */
  start(): void {
    const { trustMs, trialMs } = this.#options;
    this.#timer = setInterval(() => this.sweep(), Math.max(100, Math.min(trustMs, trialMs) / 10));
    this.#timer.unref();
  }

  close(): void {
    clearInterval(this.#timer);
  }

  ask(workload: string, hosts: readonly Omit<LearntHost, 'isOnTrial'>[]): void {
    const entries = this.#workloads.get(workload) ?? new Map<string, LearntEntry>();
    this.#workloads.set(workload, entries);
    for (const { table, host } of hosts) {
      const key = `${table}/${host}`;
      entries.delete(key);
      entries.set(key, { table, host, askedAtMs: this.#options.now() });
    }
    for (const key of entries.keys()) {
      if (entries.size <= this.#options.maxHosts) break;
      entries.delete(key);
      this.#beginEpoch(workload);
    }
    this.#publish(workload);
    this.#options.onChange?.();
  }

  /** Puts on trial what nobody asked for in a long time, and forgets what nobody asked for then. */
  sweep(): void {
    const { now, trustMs, trialMs } = this.#options;
    const nowMs = now();
    let hasChanged = false;
    for (const [workload, entries] of this.#workloads) {
      const before = [...entries];
      let isTouched = false;
      for (const [key, entry] of before) {
        const { askedAtMs, onTrialSinceMs } = entry;
        if (onTrialSinceMs !== undefined && nowMs - onTrialSinceMs >= trialMs) entries.delete(key);
        else if (onTrialSinceMs === undefined && nowMs - askedAtMs >= trustMs) {
          entries.set(key, { ...entry, onTrialSinceMs: nowMs });
        } else continue;
        isTouched = true;
      }
      if (!isTouched) continue;
      hasChanged = true;
      this.#beginEpoch(workload);
      this.#publish(workload);
    }
    if (hasChanged) this.#options.onChange?.();
  }

  find(workload: string, { table, host }: Omit<LearntHost, 'isOnTrial'>): LearntEntry | undefined {
    return this.#workloads.get(workload)?.get(`${table}/${host}`);
  }

  entries(): LearntEntries {
    return new Map([...this.#workloads].map(([workload, entries]) => [workload, [...entries.values()]]));
  }

  /** Takes in what was known before a restart. */
  restore(known: LearntEntries): void {
    for (const [workload, entries] of known) {
      this.#workloads.set(workload, new Map(entries.map((entry) => [`${entry.table}/${entry.host}`, entry])));
      this.#publish(workload);
    }
  }

  /** Other than the one before, also if that was before a restart. */
  #beginEpoch(workload: string): void {
    const before = this.#epochs.get(workload) ?? 0;
    const now = this.#options.now() % 1_000_000_000;
    this.#epochs.set(workload, now === before ? now + 1 : now);
  }

  #publish(workload: string): void {
    const entries = [...(this.#workloads.get(workload)?.values() ?? [])];
    const hosts = entries
      .map(({ table, host, onTrialSinceMs }) => ({
        table,
        host,
        ...(onTrialSinceMs === undefined ? {} : { isOnTrial: true as const }),
      }))
      .sort((a, b) => (`${a.table}/${a.host}` < `${b.table}/${b.host}` ? -1 : 1));
    this.#source.set(workload, { hosts, epoch: this.#epochs.get(workload) ?? 0 });
  }
}
