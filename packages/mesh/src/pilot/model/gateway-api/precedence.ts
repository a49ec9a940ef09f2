/**
 * Which of the matches of all routes for one host is asked first. Ranks are compared from left to right, smaller first, so
 * that a number for "the longer the better" is negative.
 */
export type Rank = readonly (number | string)[];

export function byRank(a: { readonly rank?: Rank }, b: { readonly rank?: Rank }): number {
  return compareRanks(a.rank ?? [], b.rank ?? []);
}

export function compareRanks(left: Rank, right: Rank): number {
  for (const [i, value] of left.entries()) {
    const other = right[i];
    if (other === undefined) return 1;
    if (value !== other) return value < other ? -1 : 1;
  }
  return left.length - right.length;
}

/** Whose route it is: of routes that ask for equally much, the oldest comes first, then the first by name. */
export function ageRank({ creationTimestamp, namespace, name }: AgedMetadata): Rank {
  const created = creationTimestamp === undefined ? Number.NaN : Date.parse(creationTimestamp);
  return [Number.isNaN(created) ? Number.POSITIVE_INFINITY : created, `${namespace}/${name}`];
}

export interface AgedMetadata {
  readonly creationTimestamp?: string | undefined;
  readonly namespace: string;
  readonly name: string;
}
