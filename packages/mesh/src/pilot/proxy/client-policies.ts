import type { Collection, Reader } from '../incremental/collection.ts';
import type { Graph } from '../incremental/graph.ts';
import type { ClientClass } from '../model/client.ts';
import { type MeshModel, policiesFor } from '../model/mesh.ts';
import type { Service } from '../model/service.ts';
import { policyFor, type TrafficPolicy } from '../model/traffic-policy.ts';
import { usesCredentials } from '../model/traffic-settings.ts';
import type { SecretIr } from './ir/secret.ts';

/** How some clients call a service: under which policy, and as who. */
export interface CallingWay {
  readonly policy?: TrafficPolicy;
  /** The certificate that the client shows. */
  readonly shown?: SecretIr;
}

/** What is so for some clients of a service, and who they are. */
export type ByClient<T> =
  /** Most policies tell clients apart by their namespace, if at all: then nobody needs to know which classes there are. */
  | { readonly by: 'namespace'; readonly named: ReadonlyMap<string, T>; readonly others: T }
  | { readonly by: 'class'; readonly named: ReadonlyMap<string, T> };

export function forClient<T>(
  found: ByClient<T> | undefined,
  client: Pick<ClientClass, 'key' | 'namespace'>,
): T | undefined {
  if (found === undefined) return undefined;
  return found.by === 'class' ? found.named.get(client.key) : (found.named.get(client.namespace) ?? found.others);
}

export function mapByClient<T, U>(found: ByClient<T>, of: (value: T) => U): ByClient<U> {
  const made = new Map<T, U>();
  const once = (value: T): U => {
    if (!made.has(value)) made.set(value, of(value));
    return made.get(value) as U;
  };
  const named = new Map([...found.named].map(([key, value]) => [key, once(value)]));
  return found.by === 'class' ? { by: 'class', named } : { by: 'namespace', named, others: once(found.others) };
}

/** Each value once. */
export function valuesByClient<T>(found: ByClient<T>): ReadonlySet<T> {
  return new Set([...found.named.values(), ...(found.by === 'class' ? [] : [found.others])]);
}

/** By key of the service. Other names of services have none. */
export function resolveClientPolicies(
  graph: Graph,
  model: MeshModel,
  classes: Collection<ClientClass>,
): Collection<ByClient<CallingWay>> {
  const { rootNamespace } = model.settings;
  return graph.derive('policies of services', model.services, (service, read): ByClient<CallingWay> | undefined => {
    if (service.aliasOf !== undefined) return undefined;
    const policies = policiesFor(service.hostname, model, read);
    const ways = new Map<string, CallingWay>();
    const wayOf = (client: Pick<ClientClass, 'role' | 'namespace' | 'labels' | 'gateway'>): CallingWay => {
      const policy = policyFor(policies, client, service.namespace, rootNamespace);
      const shown = shownTo(service, client, model, read);
      const key = `${policyKey(policy)}|${shown?.name ?? ''}`;
      const way = ways.get(key) ?? {
        ...(policy === undefined ? {} : { policy }),
        ...(shown === undefined ? {} : { shown }),
      };
      ways.set(key, way);
      return way;
    };
    if (service.backendTls !== undefined || policies.some(tellsClientsApart)) {
      const named = [...read.all(classes)].map(([key, client]) => [key, wayOf(client)] as const);
      return { by: 'class', named: new Map(named) };
    }
    const stranger = { role: 'sidecar', namespace: '', labels: {} } as const;
    const namespaces = policies.flatMap(({ namespace, visibility }) =>
      visibility === 'all' ? [namespace] : [namespace, ...visibility],
    );
    const named = [...new Set(namespaces)].map((namespace) => [namespace, wayOf({ ...stranger, namespace })] as const);
    return { by: 'namespace', named: new Map(named), others: wayOf(stranger) };
  });
}

/** By more than their namespace: by labels, or by what only gateways may use. */
function tellsClientsApart({ clients, settings, subsets }: TrafficPolicy): boolean {
  return (
    clients !== undefined ||
    [{ settings }, ...subsets].some((each) => each.settings !== undefined && usesCredentials(each.settings))
  );
}

/** Tells policies of one service from each other: the objects that they are made of, and the variant. */
export function policyKey(policy: TrafficPolicy | undefined): string {
  const under = (policy?.sources ?? []).map(({ namespace, name }) => `${namespace}/${name}`).join('+');
  return policy?.variant === undefined ? under : `${under} ${policy.variant}`;
}

/** The certificate that a client shows to a service that is called with TLS of its own, if it has one for that. */
function shownTo(
  { backendTls }: Service,
  { gateway }: Pick<ClientClass, 'gateway'>,
  { kubernetesGateways }: MeshModel,
  read: Reader,
): SecretIr | undefined {
  if (backendTls === undefined || gateway === undefined) return undefined;
  return read.get(kubernetesGateways.clientCertificates, gateway)?.secret;
}
