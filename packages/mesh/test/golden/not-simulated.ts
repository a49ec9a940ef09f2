import type { Call, Expectation } from './call-file.ts';
import type { SimulatedOutcome } from './simulate-call.ts';

/**
 * Expectations that only real Envoys can answer, and why. Everything else of a call is judged by the simulation as well.
 */
const NOT_SIMULATED: readonly {
  readonly fields: readonly (keyof Expectation)[];
  readonly when: (call: Call, outcomes: readonly SimulatedOutcome[]) => boolean;
  readonly why: string;
}[] = [
  {
    fields: ['headerNames', 'responseHeaderNames'],
    when: () => true,
    why: 'how names are spelt goes beside the headers',
  },
  {
    fields: ['atLeastMs', 'atMostMs', 'countedAs', 'mirrored', 'port'],
    when: () => true,
    why: 'it is about what happens beside the answer',
  },
  {
    fields: ['peer'],
    when: () => true,
    why: 'a TLS client sees it that is no proxy',
  },
  {
    fields: ['status', 'attempts', 'fails'],
    when: ({ upstream }) => upstream.length > 0,
    why: 'it depends on how applications treat each attempt',
  },
  {
    fields: ['workload', 'instance', 'instances', 'distribution'],
    when: (_, outcomes) => outcomes.some(({ hashed }) => hashed),
    why: 'which endpoint a hash leads to is not computed',
  },
];

/** Headers of answers that Envoy, or the echo application, adds by itself. */
const ADDED = ['server', 'x-envoy-upstream-service-time', 'x-echo-spelling'];
/** The status of gRPC, which depends on the attempts as that of HTTP does. */
const GRPC_STATUS = 'grpc-status';

/** What is left of the call for the simulation to answer, and what is left out, with the reasons. */
export function simulatedPart(
  call: Call,
  outcomes: readonly SimulatedOutcome[],
): { readonly call: Call; readonly leftOut: readonly string[] } {
  const leftOut: string[] = [];
  const expectation: Record<string, unknown> = { ...call.expect };
  for (const { fields, when, why } of NOT_SIMULATED) {
    if (!when(call, outcomes)) continue;
    for (const field of fields) {
      if (expectation[field] === undefined) continue;
      delete expectation[field];
      leftOut.push(`${field}: ${why}`);
    }
  }
  for (const field of ['headers', 'responseHeaders'] as const) {
    const uncertain = call.upstream.length > 0 ? [...ADDED, GRPC_STATUS] : ADDED;
    const madeUp = new Set([...uncertain, ...outcomes.flatMap((outcome) => outcome.madeUp[field])]);
    const headers = [...(call.expect[field] ?? [])];
    const isLeftOut = ([name, value]: (typeof headers)[number]) => value !== null && madeUp.has(name);
    if (!headers.some(isLeftOut)) continue;
    expectation[field] = new Map(headers.filter((header) => !isLeftOut(header)));
    leftOut.push(...headers.filter(isLeftOut).map(([name]) => `${field}: ${name} is made up on the way`));
  }
  return { call: { ...call, expect: expectation as Expectation }, leftOut };
}
