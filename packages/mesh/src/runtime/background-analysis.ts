import type { Diagnostic } from '@lateen/api/diagnostic.ts';
import { keyOfRef } from '@lateen/api/object-key.ts';
import type { WorkloadInstance } from '@lateen/api/workload-instance.ts';
import { type AnalysisInput, analysisSteps, analyze } from '#pilot/analysis/analyze.ts';
import type { ConfigStore } from '#pilot/config/store.ts';
import type { MeshSettings } from '#pilot/model/settings.ts';

/** Changes come in groups; the last one of a group is waited for, but not for ever. */
const QUIET_MS = 250;
const LONGEST_WAIT_MS = 3_000;
/** Up to here the whole analysis takes a few milliseconds, so whoever asks gets what holds now. */
const SMALL = 500;

/**
 * Looks over the whole configuration when it has changed, beside everything else: after the proxies have got the change,
 * and in steps between which others have their turn.
 */
export class BackgroundAnalysis {
  readonly #store: ConfigStore;
  readonly #settings: MeshSettings;
  readonly #instances: () => Iterable<WorkloadInstance>;
  readonly #onNews: () => void;
  #warnings: readonly Diagnostic[] = [];
  #stale = false;
  #staleSince = 0;
  #timer: NodeJS.Timeout | undefined;
  #step: NodeJS.Immediate | undefined;

  /** @param onNews called after each analysis, never within a call */
  constructor(
    store: ConfigStore,
    settings: MeshSettings,
    instances: () => Iterable<WorkloadInstance>,
    onNews: () => void,
  ) {
    this.#store = store;
    this.#settings = settings;
    this.#instances = instances;
    this.#onNews = onNews;
  }

  /** The configuration has changed, or what runs. */
  changed(): void {
    const now = performance.now();
    if (!this.#stale) this.#staleSince = now;
    this.#stale = true;
    this.#cancel();
    const wait = Math.max(0, Math.min(QUIET_MS, this.#staleSince + LONGEST_WAIT_MS - now));
    this.#timer = setTimeout(() => this.#run(analysisSteps(this.#input())), wait);
  }

  /** Without what is only worth knowing. Of a large mesh, as it was a moment ago. */
  get warnings(): readonly Diagnostic[] {
    if (this.#stale && this.#store.objects.size <= SMALL) {
      this.#take(analyze(this.#input()));
      // Whoever asked has it; the others have not.
      this.#step = setImmediate(this.#onNews);
    }
    return this.#warnings;
  }

  /** What the last analysis found, even if it is of a moment ago. */
  get known(): readonly Diagnostic[] {
    return this.#warnings;
  }

  /** Everything, as it is now. */
  all(): readonly Diagnostic[] {
    return analyze(this.#input());
  }

  stop(): void {
    this.#cancel();
  }

  #run(steps: Generator<void, Diagnostic[]>): void {
    this.#step = setImmediate(() => {
      const { done, value } = steps.next();
      if (!done) return this.#run(steps);
      this.#take(value);
      this.#onNews();
    });
  }

  #take(found: readonly Diagnostic[]): void {
    this.#cancel();
    this.#stale = false;
    this.#warnings = found.filter(({ severity }) => severity !== 'info');
  }

  #cancel(): void {
    clearTimeout(this.#timer);
    clearImmediate(this.#step);
  }

  #input(): AnalysisInput {
    const { clusterDomain, rootNamespace } = this.#settings;
    return {
      clusterDomain,
      rootNamespace,
      instances: this.#instances(),
      objects: this.#store.objects.values(),
      placeOf: (ref) => this.#store.origin(keyOfRef(ref)),
    };
  }
}
