import type { DestinationRule as DestinationRuleObject } from '@lateen/api/kinds.ts';
import type { SourceRef } from '../proxy/ir/source.ts';
import type { ClientClass } from './client.ts';
import { resolveHost } from './hostname.ts';
import { hasLabels } from './service.ts';
import {
  buildTrafficSettings,
  settingsWithoutCredentials,
  type TrafficSettings,
  usesCredentials,
} from './traffic-settings.ts';
import { buildVisibility, isVisible, said, type Visibility } from './visibility.ts';

/** How a service is called: what one DestinationRule says, or several for one host together. */
export interface TrafficPolicy {
  readonly host: string;
  readonly namespace: string;
  /** Absent: nothing is said of the host as a whole. */
  readonly settings?: TrafficSettings;
  readonly subsets: readonly Subset[];
  readonly visibility: Visibility;
  /** Only for clients in the policy's namespace with all of these labels. */
  readonly clients?: Readonly<Record<string, string>>;
  /** Keys of `clients`. */
  readonly askedLabels: readonly string[];
  /** How it differs for some clients from what the rules say; absent: it does not. */
  readonly variant?: 'without credentials';
  /** Of the rules that it is made of, the first gives its settings. */
  readonly sources: readonly [SourceRef, ...SourceRef[]];
}

export interface Subset {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly settings?: TrafficSettings;
  readonly source: SourceRef;
}

/** @param exportedTo where the object does not say it */
export function buildTrafficPolicy(
  object: DestinationRuleObject,
  clusterDomain: string,
  exportedTo?: readonly string[],
): TrafficPolicy {
  const { name, namespace } = object.metadata;
  const source = { kind: 'DestinationRule', namespace, name };
  const { host, trafficPolicy, workloadSelector, exportTo, subsets = [] } = object.spec;
  const clients = workloadSelector?.matchLabels;
  return {
    host: resolveHost(host, namespace, clusterDomain),
    namespace,
    ...settingsOf(trafficPolicy, { ...source, path: 'spec.trafficPolicy' }),
    visibility: clients === undefined ? buildVisibility(said(exportTo) ?? exportedTo, namespace) : [namespace],
    ...(clients === undefined ? {} : { clients }),
    askedLabels: Object.keys(clients ?? {}),
    subsets: subsets.map((subset, i) => ({
      name: subset.name,
      labels: subset.labels ?? {},
      ...settingsOf(subset.trafficPolicy, { ...source, path: `spec.subsets[${i}].trafficPolicy` }),
      source: { ...source, path: `spec.subsets[${i}]` },
    })),
    sources: [source],
  };
}

function settingsOf(
  policy: DestinationRuleObject['spec']['trafficPolicy'],
  source: SourceRef,
): { settings?: TrafficSettings } {
  return policy === undefined ? {} : { settings: buildTrafficSettings(policy, source) };
}

/**
 * The one policy that holds for a client (Istio's lookup order): that of its own namespace, else that of the service's
 * namespace, else that of the root namespace. In a namespace, those for the narrowest host count, and among them those
 * that ask for labels of the client before the others. Several of these are one: the first settings, and all subsets.
 *
 * @param policies those for the narrowest host first, then in order of namespace and name
 */
export function policyFor(
  policies: readonly TrafficPolicy[],
  client: Pick<ClientClass, 'role' | 'namespace' | 'labels'>,
  serviceNamespace: string,
  rootNamespace: string,
): TrafficPolicy | undefined {
  const holding = policies.filter(
    ({ visibility, clients = {} }) => isVisible(visibility, client.namespace) && hasLabels(client.labels, clients),
  );
  for (const isNext of lookupOrder(client.namespace, serviceNamespace, rootNamespace)) {
    const there = holding.filter(isNext);
    const narrowest = there.filter(({ host }) => host === there[0]?.host);
    const [first, ...others] = narrowest.toSorted((a, b) => selectivity(b) - selectivity(a));
    if (first === undefined) continue;
    return forRole(
      client.role,
      others.filter((other) => selectivity(other) === selectivity(first)).reduce(join, first),
    );
  }
  return undefined;
}

/**
 * Rules of the root namespace are meant for the whole mesh, so for the proxies in it those of the service's namespace
 * go before, too, unless a rule says that it is for the root namespace.
 */
function lookupOrder(client: string, service: string, root: string): readonly ((policy: TrafficPolicy) => boolean)[] {
  return [
    ({ namespace, visibility }) => namespace === client && (client !== root || visibility !== 'all'),
    ({ namespace }) => namespace === service,
    ({ namespace }) => namespace === root,
  ];
}

/** Credentials are for gateways, and for sidecars that a rule selects (Istio's rule). */
function forRole(role: ClientClass['role'], policy: TrafficPolicy): TrafficPolicy {
  if (role === 'router' || policy.clients !== undefined) return policy;
  const all = [policy, ...policy.subsets].flatMap(({ settings }) => settings ?? []);
  if (!all.some(usesCredentials)) return policy;
  const without = <T extends { readonly settings?: TrafficSettings }>(each: T): T =>
    each.settings === undefined ? each : { ...each, settings: settingsWithoutCredentials(each.settings) };
  return { ...without(policy), subsets: policy.subsets.map(without), variant: 'without credentials' };
}

/** Of rules that all select the client, one with more labels is the more special. */
function selectivity({ clients = {} }: TrafficPolicy): number {
  return Object.keys(clients).length;
}

function join(a: TrafficPolicy, b: TrafficPolicy): TrafficPolicy {
  const known = new Set(a.subsets.map(({ name }) => name));
  const more = b.subsets.filter(({ name }) => !known.has(name));
  return {
    ...a,
    subsets: [...a.subsets, ...more],
    ...(a.settings === undefined && b.settings !== undefined ? { settings: b.settings } : {}),
    sources: [...a.sources, ...b.sources],
  };
}
