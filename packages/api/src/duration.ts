const UNIT_MS: Record<string, number> = {
  h: 3_600_000,
  m: 60_000,
  s: 1000,
  ms: 1,
  us: 0.001,
  µs: 0.001,
  ns: 0.000_001,
};
const TERM = /(\d+(?:\.\d*)?|\.\d+)(h|ms|us|µs|ns|m|s)/gy;

/**
 * Milliseconds of a duration in Go's syntax, the one Kubernetes and Istio use: `3s`, `250ms`, `1.5h`, `1m30s`.
 * Undefined if the text is not a duration. The result can have a fraction (`100us` is 0.1).
 */
export function durationMs(text: string): number | undefined {
  if (text === '0') return 0;
  let total = 0;
  let end = 0;
  TERM.lastIndex = 0;
  for (let term = TERM.exec(text); term !== null; term = TERM.exec(text)) {
    total += Number(term[1]) * (UNIT_MS[term[2] ?? ''] ?? Number.NaN);
    end = TERM.lastIndex;
  }
  return end === text.length && text.length > 0 && Number.isFinite(total) ? total : undefined;
}

/** For a duration that has been validated: milliseconds, or undefined when the field is absent. */
export function optionalDurationMs(text: string | undefined): number | undefined {
  return text === undefined ? undefined : durationMs(text);
}
