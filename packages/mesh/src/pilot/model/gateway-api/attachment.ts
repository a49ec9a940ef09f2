import type { ParentRef } from '@lateen/api/gateway-api/references.ts';
import type { ConfigObject } from '@lateen/api/kinds.ts';
import { keyOfRef } from '@lateen/api/object-key.ts';
import type { Collection, Reader } from '../../incremental/collection.ts';
import { serviceHostname } from '../hostname.ts';
import { type Service, serviceSeenFrom } from '../service.ts';
import { allows } from './allowed-namespaces.ts';
import type { Problem } from './conditions.ts';
import { MESH_CONTROLLER } from './gateway-class.ts';
import type { GatewayListeners, PlacedListener } from './gateway-listeners.ts';
import { sharedHosts } from './route-hostnames.ts';
import { GATEWAY_GROUP, type RouteKind } from './route-kind.ts';

/** How a route stands with one of its parents. */
export interface Attachment {
  readonly parentRef: ParentRef;
  /** Who says how they stand. Absent: it is not for Lateen to say anything of this parent, or there is none. */
  readonly controller?: string;
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
  /** Gateways that it holds at without naming them, as far as they take it. */
  readonly defaultGateways: readonly ParentRef[];
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

/** In the order of the references, the default Gateways behind them. */
export function attach(route: AttachingRoute, context: AttachmentContext): readonly Attachment[] {
  const { parentRefs, defaultGateways } = route;
  const written = parentRefs.map((parentRef, i) => {
    const { group = GATEWAY_GROUP, kind = 'Gateway' } = parentRef;
    const ref: PlacedRef = { ...parentRef, path: `spec.parentRefs[${i}]` };
    const attached =
      group === GATEWAY_GROUP && (kind === 'Gateway' || kind === 'ListenerSet')
        ? attachToListeners(route, ref, kind, context)
        : group === '' && kind === 'Service'
          ? attachToService(route, ref, context)
          : nowhere(unknownKind(ref, group, kind));
    return { parentRef, ...attached };
  });
  const isNamed = ({ namespace, name }: ParentRef) =>
    parentRefs.some(
      (each) =>
        (each.kind ?? 'Gateway') === 'Gateway' &&
        each.name === name &&
        (each.namespace ?? route.namespace) === namespace,
    );
  const byDefault = defaultGateways
    .filter((ref) => !isNamed(ref))
    .map((parentRef) => ({
      parentRef,
      ...attachToListeners(route, { ...parentRef, path: 'spec.useDefaultGateways' }, 'Gateway', context),
    }));
  // Nobody has asked for one that does not take the route.
  return [...written, ...byDefault.filter(({ listeners }) => listeners.length > 0)];
}

interface PlacedRef extends ParentRef {
  readonly path: string;
}

type Attached = Omit<Attachment, 'parentRef'>;

function nowhere(...problems: readonly Problem[]): Attached {
  return { listeners: [], problems };
}

function unknownKind({ path }: PlacedRef, group: string, kind: string): Problem {
  return {
    type: 'Accepted',
    reason: 'InvalidKind',
    message: `a ${kind} of the API group '${group}' takes no routes; a Gateway, a ListenerSet or a Service does`,
    path,
  };
}

function attachToListeners(
  route: AttachingRoute,
  parentRef: PlacedRef,
  kind: 'Gateway' | 'ListenerSet',
  { listeners, objects, read }: AttachmentContext,
): Attached {
  const { name, sectionName = '', port, path } = parentRef;
  const owner = {
    kind: kind === 'Gateway' ? 'KubernetesGateway' : kind,
    namespace: parentRef.namespace ?? route.namespace,
    name,
  };
  const found = read.get(listeners, keyOfRef(owner));
  if (found === undefined) {
    // Of one that is there and is not served, its own problem tells.
    if (read.get(objects, keyOfRef(owner)) !== undefined) return nowhere();
    return nowhere(refused('NoMatchingParent', `there is no ${kind} ${owner.namespace}/${name}`, path));
  }
  const { controller } = found;
  const asked = found.listeners.filter(
    (each) => (sectionName === '' || each.name === sectionName) && (port === undefined || each.port === port),
  );
  const refusals = asked.map((listener) => refusalOf(route, listener, path, objects, read));
  const taken = asked.filter((_, i) => refusals[i] === undefined);
  if (taken.length > 0) return { controller, listeners: taken.map(({ key }) => key), problems: [] };
  return { controller, listeners: [], problems: [closest(refusals) ?? noListener(parentRef, kind)] };
}

type RefusalReason = 'NoMatchingListenerHostname' | 'NotAllowedByListeners' | 'NoMatchingParent';

/** From the one that comes closest to taking the route. */
const REFUSALS: readonly RefusalReason[] = ['NoMatchingListenerHostname', 'NotAllowedByListeners', 'NoMatchingParent'];

function closest(refusals: readonly (Problem | undefined)[]): Problem | undefined {
  return REFUSALS.flatMap((reason) => refusals.filter((each) => each?.reason === reason))[0];
}

function refused(reason: RefusalReason, message: string, path: string): Problem {
  return { type: 'Accepted', reason, message, path };
}

function noListener({ name, sectionName, port, path }: PlacedRef, kind: string): Problem {
  const asked = [
    sectionName === undefined || sectionName === '' ? [] : `with the name ${sectionName}`,
    port === undefined ? [] : `on port ${port}`,
  ].flat();
  return refused('NoMatchingParent', `the ${kind} ${name} has no listener ${asked.join(' ')}`.trim(), path);
}

function refusalOf(
  route: AttachingRoute,
  listener: PlacedListener,
  path: string,
  objects: Collection<ConfigObject>,
  read: Reader,
): Problem | undefined {
  if (listener.conflict !== undefined) {
    const message = `the listener ${listener.name} is in conflict: ${listener.conflict.message}`;
    return refused('NoMatchingParent', message, path);
  }
  if (!listener.supportedKinds.includes(route.kind)) {
    const kinds = listener.supportedKinds.length === 0 ? 'no routes' : listener.supportedKinds.join(' and ');
    const message = `the listener ${listener.name} takes ${kinds}, and this is a ${route.kind}`;
    return refused('NotAllowedByListeners', message, path);
  }
  if (!allows(listener.allowedNamespaces, route.namespace, objects, read)) {
    return refused(
      'NotAllowedByListeners',
      `the listener ${listener.name} takes no routes of the namespace ${route.namespace}`,
      path,
    );
  }
  if (sharedHosts(route.hostnames, listener.hostname).length > 0) return undefined;
  const hosts = route.hostnames.join(', ');
  return refused(
    'NoMatchingListenerHostname',
    `the listener ${listener.name} is for ${listener.hostname}, not for ${hosts}`,
    path,
  );
}

function attachToService(
  route: AttachingRoute,
  { path, name, namespace = route.namespace, sectionName = '', port }: PlacedRef,
  { servicesByHost, clusterDomain, read }: AttachmentContext,
): Attached {
  const host = serviceHostname(name, namespace, clusterDomain);
  const service = serviceSeenFrom(read.get(servicesByHost, host), namespace);
  const controller = MESH_CONTROLLER;
  const wrong = (message: string) => nowhere(refused('NoMatchingParent', message, path));
  if (route.kind === 'UDPRoute') {
    const message = 'sidecars take no datagrams: a UDPRoute can only hold at listeners of Gateways';
    return { ...nowhere({ type: 'Accepted', reason: 'UnsupportedValue', message, path }), controller };
  }
  if (service === undefined) return wrong(`there is no Service ${namespace}/${name}`);
  const named = service.ports.filter(
    (each) => (sectionName === '' || each.name === sectionName) && (port === undefined || each.port === port),
  );
  const [first] = named;
  if (first === undefined) {
    return { controller, ...wrong(`the Service ${namespace}/${name} has no port ${port ?? sectionName}`) };
  }
  const isOnePort = sectionName !== '' || port !== undefined;
  return {
    controller,
    listeners: [],
    service: {
      host,
      ...(isOnePort ? { port: first.port } : {}),
      ...(namespace === route.namespace ? {} : { consumers: route.namespace }),
    },
    problems: [],
  };
}
