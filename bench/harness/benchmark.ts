/** A benchmark: measures one thing and returns numbers. It never judges; goals are printed beside what was measured. */
export interface Benchmark {
  /** As on the command line. */
  readonly name: string;
  readonly summary: string;
  /** Options of its own, beside those that all have. No two benchmarks share a name of an option. */
  readonly options?: Readonly<Record<string, BenchmarkOption>>;
  run(context: BenchmarkContext): Promise<Result>;
}

export interface BenchmarkOption {
  readonly type: 'string' | 'boolean';
  /** What stands behind it on the command line. */
  readonly value?: string;
  readonly description: string;
}

export interface BenchmarkContext {
  /** Fewer rounds and smaller sizes: a first look in about a minute for all benchmarks together. */
  readonly quick: boolean;
  /** The benchmark's own options that were given, by name. */
  readonly options: Readonly<Record<string, string | boolean | undefined>>;
  /** One line of progress. */
  say(text: string): void;
  /** Runs after the benchmark, also when it fails or is interrupted; the last one first. */
  defer(cleanup: () => Promise<void> | void): void;
}

export interface Result {
  readonly tables: readonly Table[];
  readonly goals?: readonly Goal[];
  /** What a reader must know to understand the numbers. */
  readonly notes?: readonly string[];
}

export interface Table {
  readonly title: string;
  /** The heading of the first column, which names the rows. */
  readonly of: string;
  readonly columns: readonly Column[];
  readonly rows: readonly Row[];
}

export interface Column {
  /** For machines, with the unit: `p50Ms`. */
  readonly key: string;
  /** For people, with the unit: `p50 ms`. */
  readonly heading: string;
  /** Digits after the point. Default 1. */
  readonly digits?: number;
}

export interface Row {
  readonly name: string;
  /** By the column's key; what could not be measured is left out. Text is for what others have published. */
  readonly values: Readonly<Record<string, number | string | undefined>>;
}

export interface Goal {
  readonly what: string;
  readonly unit: string;
  readonly measured: number;
  /** Met by at most this much. */
  readonly goal: number;
}
