import type { KubernetesGateway } from '@lateen/api/kinds.ts';
import { type Condition, conditionOf, type Problem } from '../conditions.ts';
import {
  buildListenerStatus,
  isAccepted,
  type ListenerOutcome,
  type ListenerStatus,
  type ProxyHealth,
  pending,
} from './listener-status.ts';

export interface GatewayStatus {
  readonly addresses: readonly { readonly type: string; readonly value: string }[];
  readonly conditions: readonly Condition[];
  readonly listeners: readonly ListenerStatus[];
  readonly attachedListenerSets: number;
}

/** What is known of a Gateway, beside what is written in it. */
export interface GatewayOutcome {
  /** Of the Gateway as a whole. */
  readonly problems: readonly Problem[];
  readonly listeners: readonly ListenerOutcome[];
  /** For each of its ListenerSets, all that it has. */
  readonly sets: readonly (readonly ListenerOutcome[])[];
  readonly proxy: { readonly health: ProxyHealth; readonly addresses: readonly string[] };
}

export function buildGatewayStatus({ spec }: Pick<KubernetesGateway, 'spec'>, outcome: GatewayOutcome): GatewayStatus {
  const { listeners, sets, proxy } = outcome;
  const statuses = listeners.map((each) => buildListenerStatus(each, proxy.health));
  const accepted = acceptedOf(outcome);
  return {
    addresses: proxy.addresses.map((value) => ({ type: 'IPAddress', value })),
    conditions: [
      accepted,
      programmedOf(outcome, accepted),
      resolvedOf(outcome),
      ...(isInsecure(spec) ? [INSECURE] : []),
    ],
    listeners: statuses,
    attachedListenerSets: accepted.status === 'True' ? sets.filter((set) => set.some(isValid)).length : 0,
  };
}

/** It is in the configuration of the proxies. */
export function isValid({ isServed }: ListenerOutcome): boolean {
  return isServed;
}

function acceptedOf({ problems, listeners }: GatewayOutcome): Condition {
  const type = 'Accepted';
  const own = conditionOf(type, problems);
  const refused = listeners.filter((each) => !isAccepted(each));
  if (own.status === 'False' || refused.length === 0) return own;
  return {
    type,
    status: refused.length === listeners.length ? 'False' : 'True',
    reason: 'ListenersNotValid',
    message: notValid(refused),
  };
}

export function notValid(listeners: readonly ListenerOutcome[]): string {
  const names = listeners.map(({ listener }) => listener.name).join(', ');
  return `${listeners.length === 1 ? 'the listener' : 'the listeners'} ${names} cannot be served; see status.listeners`;
}

function programmedOf({ problems, listeners, sets, proxy }: GatewayOutcome, accepted: Condition): Condition {
  const type = 'Programmed';
  if (accepted.status !== 'True') {
    return { type, status: 'False', reason: 'Invalid', message: accepted.message };
  }
  const own = conditionOf(type, problems);
  if (own.status !== 'True') return own;
  if (![...listeners, ...sets.flat()].some(isValid)) {
    return { type, status: 'False', reason: 'Invalid', message: notValid(listeners) };
  }
  if (proxy.health === 'absent') {
    return { type, status: 'False', reason: 'AddressNotAssigned', message: 'the gateway has not been started yet' };
  }
  return proxy.health === 'ready' ? own : pending(proxy.health);
}

function resolvedOf({ problems, listeners }: GatewayOutcome): Condition {
  const own = conditionOf('ResolvedRefs', problems);
  const unresolved = listeners.filter((each) => each.problems.some(({ type }) => type === 'ResolvedRefs'));
  if (own.status !== 'True' || unresolved.length === 0) return own;
  const names = unresolved.map(({ listener }) => listener.name).join(', ');
  return {
    type: 'ResolvedRefs',
    status: 'False',
    reason: 'ListenersNotResolved',
    message: `references of ${names} lead nowhere; see status.listeners`,
  };
}

const INSECURE: Condition = {
  type: 'InsecureFrontendValidationMode',
  status: 'True',
  reason: 'ConfigurationChanged',
  message: 'clients may show no certificate, or any',
};

function isInsecure({ tls }: KubernetesGateway['spec']): boolean {
  const { default: ofAll, perPort = [] } = tls?.frontend ?? {};
  return [ofAll, ...perPort.map((each) => each.tls)].some((each) => each?.validation?.mode === 'AllowInsecureFallback');
}
