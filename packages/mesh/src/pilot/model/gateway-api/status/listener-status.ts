import type { Condition, Problem } from '../conditions.ts';
import { conditionOf } from '../conditions.ts';
import type { PlacedListener } from '../gateway-listeners.ts';
import { GATEWAY_GROUP } from '../route-kind.ts';

/** `status.listeners[]` of a Gateway or ListenerSet. */
export interface ListenerStatus {
  readonly name: string;
  readonly supportedKinds: readonly { readonly group: string; readonly kind: string }[];
  readonly attachedRoutes: number;
  readonly conditions: readonly Condition[];
}

/** Whether the proxies of a Gateway run. */
export type ProxyHealth = 'absent' | 'starting' | 'ready';

/** A listener, and what became of it. */
export interface ListenerOutcome {
  readonly listener: PlacedListener;
  /** All that is wrong with it, but for its conflict. */
  readonly problems: readonly Problem[];
  readonly attachedRoutes: number;
  /** Proxies have it in their configuration. */
  readonly isServed: boolean;
}

/** A listener in conflict is neither accepted nor programmed, for the reason of the conflict. */
export function isAccepted({ listener, problems }: ListenerOutcome): boolean {
  return listener.conflict === undefined && !problems.some(({ type }) => type === 'Accepted');
}

export function buildListenerStatus(outcome: ListenerOutcome, proxy: ProxyHealth): ListenerStatus {
  const { listener, problems, attachedRoutes } = outcome;
  const { name, supportedKinds, conflict, overlaps } = listener;
  return {
    name,
    supportedKinds: supportedKinds.map((kind) => ({ group: GATEWAY_GROUP, kind })),
    attachedRoutes,
    conditions: [
      conflict === undefined ? conditionOf('Accepted', problems) : failed('Accepted', conflict),
      programmed(outcome, proxy),
      conditionOf('ResolvedRefs', problems),
      conflict === undefined
        ? { type: 'Conflicted', status: 'False', reason: 'NoConflicts', message: '' }
        : { ...failed('Conflicted', conflict), status: 'True' },
      ...(overlaps.length === 0 ? [] : [overlapping(overlaps)]),
    ],
  };
}

function failed(type: string, { reason, message }: Pick<Problem, 'reason' | 'message'>): Condition {
  return { type, status: 'False', reason, message };
}

function programmed({ listener, problems, isServed }: ListenerOutcome, proxy: ProxyHealth): Condition {
  const type = 'Programmed';
  if (listener.conflict !== undefined) return failed(type, listener.conflict);
  if (!isServed) {
    const [first] = problems;
    return failed(type, { reason: 'Invalid', message: first?.message ?? 'the Gateway itself is not served' });
  }
  return proxy === 'ready' ? conditionOf(type, []) : pending(proxy);
}

export function pending(proxy: Exclude<ProxyHealth, 'ready'>): Condition {
  const message = proxy === 'absent' ? 'the gateway has not been started yet' : 'the gateway is not ready yet';
  return failed('Programmed', { reason: 'Pending', message });
}

/** It is not there where it does not hold, as the Gateway API asks. */
function overlapping(overlaps: PlacedListener['overlaps']): Condition {
  const others = overlaps.map(({ owner, name }) => `${name} of ${owner.namespace}/${owner.name}`).join(', ');
  return {
    type: 'OverlappingTLSConfig',
    status: 'True',
    reason: 'OverlappingHostnames',
    message: `there is TLS for some of these hosts in ${others} too`,
  };
}
