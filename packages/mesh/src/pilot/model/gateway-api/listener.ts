import type { KubernetesGateway, ListenerSet } from '@lateen/api/kinds.ts';
import type { SourceRef } from '../../proxy/ir/source.ts';
import { type AllowedNamespaces, buildAllowedNamespaces } from './allowed-namespaces.ts';
import type { Problem } from './conditions.ts';
import { GATEWAY_GROUP, isRouteKind, kindsServedBy, type RouteKind } from './route-kind.ts';

/** A port that a Gateway opens, for one host or all: one of its own listeners, or one of a ListenerSet. */
export interface Listener {
  /** See `listenerKey`. */
  readonly key: string;
  /** The Gateway or ListenerSet that it is written in. */
  readonly owner: ListenerOwner;
  readonly name: string;
  readonly port: number;
  /** Whatever is written there: see `supportedKinds`. */
  readonly protocol: string;
  readonly hostname?: string;
  readonly tls?: ListenerObject['tls'];
  /** Kinds of routes that it takes, those that are asked for as far as the protocol allows. */
  readonly supportedKinds: readonly RouteKind[];
  readonly allowedNamespaces: AllowedNamespaces;
  /** What is wrong with it as it stands, whatever else there is. */
  readonly problems: readonly Problem[];
  readonly source: SourceRef;
}

export interface ListenerOwner {
  readonly kind: 'KubernetesGateway' | 'ListenerSet';
  readonly namespace: string;
  readonly name: string;
}

export type ListenerObject = KubernetesGateway['spec']['listeners'][number];

/** By which rules find the listener: `gateway-api/KIND/NAMESPACE/NAME/LISTENER`, which no Istio Gateway is called. */
export function listenerKey({ kind, namespace, name }: ListenerOwner, listener: string): string {
  return `gateway-api/${kind}/${namespace}/${name}/${listener}`;
}

/** Object key of the Gateway or ListenerSet that a listener is written in. */
export function ownerOfListener(key: string): string {
  return key.split('/').slice(1, 4).join('/');
}

export function ownerOf({ kind, metadata }: KubernetesGateway | ListenerSet): ListenerOwner {
  return { kind: kind as ListenerOwner['kind'], namespace: metadata.namespace, name: metadata.name };
}

export function buildListeners(object: KubernetesGateway | ListenerSet): readonly Listener[] {
  const { name, namespace } = object.metadata;
  const owner = ownerOf(object);
  return object.spec.listeners.map((listener, i) =>
    buildListener(listener, owner, { kind: object.kind, namespace, name, path: `spec.listeners[${i}]` }),
  );
}

function buildListener(listener: ListenerObject, owner: ListenerOwner, source: SourceRef): Listener {
  const { name, port, protocol, hostname = '', tls, allowedRoutes = {} } = listener;
  const served = kindsServedBy(protocol, tls?.mode === 'Passthrough');
  const asked = allowedRoutes.kinds ?? [];
  const supported = asked.flatMap(({ kind, group }) =>
    (group ?? GATEWAY_GROUP) === GATEWAY_GROUP && isRouteKind(kind) && served?.includes(kind) ? [kind] : [],
  );
  return {
    key: listenerKey(owner, name),
    owner,
    name,
    port,
    protocol,
    ...(hostname === '' ? {} : { hostname }),
    ...(tls === undefined ? {} : { tls }),
    supportedKinds: asked.length === 0 ? (served ?? []) : [...new Set(supported)],
    allowedNamespaces: buildAllowedNamespaces(allowedRoutes.namespaces, source.namespace, 'Same'),
    problems: [
      ...(served === undefined ? [unknownProtocol(protocol, source)] : []),
      ...(served !== undefined && supported.length < asked.length ? [wrongKinds(asked, served, source)] : []),
    ],
    source,
  };
}

function unknownProtocol(protocol: string, { path }: SourceRef): Problem {
  return {
    type: 'Accepted',
    reason: 'UnsupportedProtocol',
    message: `the protocol ${protocol} is not known; there are HTTP, HTTPS, TLS, TCP and UDP`,
    path: `${path}.protocol`,
  };
}

function wrongKinds(
  asked: readonly { readonly kind: string }[],
  served: readonly RouteKind[],
  { path }: SourceRef,
): Problem {
  return {
    type: 'ResolvedRefs',
    reason: 'InvalidRouteKinds',
    message: `of ${asked.map(({ kind }) => kind).join(', ')}, a listener of this protocol takes only ${served.join(' and ')}`,
    path: `${path}.allowedRoutes.kinds`,
  };
}
