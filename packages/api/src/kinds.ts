import type * as z from 'zod/mini';
import { type GatewayApiObjectByKind, gatewayApiKinds } from './gateway-api/kinds.ts';
import { type DestinationRule, destinationRule } from './istio/destination-rule.ts';
import { type EnvoyFilter, envoyFilter } from './istio/envoy-filter.ts';
import { type Gateway, gateway } from './istio/gateway.ts';
import { type PeerAuthentication, peerAuthentication } from './istio/peer-authentication.ts';
import { type ProxyConfig, proxyConfig } from './istio/proxy-config.ts';
import { type ServiceEntry, serviceEntry } from './istio/service-entry.ts';
import { type Sidecar, sidecar } from './istio/sidecar.ts';
import { type VirtualService, virtualService } from './istio/virtual-service.ts';
import { type WorkloadEntry, workloadEntry } from './istio/workload-entry.ts';
import { type ConfigMap, configMap } from './kubernetes/config-map.ts';
import { type Deployment, deployment } from './kubernetes/deployment.ts';
import { type EndpointSlice, endpointSlice } from './kubernetes/endpoint-slice.ts';
import { type Ingress, ingress } from './kubernetes/ingress.ts';
import { type IngressClass, ingressClass } from './kubernetes/ingress-class.ts';
import { type Namespace, namespace } from './kubernetes/namespace.ts';
import { type Secret, secret } from './kubernetes/secret.ts';
import { type Service, service } from './kubernetes/service.ts';
import { type ServiceAccount, serviceAccount } from './kubernetes/service-account.ts';
import { type TrafficSchedule, trafficSchedule } from './lateen/traffic-schedule.ts';

export type { BackendTLSPolicy } from './gateway-api/backend-tls-policy.ts';
export type { KubernetesGateway } from './gateway-api/gateway.ts';
export type { GatewayClass } from './gateway-api/gateway-class.ts';
export type { GRPCRoute } from './gateway-api/grpc-route.ts';
export type { HTTPRoute } from './gateway-api/http-route.ts';
export type { TCPRoute, TLSRoute, UDPRoute } from './gateway-api/l4-routes.ts';
export type { ListenerSet } from './gateway-api/listener-set.ts';
export type { ReferenceGrant } from './gateway-api/reference-grant.ts';
export type { ServiceImport } from './gateway-api/service-import.ts';
export type { XBackend } from './gateway-api/x-backend.ts';
export type { XBackendTrafficPolicy } from './gateway-api/x-backend-traffic-policy.ts';
export type { XMesh } from './gateway-api/x-mesh.ts';
export type { DestinationRule } from './istio/destination-rule.ts';
export type { EnvoyFilter } from './istio/envoy-filter.ts';
export type { Gateway } from './istio/gateway.ts';
export type { PeerAuthentication } from './istio/peer-authentication.ts';
export type { ProxyConfig } from './istio/proxy-config.ts';
export type { ServiceEntry } from './istio/service-entry.ts';
export type { Sidecar } from './istio/sidecar.ts';
export type { VirtualService } from './istio/virtual-service.ts';
export type { WorkloadEntry } from './istio/workload-entry.ts';
export type { ConfigMap } from './kubernetes/config-map.ts';
export type { Deployment } from './kubernetes/deployment.ts';
export type { EndpointSlice } from './kubernetes/endpoint-slice.ts';
export type { Ingress } from './kubernetes/ingress.ts';
export type { IngressClass } from './kubernetes/ingress-class.ts';
export type { Namespace } from './kubernetes/namespace.ts';
export type { Secret } from './kubernetes/secret.ts';
export type { Service } from './kubernetes/service.ts';
export type { ServiceAccount } from './kubernetes/service-account.ts';
export type { TrafficSchedule } from './lateen/traffic-schedule.ts';

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
  Secret: Secret;
  EndpointSlice: EndpointSlice;
  IngressClass: IngressClass;
  Ingress: Ingress;
  ServiceEntry: ServiceEntry;
  WorkloadEntry: WorkloadEntry;
  Sidecar: Sidecar;
  ProxyConfig: ProxyConfig;
  EnvoyFilter: EnvoyFilter;
  TrafficSchedule: TrafficSchedule;
} & GatewayApiObjectByKind;

