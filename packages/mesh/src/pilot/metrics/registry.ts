/** What Pilot counts and measures, printed in Prometheus' text format (version 0.0.4). Labels have few values each. */
export class MetricsRegistry {
  readonly #metrics: (() => string[])[] = [];

  /** A number that only grows, for each value of `label` that was given, or one without a label. */
  counter(name: string, help: string, label?: string): Counter {
    const values = new Map<string, number>();
    if (label === undefined) values.set('', 0);
    this.#add(name, 'counter', help, () =>
      [...values].map(([value, count]) => `${name}${labels(label, value)} ${count}`),
    );
    return {
      add(amount = 1, value = '') {
        values.set(value, (values.get(value) ?? 0) + amount);
      },
    };
  }

  /** Numbers that are asked for when somebody looks: one, or one for each value of `label`. */
  gauge(name: string, help: string, read: () => number | Readonly<Record<string, number>>, label?: string): void {
    this.#add(name, 'gauge', help, () => {
      const now = read();
      if (typeof now === 'number') return [`${name} ${now}`];
      return Object.entries(now).map(([value, count]) => `${name}${labels(label, value)} ${count}`);
    });
  }

  /** Like a counter, for a number that something else counts. */
  counted(name: string, help: string, read: () => Readonly<Record<string, number>>, label: string): void {
    this.#add(name, 'counter', help, () =>
      Object.entries(read()).map(([value, count]) => `${name}${labels(label, value)} ${count}`),
    );
  }

  /** How often values up to each of the bounds were seen, which ascend; for each value of `label`, if there is one. */
  histogram(name: string, help: string, bounds: readonly number[], label?: string): Histogram {
    const series = new Map<string, { readonly counts: number[]; sum: number }>();
    const of = (value: string) => {
      const known = series.get(value) ?? { counts: new Array<number>(bounds.length + 1).fill(0), sum: 0 };
      series.set(value, known);
      return known;
    };
    if (label === undefined) of('');
    this.#add(name, 'histogram', help, () =>
      [...series].flatMap(([value, { counts, sum }]) => {
        let total = 0;
        const lines = counts.map((count, at) => {
          total += count;
          return `${name}_bucket${labels(label, value, String(bounds[at] ?? '+Inf'))} ${total}`;
        });
        return [...lines, `${name}_sum${labels(label, value)} ${sum}`, `${name}_count${labels(label, value)} ${total}`];
      }),
    );
    return {
      observe(measured, value = '') {
        const one = of(value);
        const at = bounds.findIndex((bound) => measured <= bound);
        const slot = at < 0 ? bounds.length : at;
        one.counts[slot] = (one.counts[slot] ?? 0) + 1;
        one.sum += measured;
      },
    };
  }

  print(): string {
    return `${this.#metrics.flatMap((lines) => lines()).join('\n')}\n`;
  }

  #add(name: string, type: string, help: string, values: () => string[]): void {
    this.#metrics.push(() => [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...values()]);
  }
}

export interface Counter {
  add(amount?: number, labelValue?: string): void;
}

export interface Histogram {
  observe(measured: number, labelValue?: string): void;
}

/** Label values are words of ours, so nothing needs to be escaped. */
function labels(label: string | undefined, value: string, bound?: string): string {
  const all = [
    ...(label === undefined ? [] : [`${label}="${value}"`]),
    ...(bound === undefined ? [] : [`le="${bound}"`]),
  ];
  return all.length === 0 ? '' : `{${all.join(',')}}`;
}
