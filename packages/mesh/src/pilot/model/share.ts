/** Every request. */
export const ALL = 1_000_000;

/** Percent, with up to four places, as a share of a million. A percentage without a value is 0, as in protobuf. */
export function perMillion(percentage: { readonly value?: number | undefined } | undefined): number | undefined {
  return percentage === undefined ? undefined : Math.round((percentage.value ?? 0) * 10_000);
}
