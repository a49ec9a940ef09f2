import type { ConfigObject, Ingress } from '@lateen/api/kinds.ts';
import type { Collection, Reader } from '../incremental/collection.ts';
import type { Graph } from '../incremental/graph.ts';
import type { Gateway } from './gateway.ts';
import { decideIngress, defaultClassOf, type IngressSettings } from './ingress-class.ts';
import { buildIngressGateway, ingressGatewayKey } from './ingress-gateway.ts';
import { buildIngressRules, type IngressRules, mergeIngressRules } from './ingress-rules.ts';
import type { RouteRuleSet } from './route-rule.ts';
import { type Service, serviceKey } from './service.ts';

/** What the Ingresses that this mesh serves stand for, by object key. */
export interface Ingresses {
  readonly gateways: Collection<Gateway>;
  readonly rules: Collection<IngressRules>;
}

export function deriveIngresses(
  graph: Graph,
  objects: Collection<ConfigObject>,
  settingsOf: (read: Reader) => IngressSettings,
  rootNamespace: string,
): Ingresses {
  const classes = graph.derive('ingress classes', objects, (object) =>
    object.kind === 'IngressClass' ? object : undefined,
  );
  const byName = graph.index('ingress classes by name', classes, ({ metadata }) => [metadata.name]);
  const served = graph.derive('served ingresses', objects, (object, read): Ingress | undefined => {
    if (object.kind !== 'Ingress') return undefined;
    const decision = decideIngress(
      object,
      settingsOf(read),
      (name) => read.get(byName, name)?.[0],
      () => defaultClassOf(read.all(classes).values()),
    );
    return decision.isServed ? object : undefined;
  });
  return {
    gateways: graph.derive('gateways of ingresses', served, (ingress, read) =>
      buildIngressGateway(ingress, settingsOf(read), rootNamespace),
    ),
    rules: graph.derive('rules of ingresses', served, (ingress) => {
      const { namespace, name } = ingress.metadata;
      return buildIngressRules(ingress, ingressGatewayKey(namespace, name, rootNamespace));
    }),
  };
}

/** The rules of all Ingresses, by host. */
export function deriveIngressRoutes(
  graph: Graph,
  rules: Collection<IngressRules>,
  services: Collection<Service>,
  clusterDomain: string,
): Collection<RouteRuleSet> {
  const byHost = graph.index('ingresses by host', rules, ({ hosts }) => hosts);
  return graph.expand('routes of ingresses', byHost, (ingresses, read, host) => {
    const merged = mergeIngressRules(host, ingresses, clusterDomain, (namespace, hostname) =>
      read.get(services, serviceKey(namespace, hostname)),
    );
    return merged === undefined ? [] : [[`Ingress ${host}`, merged] as const];
  });
}
