import type { Kind } from '../kinds.ts';
import { type BackendTLSPolicy, backendTlsPolicy } from './backend-tls-policy.ts';
import { type KubernetesGateway, kubernetesGateway } from './gateway.ts';
import { type GatewayClass, gatewayClass } from './gateway-class.ts';
import { type GRPCRoute, grpcRoute } from './grpc-route.ts';
import { type HTTPRoute, httpRoute } from './http-route.ts';
import { type TCPRoute, type TLSRoute, tcpRoute, tlsRoute, type UDPRoute, udpRoute } from './l4-routes.ts';
import { type ListenerSet, listenerSet } from './listener-set.ts';
import { type ReferenceGrant, referenceGrant } from './reference-grant.ts';
import { type ServiceImport, serviceImport } from './service-import.ts';
import { type XBackend, xBackend } from './x-backend.ts';
import { type XBackendTrafficPolicy, xBackendTrafficPolicy } from './x-backend-traffic-policy.ts';
import { type XMesh, xMesh } from './x-mesh.ts';

/** The static type of each kind of the Kubernetes Gateway API. */
export type GatewayApiObjectByKind = {
  GatewayClass: GatewayClass;
  KubernetesGateway: KubernetesGateway;
  ListenerSet: ListenerSet;
  ReferenceGrant: ReferenceGrant;
  BackendTLSPolicy: BackendTLSPolicy;
  HTTPRoute: HTTPRoute;
  GRPCRoute: GRPCRoute;
  TLSRoute: TLSRoute;
  TCPRoute: TCPRoute;
  UDPRoute: UDPRoute;
  XBackend: XBackend;
  XBackendTrafficPolicy: XBackendTrafficPolicy;
  XMesh: XMesh;
  ServiceImport: ServiceImport;
};

const GATEWAY_API = 'gateway.networking.k8s.io';
const EXPERIMENTAL = 'gateway.networking.x-k8s.io';

/** The kinds of the Kubernetes Gateway API. */
export const gatewayApiKinds: { readonly [K in keyof GatewayApiObjectByKind]: Kind<K> } = {
  GatewayClass: {
    kind: 'GatewayClass',
    group: GATEWAY_API,
    versions: ['v1', 'v1beta1'],
    plural: 'gatewayclasses',
    singular: 'gatewayclass',
    shortNames: ['gc'],
    namespaced: false,
    summary: 'Who runs the Gateways of a class.',
    schema: gatewayClass,
  },
  KubernetesGateway: {
    kind: 'KubernetesGateway',
    writtenAs: 'Gateway',
    group: GATEWAY_API,
    versions: ['v1', 'v1beta1'],
    plural: 'gateways',
    singular: 'gateway',
    shortNames: ['gtw'],
    namespaced: true,
    summary: 'Listeners of a gateway that is started for this object, in the words of the Kubernetes Gateway API.',
    schema: kubernetesGateway,
  },
  ListenerSet: {
    kind: 'ListenerSet',
    group: GATEWAY_API,
    versions: ['v1'],
    plural: 'listenersets',
    singular: 'listenerset',
    shortNames: ['lset'],
    namespaced: true,
    summary: 'More listeners of a Gateway, which others than its owner may write.',
    schema: listenerSet,
  },
  ReferenceGrant: {
    kind: 'ReferenceGrant',
    group: GATEWAY_API,
    versions: ['v1', 'v1beta1'],
    plural: 'referencegrants',
    singular: 'referencegrant',
    shortNames: ['refgrant'],
    namespaced: true,
    summary: 'Allows objects of other namespaces to refer to objects of this one.',
    schema: referenceGrant,
  },
  BackendTLSPolicy: {
    kind: 'BackendTLSPolicy',
    group: GATEWAY_API,
    versions: ['v1', 'v1alpha3'],
    plural: 'backendtlspolicies',
    singular: 'backendtlspolicy',
    shortNames: ['btlspolicy'],
    namespaced: true,
    summary: 'Services that are called with TLS, and which certificates they may show.',
    schema: backendTlsPolicy,
  },
  HTTPRoute: {
    kind: 'HTTPRoute',
    group: GATEWAY_API,
    versions: ['v1', 'v1beta1'],
    plural: 'httproutes',
    singular: 'httproute',
    shortNames: [],
    namespaced: true,
    summary: 'Rules that say where HTTP requests go which reach a Gateway or a Service.',
    schema: httpRoute,
  },
  GRPCRoute: {
    kind: 'GRPCRoute',
    group: GATEWAY_API,
    versions: ['v1'],
    plural: 'grpcroutes',
    singular: 'grpcroute',
    shortNames: [],
    namespaced: true,
    summary: 'Rules that say where gRPC requests go which reach a Gateway or a Service.',
    schema: grpcRoute,
  },
  TLSRoute: {
    kind: 'TLSRoute',
    group: GATEWAY_API,
    versions: ['v1', 'v1alpha2', 'v1alpha3'],
    plural: 'tlsroutes',
    singular: 'tlsroute',
    shortNames: [],
    namespaced: true,
    summary: 'Where TLS connections go, by the host that the client asks for.',
    schema: tlsRoute,
  },
  TCPRoute: {
    kind: 'TCPRoute',
    group: GATEWAY_API,
    versions: ['v1', 'v1alpha2'],
    plural: 'tcproutes',
    singular: 'tcproute',
    shortNames: [],
    namespaced: true,
    summary: 'Where TCP connections go.',
    schema: tcpRoute,
  },
  UDPRoute: {
    kind: 'UDPRoute',
    group: GATEWAY_API,
    versions: ['v1', 'v1alpha2'],
    plural: 'udproutes',
    singular: 'udproute',
    shortNames: [],
    namespaced: true,
    summary: 'Where UDP datagrams go.',
    schema: udpRoute,
  },
  XBackend: {
    kind: 'XBackend',
    group: EXPERIMENTAL,
    versions: ['v1alpha1'],
    plural: 'xbackends',
    singular: 'xbackend',
    shortNames: [],
    namespaced: true,
    summary: 'A host outside of the mesh as backend of routes, and how it is called.',
    schema: xBackend,
  },
  XBackendTrafficPolicy: {
    kind: 'XBackendTrafficPolicy',
    group: EXPERIMENTAL,
    versions: ['v1alpha1'],
    plural: 'xbackendtrafficpolicies',
    singular: 'xbackendtrafficpolicy',
    shortNames: ['xbtrafficpolicy'],
    namespaced: true,
    summary: 'How many retries Services get, and whether they keep sessions.',
    schema: xBackendTrafficPolicy,
  },
  XMesh: {
    kind: 'XMesh',
    group: EXPERIMENTAL,
    versions: ['v1alpha1'],
    plural: 'xmeshes',
    singular: 'xmesh',
    shortNames: ['mesh'],
    namespaced: false,
    summary: 'The mesh itself, and who runs it.',
    schema: xMesh,
  },
  ServiceImport: {
    kind: 'ServiceImport',
    group: 'multicluster.x-k8s.io',
    versions: ['v1beta1', 'v1alpha1'],
    plural: 'serviceimports',
    singular: 'serviceimport',
    shortNames: ['svcim', 'svcimport'],
    namespaced: true,
    summary: 'A service of several clusters, as backend of routes.',
    schema: serviceImport,
  },
};