export type KindName = keyof ObjectByKind;
export type ConfigObject = ObjectByKind[KindName];

export type Kind<K extends KindName = KindName> = {
  readonly kind: K;
  /** What files say in `kind`, where that is another name: see `written-kind.ts`. */
  readonly writtenAs?: string;
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
  Secret: {
    kind: 'Secret',
    group: '',
    versions: ['v1'],
    plural: 'secrets',
    singular: 'secret',
    shortNames: [],
    namespaced: true,
    summary: 'Keys, certificates and other values that nobody else may see.',
    schema: secret,
  },
  EndpointSlice: {
    kind: 'EndpointSlice',
    group: 'discovery.k8s.io',
    versions: ['v1'],
    plural: 'endpointslices',
    singular: 'endpointslice',
    shortNames: [],
    namespaced: true,
    summary: 'Addresses behind a Service that selects no pods.',
    schema: endpointSlice,
  },
  IngressClass: {
    kind: 'IngressClass',
    group: 'networking.k8s.io',
    versions: ['v1'],
    plural: 'ingressclasses',
    singular: 'ingressclass',
    shortNames: [],
    namespaced: false,
    summary: 'Who serves the Ingresses of a class.',
    schema: ingressClass,
  },
  Ingress: {
    kind: 'Ingress',
    group: 'networking.k8s.io',
    versions: ['v1'],
    plural: 'ingresses',
    singular: 'ingress',
    shortNames: ['ing'],
    namespaced: true,
    summary: 'Hosts and paths that a gateway proxy serves, in the words of Kubernetes.',
    schema: ingress,
  },
  ServiceEntry: {
    kind: 'ServiceEntry',
    ...NETWORKING,
    plural: 'serviceentries',
    singular: 'serviceentry',
    shortNames: ['se'],
    namespaced: true,
    summary: 'A service that is not a Kubernetes Service: outside of the mesh, or on other machines.',
    schema: serviceEntry,
  },
  WorkloadEntry: {
    kind: 'WorkloadEntry',
    ...NETWORKING,
    plural: 'workloadentries',
    singular: 'workloadentry',
    shortNames: ['we'],
    namespaced: true,
    summary: 'One workload that is not a pod, as ServiceEntries select them.',
    schema: workloadEntry,
  },
  Sidecar: {
    kind: 'Sidecar',
    ...NETWORKING,
    plural: 'sidecars',
    singular: 'sidecar',
    shortNames: [],
    namespaced: true,
    summary: 'Which services the workloads of a namespace call, and how their proxies listen.',
    schema: sidecar,
  },
  ProxyConfig: {
    kind: 'ProxyConfig',
    group: 'networking.istio.io',
    versions: ['v1beta1'],
    plural: 'proxyconfigs',
    singular: 'proxyconfig',
    shortNames: [],
    namespaced: true,
    summary: 'Settings of the proxies themselves.',
    schema: proxyConfig,
  },
  EnvoyFilter: {
    kind: 'EnvoyFilter',
    group: 'networking.istio.io',
    versions: ['v1alpha3'],
    plural: 'envoyfilters',
    singular: 'envoyfilter',
    shortNames: [],
    namespaced: true,
    summary: 'Patches of the configuration that Envoy gets.',
    schema: envoyFilter,
  },
  TrafficSchedule: {
    kind: 'TrafficSchedule',
    group: 'policy.lateen.dev',
    versions: ['v1alpha1'],
    plural: 'trafficschedules',
    singular: 'trafficschedule',
    shortNames: ['ts'],
    namespaced: true,
    summary: 'Rules of a route that hold at certain times only.',
    schema: trafficSchedule,
  },
  ...gatewayApiKinds,
};

export const kindNames = Object.keys(kinds) as KindName[];

/** `networking.istio.io/v1`, `v1`: what objects of the kind have in apiVersion after parsing. */
export function apiVersionOf(kind: Kind): string {
  return kind.group === '' ? kind.versions[0] : `${kind.group}/${kind.versions[0]}`;
}
