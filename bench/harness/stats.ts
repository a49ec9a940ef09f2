/**
 * The smallest of the values that at least `percent` % of them do not exceed (nearest rank). Throws RangeError for no
 * values, or for a percentage outside 0 to 100.
 */
export function percentile(values: readonly number[], percent: number): number {
  if (!(percent >= 0 && percent <= 100)) throw new RangeError(`percentile ${percent} is not between 0 and 100`);
  const sorted = Float64Array.from(values).sort();
  const value = sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)];
  if (value === undefined) throw new RangeError('there is no percentile of no values');
  return value;
}

/** The middle value; of an even number of values, the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = Float64Array.from(values).sort();
  const upper = sorted[Math.floor(sorted.length / 2)];
  const lower = sorted[Math.ceil(sorted.length / 2) - 1];
  if (upper === undefined || lower === undefined) throw new RangeError('there is no median of no values');
  return (lower + upper) / 2;
}

/**
 * Measures all variants in each round, in an order that moves on by one from round to round, so that a machine that
 * gets slower or faster meanwhile does so for all of them. The result has one measurement for each round, by variant.
 */
export async function interleave<Variant, Measurement>(
  variants: readonly Variant[],
  rounds: number,
  measure: (variant: Variant, round: number) => Promise<Measurement> | Measurement,
): Promise<Map<Variant, Measurement[]>> {
  const measured = new Map<Variant, Measurement[]>(variants.map((variant) => [variant, []]));
  for (let round = 0; round < rounds; round++) {
    const first = round % Math.max(1, variants.length);
    for (const variant of [...variants.slice(first), ...variants.slice(0, first)]) {
      measured.get(variant)?.push(await measure(variant, round));
    }
  }
  return measured;
}
