import type { Session } from '../model/session.ts';
import type { WeightedDestinationIr } from './ir/route-action.ts';

export function sessionIn(session: Session | undefined): Pick<WeightedDestinationIr, 'session'> {
  if (session === undefined) return {};
  return { session: session.type === 'header' ? session : { ...session, path: session.path ?? '/' } };
}
