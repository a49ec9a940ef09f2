import type { BuiltInGateway } from '@lateen/api/gateway-workload.ts';
import type { ConfigObject, KubernetesGateway, ListenerSet, ReferenceGrant } from '@lateen/api/kinds.ts';
import { keyOf, keyOfRef } from '@lateen/api/object-key.ts';
import { instanceKey } from '@lateen/api/workload-instance.ts';
import type { Collection } from '../../incremental/collection.ts';
import type { Graph } from '../../incremental/graph.ts';
import type { Credential } from '../credential.ts';
import type { Gateway } from '../gateway.ts';
import type { ParentRef } from './attachment.ts';
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
  readonly byDefaultScope: Collection<readonly ParentRef[]>;
}

export function deriveKubernetesGateways(
  graph: Graph,
  objects: Collection<ConfigObject>,
  credentials: Collection<Credential>,
  clusterDomain: string,
): KubernetesGateways {
  const grants = graph.index(
    'reference grants by namespace',
    graph.derive('reference grants', objects, (object): ReferenceGrant | undefined =>
      object.kind === 'ReferenceGrant' ? object : undefined,
    ),
    ({ metadata }) => [metadata.namespace],
  );
  const setsByGateway = graph.index(
    'listener sets by gateway',
    graph.derive('listener sets', objects, (object): ListenerSet | undefined =>
      object.kind === 'ListenerSet' ? object : undefined,
    ),
    (set) => [gatewayOfSet(set)].filter((gateway) => gateway !== undefined),
  );
  const listeners = graph.expand('listeners of gateways', objects, (object, read): [string, GatewayListeners][] => {
    if (object.kind !== 'KubernetesGateway') return [];
    const controller = controllerOf(object.spec.gatewayClassName, objects, read);
    if (controller === undefined) return [];
    const { namespace, name } = object.metadata;
    const sets = read.get(setsByGateway, `${namespace}/${name}`) ?? [];
    const { own, sets: ofSets } = placeListeners(object, controller, sets, objects, read);
    return [
      [keyOf(object), own],
      ...ofSets.map(({ object: set, listeners: its }) => [keyOf(set), its] as [string, GatewayListeners]),
    ];
  });
  const gatewayObject = (ref: { namespace: string; name: string }) => keyOfRef({ kind: 'KubernetesGateway', ...ref });
  const placed = graph.expand('listeners', listeners, ({ gateway, listeners: all }) =>
    all.map((listener) => [listener.key, { gateway, listener }] as const),
  );
  const listenerTls = graph.derive('TLS of listeners', placed, ({ gateway, listener }, read) => {
    const object = read.get(objects, gatewayObject(gateway)) as KubernetesGateway | undefined;
    return buildListenerTls(listener, object?.spec.tls, { credentials, grants, read });
  });
  const deployments = graph.derive('deployments of gateways', listeners, (_, read, key) => {
    const object = read.get(objects, key);
    if (object?.kind !== 'KubernetesGateway') return undefined;
    const serviceAt = (namespace: string, name: string) => {
      const found = read.get(objects, keyOfRef({ kind: 'Service', namespace, name }));
      return found?.kind === 'Service' ? found : undefined;
    };
    return buildGatewayDeployment(object, { clusterDomain, serviceAt });
  });
  const served = graph.derive('served listeners', placed, ({ gateway, listener }, read) => {
    const object = read.get(objects, gatewayObject(gateway)) as KubernetesGateway | undefined;
    const servedBy = read.get(deployments, gatewayObject(gateway))?.servedBy;
    return (
      servedBy &&
      buildGatewayServer(listener, servedBy, object?.metadata.annotations ?? {}, read.get(listenerTls, listener.key))
    );
  });
  const proxies = graph.expand('proxies of gateways', deployments, ({ proxy }) =>
    proxy === undefined ? [] : [[instanceKey(proxy), proxy] as const],
  );
  const clientCertificates = graph.expand('client certificates of gateways', listeners, (_, read, key) => {
    const object = read.get(objects, key);
    const found = object?.kind === 'KubernetesGateway' && buildClientCertificate(object, { credentials, grants, read });
    return found ? [[`${object.metadata.namespace}/${object.metadata.name}`, found] as const] : [];
  });
  const defaultGateways = graph.derive('default gateways', listeners, (_, read, key) => {
    const object = read.get(objects, key);
    if (object?.kind !== 'KubernetesGateway' || object.spec.defaultScope !== 'All') return undefined;
    const { namespace, name } = object.metadata;
    return { scope: object.spec.defaultScope, ref: { namespace, name } };
  });
  const byScope = graph.index('default gateways by scope', defaultGateways, ({ scope }) => [scope]);
  const byDefaultScope = graph.derive('references to default gateways', byScope, (list) => list.map(({ ref }) => ref));
  return { listeners, placed, listenerTls, served, deployments, proxies, clientCertificates, grants, byDefaultScope };
}
