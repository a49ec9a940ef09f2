import type { ExternalAuthIr } from '../proxy/ir/route-filters.ts';
import type { Destination } from './route-action.ts';

/** Another service says whether a request may go on. */
export interface ExternalAuth extends Omit<ExternalAuthIr, 'cluster'> {
  readonly destination: Destination;
}
