import type { ObjectRef } from '@lateen/api/diagnostic.ts';
import type { AskedHost, HeldService, ScopeReason } from '@lateen/api/proxy-scope.ts';
import type { Reader } from '../incremental/collection.ts';
import type { ClientClass } from '../model/client.ts';
import type { LearntHost } from '../model/learnt-hosts.ts';
import { sidecarOf } from '../model/mesh.ts';
import type { Destination } from '../model/route-action.ts';
import { isWildcard, type Service, type ServicePort, serviceSeenFrom } from '../model/service.ts';
import { isCovered } from '../model/sidecar.ts';
import { isHttp } from './filter-chains.ts';
import type { SourceRef } from './ir/source.ts';
import { serviceCalled } from './on-demand.ts';
import { destinationsOfRules, type Scope, type ScopeInputs } from './scope.ts';
import { meantBy } from './service-names.ts';

/** What clients of a class hold of the mesh. */
export interface ScopeAccount {
  /** In order of host. */
  readonly services: readonly HeldService[];
  /** Hosts that were asked for and are no service. */
  readonly unknown: readonly AskedHost[];
}

/** Why each service is in the scope. `asked` puts in words what a workload has asked for. */
export function accountForScope(
  client: ClientClass,
  scope: Scope,
  inputs: ScopeInputs,
  asked: (learnt: LearntHost) => AskedHost,
  read: Reader,
): ScopeAccount {
  const { model, onDemand } = inputs;
  const { demanded, patterns } = scope;
  const sidecar = sidecarOf(client, model, read);
  const listeners = patterns === undefined ? [] : (sidecar.egress ?? []);
  const called = new Map<string, ScopeReason[]>();
  const unknown: AskedHost[] = [];
  for (const learnt of demanded?.learnt ?? []) {
    const service = serviceCalled(learnt.host, client, onDemand, model, read);
    const words = asked(learnt);
    if (service === undefined) unknown.push(words);
    else called.set(service.key, [...(called.get(service.key) ?? []), { type: 'asked', ...words }]);
  }
  const reasonsFor = (service: Service): readonly ScopeReason[] => {
    if (demanded !== undefined) {
      const always = read.get(onDemand.alwaysHeld, service.key);
      return [...(always === undefined ? [] : [whyAlways(always)]), ...(called.get(service.key) ?? [])];
    }
    if (patterns === undefined) return [{ type: 'namespace' }];
    const by = listeners.filter(({ hosts }) => isCovered(service, hosts)).map(({ source }) => source);
    return objectsOf(by).map((each) => ({ type: 'listed', by: each }));
  };

  const known = [...scope.services, ...scope.bound.flatMap(({ services }) => services)];
  const held = new Map<string, { readonly service: Service; readonly ports: Map<number, ServicePort> }>();
  const reasons = new Map<string, readonly ScopeReason[]>();
  const hold = (service: Service) => {
    const entry = held.get(service.key) ?? { service, ports: new Map<number, ServicePort>() };
    for (const port of service.ports) entry.ports.set(port.port, port);
    held.set(service.key, entry);
  };
  for (const service of known) {
    hold(service);
    reasons.set(service.key, reasonsFor(service));
  }
  const follow = (service: Service, reason: ScopeReason) => {
    // What is known anyway is not held for the sake of rules.
    if (known.some(({ key }) => key === service.key)) return;
    hold(service);
    const before = reasons.get(service.key) ?? [];
    if (!before.some((each) => JSON.stringify(each) === JSON.stringify(reason))) {
      reasons.set(service.key, [...before, reason]);
    }
  };
  for (const service of known) {
    if (service.aliasOf !== undefined) {
      follow(meantBy(service, model, read), { type: 'alias', host: service.hostname });
    }
  }
  const followDestination = ({ host, source }: Destination, reason: ScopeReason) => {
    const service = serviceSeenFrom(read.get(model.servicesByHost, host), source.namespace);
    if (service !== undefined) follow(meantBy(service, model, read), reason);
  };
  if (demanded !== undefined || patterns !== undefined) {
    for (const destination of destinationsOfRules(known, patterns, client, inputs, read)) {
      followDestination(destination, { type: 'route', of: objectOf(destination.source) });
    }
  }
  const via = sidecar.outside?.type === 'allow' ? sidecar.outside.via : undefined;
  if (via !== undefined) followDestination(via, { type: 'egress-proxy', of: objectOf(via.source) });
  return {
    services: [...held.values()]
      .map(({ service, ports }) => ({
        host: service.hostname,
        namespace: service.namespace,
        ports: [...ports.values()].sort((a, b) => a.port - b.port).map(heldPort),
        reasons: reasons.get(service.key) ?? [],
      }))
      .sort((a, b) => (`${a.host} ${a.namespace}` < `${b.host} ${b.namespace}` ? -1 : 1)),
    unknown,
  };
}

function whyAlways(service: Service): ScopeReason {
  if (isWildcard(service)) return { type: 'always', because: 'pattern' };
  const ports = service.ports.filter(({ protocol }) => !isHttp(protocol));
  if (ports.length === 0) return { type: 'always', because: 'by-name' };
  return { type: 'always', because: 'ports', ports: ports.map(heldPort) };
}

function heldPort({ port, protocol }: ServicePort) {
  return { port, protocol };
}

function objectOf({ kind, namespace, name }: SourceRef): ObjectRef {
  return { kind, namespace, name };
}

/** Several listeners may be of one object. */
function objectsOf(sources: readonly SourceRef[]): readonly ObjectRef[] {
  const byName = new Map(sources.map((source) => [`${source.namespace}/${source.name}`, objectOf(source)]));
  return [...byName.values()];
}
