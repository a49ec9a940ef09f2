import type * as z from 'zod/mini';
import { type DestinationRule, destinationRule } from './istio/destination-rule.ts';
import { type Gateway, gateway } from './istio/gateway.ts';
import { type PeerAuthentication, peerAuthentication } from './istio/peer-authentication.ts';
import { type VirtualService, virtualService } from './istio/virtual-service.ts';
import { type ConfigMap, configMap } from './kubernetes/config-map.ts';
import { type Deployment, deployment } from './kubernetes/deployment.ts';
import { type Namespace, namespace } from './kubernetes/namespace.ts';
import { type Service, service } from './kubernetes/service.ts';
import { type ServiceAccount, serviceAccount } from './kubernetes/service-account.ts';

export type { DestinationRule } from './istio/destination-rule.ts';
export type { Gateway } from './istio/gateway.ts';
export type { PeerAuthentication } from './istio/peer-authentication.ts';
export type { VirtualService } from './istio/virtual-service.ts';
export type { ConfigMap } from './kubernetes/config-map.ts';
export type { Deployment } from './kubernetes/deployment.ts';
export type { Namespace } from './kubernetes/namespace.ts';
export type { Service } from './kubernetes/service.ts';
export type { ServiceAccount } from './kubernetes/service-account.ts';

/** The static type of each kind. */
export type ObjectByKind = {
  Namespace: Namespace;
  ServiceAccount: ServiceAccount;
  ConfigMap: ConfigMap;
  Service: Service;
  Deployment: Deployment;
  Gateway: Gateway;
  VirtualService: VirtualService;
  DestinationRule: DestinationRule;
  PeerAuthentication: PeerAuthentication;
};

export type KindName = keyof ObjectByKind;
export type ConfigObject = ObjectByKind[KindName];

export type Kind<K extends KindName = KindName> = {
  readonly kind: K;
  /** API group; empty for the core group of Kubernetes. */
  readonly group: string;
  /** Accepted versions. The first is the one that objects have after parsing. */
  readonly versions: readonly [string, ...string[]];
  readonly plural: string;
  readonly singular: string;
  readonly shortNames: readonly string[];
  readonly namespaced: boolean;
  /** One sentence, for the reference. */
  readonly summary: string;
  /** Of the whole object, in the first version. */
  readonly schema: z.ZodMiniType<ObjectByKind[K]>;
};

const NETWORKING = { group: 'networking.istio.io', versions: ['v1', 'v1beta1', 'v1alpha3'] } as const;

/** Every kind that Lateen acts on, in the order in which they are best applied. */
export const kinds: { readonly [K in KindName]: Kind<K> } = {
  Namespace: {
    kind: 'Namespace',
    group: '',
    versions: ['v1'],
    plural: 'namespaces',
    singular: 'namespace',
    shortNames: ['ns'],
    namespaced: false,
    summary: 'A room for names: objects in different namespaces may have the same name.',
    schema: namespace,
  },
  ServiceAccount: {
    kind: 'ServiceAccount',
    group: '',
    versions: ['v1'],
    plural: 'serviceaccounts',
    singular: 'serviceaccount',
    shortNames: ['sa'],
    namespaced: true,
    summary: 'The identity of workloads: each has a SPIFFE ID of its own.',
    schema: serviceAccount,
  },
  ConfigMap: {
    kind: 'ConfigMap',
    group: '',
    versions: ['v1'],
    plural: 'configmaps',
    singular: 'configmap',
    shortNames: ['cm'],
    namespaced: true,
    summary: 'Values that containers take as environment variables.',
    schema: configMap,
  },
  Service: {
    kind: 'Service',
    group: '',
    versions: ['v1'],
    plural: 'services',
    singular: 'service',
    shortNames: ['svc'],
    namespaced: true,
    summary: 'A name and ports under which a set of pods is reached.',
    schema: service,
  },
  Deployment: {
    kind: 'Deployment',
    group: 'apps',
    versions: ['v1'],
    plural: 'deployments',
    singular: 'deployment',
    shortNames: ['deploy'],
    namespaced: true,
    summary: 'An application, run in a number of equal replicas.',
    schema: deployment,
  },
  Gateway: {
    kind: 'Gateway',
    ...NETWORKING,
    plural: 'gateways',
    singular: 'gateway',
    shortNames: ['gw'],
    namespaced: true,
    summary: 'Ports and hosts that a gateway proxy serves at the edge of the mesh.',
    schema: gateway,
  },
  VirtualService: {
    kind: 'VirtualService',
    ...NETWORKING,
    plural: 'virtualservices',
    singular: 'virtualservice',
    shortNames: ['vs'],
    namespaced: true,
    summary: 'Rules that say where requests for a host go.',
    schema: virtualService,
  },
  DestinationRule: {
    kind: 'DestinationRule',
    ...NETWORKING,
    plural: 'destinationrules',
    singular: 'destinationrule',
    shortNames: ['dr'],
    namespaced: true,
    summary: 'Subsets of a service, and the policy for traffic that goes to it.',
    schema: destinationRule,
  },
  PeerAuthentication: {
    kind: 'PeerAuthentication',
    group: 'security.istio.io',
    versions: ['v1', 'v1beta1'],
    plural: 'peerauthentications',
    singular: 'peerauthentication',
    shortNames: ['pa'],
    namespaced: true,
    summary: 'Whether callers of a workload must use mutual TLS.',
    schema: peerAuthentication,
  },
};

export const kindNames = Object.keys(kinds) as KindName[];

/** `networking.istio.io/v1`, `v1`: what objects of the kind have in apiVersion after parsing. */
export function apiVersionOf(kind: Kind): string {
  return kind.group === '' ? kind.versions[0] : `${kind.group}/${kind.versions[0]}`;
}
