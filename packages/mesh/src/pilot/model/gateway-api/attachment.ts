import type { ConfigObject } from '@lateen/api/kinds.ts';
import { keyOfRef } from '@lateen/api/object-key.ts';
import type { Collection, Reader } from '../../incremental/collection.ts';
import { serviceHostname } from '../hostname.ts';
import { type Service, serviceSeenFrom } from '../service.ts';
import { allows } from './allowed-namespaces.ts';
import type { Problem } from './conditions.ts';
import type { GatewayListeners, PlacedListener } from './gateway-listeners.ts';
import { sharedHosts } from './route-hostnames.ts';
import { GATEWAY_GROUP, type RouteKind } from './route-kind.ts';

/** A reference of a route to what it shall hold at. */
export interface ParentRef {
  readonly group?: string | undefined;
  readonly kind?: string | undefined;
  readonly namespace?: string | undefined;
  readonly name: string;
  readonly sectionName?: string | undefined;
  readonly port?: number | undefined;
}

/** How a route stands with one of its parents. */
export interface Attachment {
  readonly parentRef: ParentRef;
  /** Keys of the listeners that take the route. */
  readonly listeners: readonly string[];
  readonly service?: ServiceParent;
  /** None: it holds there. */
  readonly problems: readonly Problem[];
}

/** A service whose callers the route is for. */
export interface ServiceParent {
  readonly host: string;
  /** Absent: all. */
  readonly port?: number;
  /** Only for callers in this namespace, which is not that of the service. */
  readonly consumers?: string;
}

/** What is asked of any route, to find out where it holds. */
export interface AttachingRoute {
  readonly kind: RouteKind;
  readonly namespace: string;
  readonly parentRefs: readonly ParentRef[];
  readonly hostnames: readonly string[];
}

export interface AttachmentContext {
  readonly objects: Collection<ConfigObject>;
  /** By `KIND/NAMESPACE/NAME` of the Gateway or ListenerSet. */
  readonly listeners: Collection<GatewayListeners>;
  readonly servicesByHost: Collection<readonly Service[]>;
  readonly clusterDomain: string;
  readonly read: Reader;
}

/** Parents that are not Lateen's are left out: it is not for us to say anything of them. */
export function attach(route: AttachingRoute, context: AttachmentContext): readonly Attachment[] {
  return route.parentRefs.flatMap((parentRef) => {
    const { group = GATEWAY_GROUP, kind = 'Gateway' } = parentRef;
    if (group === GATEWAY_GROUP && (kind === 'Gateway' || kind === 'ListenerSet')) {
      return attachToListeners(route, parentRef, kind, context);
    }
    return group === '' && kind === 'Service' ? [attachToService(route, parentRef, context)] : [];
  });
}

function attachToListeners(
  route: AttachingRoute,
  parentRef: ParentRef,
  kind: 'Gateway' | 'ListenerSet',
  { listeners, objects, read }: AttachmentContext,
): Attachment[] {
  const { name, sectionName = '', port } = parentRef;
  const owner = {
    kind: kind === 'Gateway' ? 'KubernetesGateway' : kind,
    namespace: parentRef.namespace ?? route.namespace,
    name,
  };
  const found = read.get(listeners, keyOfRef(owner));
  if (found === undefined) return [];
  const asked = found.listeners.filter(
    (each) => (sectionName === '' || each.name === sectionName) && (port === undefined || each.port === port),
  );
  const refusals = asked.map((listener) => refusalOf(route, listener, objects, read));
  const taken = asked.filter((_, i) => refusals[i] === undefined);
  if (taken.length > 0) return [{ parentRef, listeners: taken.map(({ key }) => key), problems: [] }];
  return [{ parentRef, listeners: [], problems: [closest(refusals) ?? noListener(parentRef)] }];
}

type RefusalReason = 'NoMatchingListenerHostname' | 'NotAllowedByListeners' | 'NoMatchingParent';

/** From the one that comes closest to taking the route. */
const REFUSALS: readonly RefusalReason[] = ['NoMatchingListenerHostname', 'NotAllowedByListeners', 'NoMatchingParent'];

function closest(refusals: readonly (Problem | undefined)[]): Problem | undefined {
  return REFUSALS.flatMap((reason) => refusals.filter((each) => each?.reason === reason))[0];
}

function refused(reason: RefusalReason, message: string): Problem {
  return { type: 'Accepted', reason, message, path: 'spec.parentRefs' };
}

function noListener({ name, sectionName, port }: ParentRef): Problem {
  const asked = [
    sectionName === undefined || sectionName === '' ? [] : `with the name ${sectionName}`,
    port === undefined ? [] : `on port ${port}`,
  ].flat();
  return refused('NoMatchingParent', `${name} has no listener ${asked.join(' ')}`.trim());
}

function refusalOf(
  route: AttachingRoute,
  listener: PlacedListener,
  objects: Collection<ConfigObject>,
  read: Reader,
): Problem | undefined {
  if (listener.conflict !== undefined) {
    return refused('NoMatchingParent', `the listener ${listener.name} is in conflict: ${listener.conflict.message}`);
  }
  if (!listener.supportedKinds.includes(route.kind)) {
    const kinds = listener.supportedKinds.join(' and ') || 'no routes';
    return refused('NotAllowedByListeners', `the listener ${listener.name} takes ${kinds}, no ${route.kind}`);
  }
  if (!allows(listener.allowedNamespaces, route.namespace, objects, read)) {
    return refused(
      'NotAllowedByListeners',
      `the listener ${listener.name} takes no routes of the namespace ${route.namespace}`,
    );
  }
  if (sharedHosts(route.hostnames, listener.hostname).length > 0) return undefined;
  const hosts = route.hostnames.join(', ');
  return refused(
    'NoMatchingListenerHostname',
    `the listener ${listener.name} is for ${listener.hostname}, not for ${hosts}`,
  );
}

function attachToService(
  route: AttachingRoute,
  parentRef: ParentRef,
  { servicesByHost, clusterDomain, read }: AttachmentContext,
): Attachment {
  const { name, namespace = route.namespace, sectionName = '', port } = parentRef;
  const host = serviceHostname(name, namespace, clusterDomain);
  const service = serviceSeenFrom(read.get(servicesByHost, host), namespace);
  const wrong = (message: string): Attachment => ({
    parentRef,
    listeners: [],
    problems: [refused('NoMatchingParent', message)],
  });
  if (service === undefined) return wrong(`there is no Service ${namespace}/${name}`);
  const named = service.ports.filter(
    (each) => (sectionName === '' || each.name === sectionName) && (port === undefined || each.port === port),
  );
  const [first] = named;
  if (first === undefined) return wrong(`the Service ${namespace}/${name} has no port ${port ?? sectionName}`);
  const isOnePort = sectionName !== '' || port !== undefined;
  return {
    parentRef,
    listeners: [],
    service: {
      host,
      ...(isOnePort ? { port: first.port } : {}),
      ...(namespace === route.namespace ? {} : { consumers: route.namespace }),
    },
    problems: [],
  };
}
