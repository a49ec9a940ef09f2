import type { HeaderOperations } from '../header-operations.ts';
import type { OwnTreatment, WeightedDestination } from '../route-action.ts';
import { type BackendContext, type BackendRef, resolveBackend } from './backend.ts';
import type { Problem } from './conditions.ts';

/** A backend of a rule, with what is done to the requests that it gets. */
export interface SplitRef {
  readonly ref: BackendRef & { readonly weight?: number | undefined };
  readonly headers?: HeaderOperations;
  readonly authority?: string;
  readonly own?: OwnTreatment;
}

/** Who gets which share of the calls of a rule. */
export interface Split {
  readonly destinations: readonly WeightedDestination[];
  /** Weight of the calls that nobody can have. */
  readonly refused: number;
  readonly problems: readonly Problem[];
}

export function splitRequests(refs: readonly SplitRef[], path: string, context: BackendContext): Split {
  const problems: Problem[] = [];
  const destinations: WeightedDestination[] = [];
  let refused = 0;
  for (const [i, { ref, headers, authority, own: treatment }] of refs.entries()) {
    const weight = ref.weight ?? 1;
    const { destination, problem } = resolveBackend(ref, `${path}[${i}]`, context);
    if (problem !== undefined) {
      problems.push(problem);
      refused += weight;
    } else if (weight > 0) {
      const own = authority === undefined ? headers : { operations: NO_OPERATIONS, ...headers, authority };
      destinations.push({
        ...destination,
        weight,
        ...(own === undefined ? {} : { headers: own }),
        ...(treatment === undefined ? {} : { own: treatment }),
      });
    }
  }
  return { destinations, refused, problems };
}

const NO_OPERATIONS = {
  request: { set: [], add: [], remove: [] },
  response: { set: [], add: [], remove: [] },
};
