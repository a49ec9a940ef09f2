import { type Condition, conditionOf, type Problem } from '../conditions.ts';
import { isValid, notValid } from './gateway-status.ts';
import {
  buildListenerStatus,
  type ListenerOutcome,
  type ListenerStatus,
  type ProxyHealth,
  pending,
} from './listener-status.ts';

export interface ListenerSetStatus {
  readonly conditions: readonly Condition[];
  readonly listeners: readonly ListenerStatus[];
}

export interface ListenerSetOutcome {
  /** Of the ListenerSet as a whole. */
  readonly problems: readonly Problem[];
  readonly listeners: readonly ListenerOutcome[];
  readonly isGatewayAccepted: boolean;
  readonly proxy: ProxyHealth;
}

/** It is accepted if one of its listeners at least is served. */
export function buildListenerSetStatus(outcome: ListenerSetOutcome): ListenerSetStatus {
  const { listeners, proxy } = outcome;
  const accepted = acceptedOf(outcome);
  return {
    conditions: [accepted, programmedOf(accepted, proxy)],
    listeners: listeners.map((each) => buildListenerStatus(each, proxy)),
  };
}

function acceptedOf({ problems, listeners, isGatewayAccepted }: ListenerSetOutcome): Condition {
  const type = 'Accepted';
  const own = conditionOf(type, problems);
  if (own.status !== 'True') return own;
  if (!isGatewayAccepted) {
    return { type, status: 'False', reason: 'ParentNotAccepted', message: 'the Gateway is not accepted' };
  }
  const refused = listeners.filter((each) => !isValid(each));
  if (refused.length === 0) return own;
  return {
    type,
    status: refused.length === listeners.length ? 'False' : 'True',
    reason: 'ListenersNotValid',
    message: notValid(refused),
  };
}

/** Not where it is not accepted, for the same reason. */
function programmedOf(accepted: Condition, proxy: ProxyHealth): Condition {
  if (accepted.status !== 'True') return { ...accepted, type: 'Programmed' };
  return proxy === 'ready' ? conditionOf('Programmed', []) : pending(proxy);
}
