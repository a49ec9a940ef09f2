import type { BuiltInGateway } from '@lateen/api/gateway-workload.ts';
import type { ConfigObject, KubernetesGateway, ListenerSet, ReferenceGrant } from '@lateen/api/kinds.ts';
import { keyOf, keyOfRef } from '@lateen/api/object-key.ts';
import { instanceKey } from '@lateen/api/workload-instance.ts';
import type { Collection } from '../../incremental/collection.ts';
import type { Graph } from '../../incremental/graph.ts';
import type { Credential } from '../credential.ts';
import type { Gateway } from '../gateway.ts';
import { buildClientCertificate, type ClientCertificate } from './client-certificate.ts';
import { controllerOf } from './gateway-class.ts';
import { buildGatewayDeployment, type GatewayDeployment } from './gateway-deployment.ts';
import { type GatewayListeners, gatewayOfSet, type PlacedListener, placeListeners } from './gateway-listeners.ts';
import { buildGatewayServer } from './gateway-server.ts';
import { buildListenerTls, type ListenerTls } from './listener-tls.ts';
import type { Grants } from './reference-grant.ts';

/** What Gateways and ListenerSets of the Kubernetes Gateway API ask for. */
export interface KubernetesGateways {
  /** By object key of the Gateway or ListenerSet. */
  readonly listeners: Collection<GatewayListeners>;
  /** By `Listener.key`. */
  readonly placed: Collection<Pick<GatewayListeners, 'gateway'> & { readonly listener: PlacedListener }>;
  /** By `Listener.key`. */
  readonly listenerTls: Collection<ListenerTls>;
  /** One for each listener that is served, by `Listener.key`. */
  readonly served: Collection<Gateway>;
  /** By object key of the Gateway. */
  readonly deployments: Collection<GatewayDeployment>;
  /** The gateway that is started for each Gateway, by `NAME.NAMESPACE`. */
  readonly proxies: Collection<BuiltInGateway>;
  /** Of Gateways that show one to backends, by `NAMESPACE/NAME`. */
  readonly clientCertificates: Collection<ClientCertificate>;
  readonly grants: Grants;
  /** Those that routes may have without naming them, by `defaultScope`. */
  readonly byDefaultScope: Collection<readonly { readonly namespace: string; readonly name: string }[]>;
}

/** A Gateway of a class that Lateen serves. */
interface OwnGateway {
  readonly object: KubernetesGateway;
  readonly controller: string;
}

/** @param apiObjects those of `objects` that are of the Gateway API */
export function deriveKubernetesGateways(
  graph: Graph,
  apiObjects: Collection<ConfigObject>,
  objects: Collection<ConfigObject>,
  credentials: Collection<Credential>,
  clusterDomain: string,
): KubernetesGateways {
  const grants = graph.index(
    'reference grants by namespace',
    graph.derive('reference grants', apiObjects, (object): ReferenceGrant | undefined =>
      object.kind === 'ReferenceGrant' ? object : undefined,
    ),
    ({ metadata }) => [metadata.namespace],
  );
  const setsByGateway = graph.index(
    'listener sets by gateway',
    graph.derive('listener sets', apiObjects, (object): ListenerSet | undefined =>
      object.kind === 'ListenerSet' ? object : undefined,
    ),
    (set) => [gatewayOfSet(set)].filter((gateway) => gateway !== undefined),
  );
  const own = graph.derive('gateways of Kubernetes', apiObjects, (object, read): OwnGateway | undefined => {
    if (object.kind !== 'KubernetesGateway') return undefined;
    const controller = controllerOf(object.spec.gatewayClassName, objects, read);
    return controller === undefined ? undefined : { object, controller };
  });
  const listeners = graph.expand('listeners of gateways', own, ({ object, controller }, read, key) => {
    const { namespace, name } = object.metadata;
    const sets = read.get(setsByGateway, `${namespace}/${name}`) ?? [];
    const placed = placeListeners(object, controller, sets, objects, read);
    return [
      [key, placed.own],
      ...placed.sets.map(({ object: set, listeners: ofSet }) => [keyOf(set), ofSet]),
    ] as (readonly [string, GatewayListeners])[];
  });
  const placed = graph.expand('listeners', listeners, ({ gateway, listeners: all }) =>
    all.map((listener) => [listener.key, { gateway, listener }] as const),
  );
  const ownKey = (gateway: GatewayListeners['gateway']) => keyOfRef({ kind: 'KubernetesGateway', ...gateway });
  const listenerTls = graph.derive('TLS of listeners', placed, ({ gateway, listener }, read) => {
    const { object } = read.get(own, ownKey(gateway)) ?? {};
    return buildListenerTls(listener, object?.spec.tls, { credentials, grants, read });
  });
  const deployments = graph.derive('deployments of gateways', own, ({ object }, read) => {
    const serviceAt = (namespace: string, name: string) => {
      const found = read.get(objects, keyOfRef({ kind: 'Service', namespace, name }));
      return found?.kind === 'Service' ? found : undefined;
    };
    return buildGatewayDeployment(object, { clusterDomain, serviceAt });
  });
  const served = graph.derive('served listeners', placed, ({ gateway, listener }, read) => {
    const servedBy = read.get(deployments, ownKey(gateway))?.servedBy;
    if (servedBy === undefined) return undefined;
    const { annotations = {} } = read.get(own, ownKey(gateway))?.object.metadata ?? {};
    return buildGatewayServer(listener, servedBy, annotations, read.get(listenerTls, listener.key));
  });
  const proxies = graph.expand('proxies of gateways', deployments, ({ proxy }) =>
    proxy === undefined ? [] : [[instanceKey(proxy), proxy] as const],
  );
  const clientCertificates = graph.expand('client certificates of gateways', own, ({ object }, read) => {
    const found = buildClientCertificate(object, { credentials, grants, read });
    return found === undefined ? [] : [[`${object.metadata.namespace}/${object.metadata.name}`, found] as const];
  });
  const byDefaultScope = graph.index(
    'default gateways by scope',
    graph.derive('default gateways', own, ({ object: { metadata, spec } }) => {
      const { namespace, name } = metadata;
      return spec.defaultScope === 'All' ? { scope: spec.defaultScope, namespace, name } : undefined;
    }),
    ({ scope }) => [scope],
  );
  return { listeners, placed, listenerTls, served, deployments, proxies, clientCertificates, grants, byDefaultScope };
}
