import type { Kind } from '../kinds.ts';
import { type KubernetesGateway, kubernetesGateway } from './gateway.ts';
import { type GatewayClass, gatewayClass } from './gateway-class.ts';
import { type ListenerSet, listenerSet } from './listener-set.ts';
import { type ReferenceGrant, referenceGrant } from './reference-grant.ts';

/** The static type of each kind of the Kubernetes Gateway API. */
export type GatewayApiObjectByKind = {
  GatewayClass: GatewayClass;
  KubernetesGateway: KubernetesGateway;
  ListenerSet: ListenerSet;
  ReferenceGrant: ReferenceGrant;
};

const GATEWAY_API = 'gateway.networking.k8s.io';
const LATER = 'the Gateway API';

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
    later: LATER,
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
    later: LATER,
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
    later: LATER,
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
    later: LATER,
    schema: referenceGrant,
  },
};
