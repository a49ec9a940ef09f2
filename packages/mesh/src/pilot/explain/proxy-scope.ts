import type { AskedHost, ProxyScope } from '@lateen/api/proxy-scope.ts';
import type { WorkloadInstance } from '@lateen/api/workload-instance.ts';
import { asWritten } from '@lateen/api/written-kind.ts';
import type { Reader } from '../incremental/collection.ts';
import type { LearntHost } from '../model/learnt-hosts.ts';
import type { Pilot } from '../pilot.ts';
import { accountForScope } from '../proxy/scope-reasons.ts';

/** When a workload asked for a host, if that is known. */
export interface AskedTime {
  readonly askedAtMs: number;
  readonly onTrialSinceMs?: number;
}

/** For whom nothing was learnt. */
const NEVER = (): undefined => undefined;

/** Looks once: nothing is computed again for it. */
const glance: Reader = {
  get: (collection, key) => collection.get(key),
  all: (collection) => new Map(collection.entries()),
};

/**
 * What the proxy `NAME.NAMESPACE` holds of the mesh, and why; undefined if it is not connected.
 *
 * @param timeOf by `NAMESPACE/NAME` of the workload
 */
export function explainProxyScope(
  name: string,
  pilot: Pilot,
  timeOf: (workload: string, host: LearntHost) => AskedTime | undefined = NEVER,
): ProxyScope | undefined {
  const { clients, scopes, inputs } = pilot.resolved.scoping;
  const [nodeId] = [...pilot.proxies.entries()].find(([, { instance }]) => instance === name) ?? [];
  const instance = pilot.instances.get(name);
  const client = nodeId === undefined ? undefined : clients.get(nodeId);
  const scope = client === undefined ? undefined : scopes.get(client.key);
  if (instance === undefined || client === undefined || scope === undefined) return undefined;
  const { namespace, workload } = instance;
  const asked = (learnt: LearntHost) => askedHost(learnt, timeOf(`${namespace}/${workload}`, learnt));
  const { services, unknown } = accountForScope(client, scope, inputs, asked, glance);
  const selector = selectorOf(
    instance,
    [...pilot.instances.entries()].map(([, each]) => each),
  );
  return {
    name,
    workload,
    namespace,
    scoping: scope.demanded !== undefined ? 'on-demand' : scope.patterns !== undefined ? 'listed' : 'namespace',
    ...(selector === undefined ? {} : { selector }),
    services: services.map((service) => ({
      ...service,
      reasons: service.reasons.map((reason) => {
        if (reason.type === 'listed') return { ...reason, by: asWritten(reason.by) };
        return 'of' in reason ? { ...reason, of: asWritten(reason.of) } : reason;
      }),
    })),
    unknown,
  };
}

/** A table that is for a port has its number for a name. */
function askedHost({ table, host, isOnTrial }: LearntHost, time: AskedTime | undefined): AskedHost {
  const port = /^\d+$/.test(table) ? Number(table) : undefined;
  const { askedAtMs, onTrialSinceMs } = time ?? {};
  return {
    host,
    ...(port === undefined ? {} : { port }),
    ...(askedAtMs === undefined ? {} : { askedAt: new Date(askedAtMs).toISOString() }),
    ...(isOnTrial !== true || onTrialSinceMs === undefined
      ? {}
      : { onTrialSince: new Date(onTrialSinceMs).toISOString() }),
  };
}

/** Labels by which people tell workloads apart, the fewest first. */
const TELLING: readonly (readonly string[])[] = [
  ['app'],
  ['app.kubernetes.io/name'],
  ['app', 'version'],
  ['app.kubernetes.io/name', 'app.kubernetes.io/instance'],
  ['app.kubernetes.io/name', 'app.kubernetes.io/instance', 'app.kubernetes.io/component'],
];
/** Differ from one replica, or one rollout, to the next. */
const PASSING = ['pod-template-hash', 'controller-revision-hash', 'statefulset.kubernetes.io/pod-name'];

/** Labels that no other workload of the namespace has. */
function selectorOf(
  { labels, namespace, workload, role }: WorkloadInstance,
  all: readonly WorkloadInstance[],
): Readonly<Record<string, string>> | undefined {
  if (role !== 'sidecar') return undefined;
  const neighbours = all.filter((each) => each.namespace === namespace);
  const own = neighbours.filter((each) => each.workload === workload);
  const others = neighbours.filter((each) => each.workload !== workload);
  const everything = Object.keys(labels)
    .filter((key) => !PASSING.includes(key))
    .sort();
  for (const keys of [...TELLING, everything]) {
    if (keys.length === 0 || !keys.every((key) => labels[key] !== undefined)) continue;
    const has = (each: WorkloadInstance) => keys.every((key) => each.labels[key] === labels[key]);
    if (own.every(has) && !others.some(has)) return Object.fromEntries(keys.map((key) => [key, labels[key] ?? '']));
  }
  return undefined;
}
