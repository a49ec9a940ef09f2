import type { Collection, Reader } from '../../incremental/collection.ts';
import { serviceHostname } from '../hostname.ts';
import type { Destination } from '../route-action.ts';
import { type Service, serviceSeenFrom } from '../service.ts';
import type { Problem } from './conditions.ts';
import { type Grants, invalidReference, mayRefer, notPermitted } from './reference-grant.ts';
import { GATEWAY_GROUP } from './route-kind.ts';
import { importedHost } from './service-import.ts';
import { X_BACKEND_GROUP, xBackendHost } from './x-backend.ts';

/** A reference to who shall answer, of any route. */
export interface BackendRef {
  readonly group?: string | undefined;
  readonly kind?: string | undefined;
  readonly namespace?: string | undefined;
  readonly name: string;
  readonly port?: number | undefined;
}

/** Who refers: the route, and the place in it. */
export interface BackendContext {
  readonly route: { readonly kind: string; readonly namespace: string; readonly name: string };
  readonly clusterDomain: string;
  readonly servicesByHost: Collection<readonly Service[]>;
  readonly grants: Grants;
  readonly read: Reader;
}

/** What a reference leads to; with a problem, nowhere. */
export type Backend =
  | { readonly destination: Destination; readonly problem?: never }
  | { readonly destination?: never; readonly problem: Problem };

/** Groups and kinds that may answer, and the host under which the mesh knows them. */
const HOST_OF: Readonly<Record<string, (ref: BackendRef, namespace: string, clusterDomain: string) => string>> = {
  'Service.': ({ name }, namespace, clusterDomain) => serviceHostname(name, namespace, clusterDomain),
  'ServiceImport.multicluster.x-k8s.io': ({ name }, namespace) => importedHost(name, namespace),
  [`XBackend.${X_BACKEND_GROUP}`]: ({ name }, namespace, clusterDomain) => xBackendHost(name, namespace, clusterDomain),
  // Istio's own: any host that a ServiceEntry knows.
  'Hostname.networking.istio.io': ({ name }) => name,
};

/** @param path of the reference in the route */
export function resolveBackend(ref: BackendRef, path: string, context: BackendContext): Backend {
  const { route, clusterDomain, servicesByHost, grants, read } = context;
  const { group = '', kind = 'Service', name, port } = ref;
  const namespace = ref.namespace ?? route.namespace;
  const wrong = (reason: string, message: string): Backend => ({
    problem: invalidReference(reason, message, path),
  });
  const hostOf = HOST_OF[`${kind}.${group}`];
  if (hostOf === undefined) {
    return wrong(
      'InvalidKind',
      `a ${kind} of the API group '${group}' cannot answer; Services, ServiceImports and XBackends can`,
    );
  }
  const from = { group: GATEWAY_GROUP, kind: route.kind, namespace: route.namespace };
  if (kind !== 'Hostname' && !mayRefer(from, { group, kind, namespace, name }, grants, read)) {
    return { problem: notPermitted(from, kind, namespace, name, path) };
  }
  const host = hostOf(ref, namespace, clusterDomain);
  const service = serviceSeenFrom(read.get(servicesByHost, host), namespace);
  if (service === undefined) return wrong('BackendNotFound', `there is no ${kind} ${namespace}/${name}`);
  const known = route.kind === 'UDPRoute' ? (service.datagramPorts ?? []) : service.ports;
  if (port !== undefined && !known.some((each) => each.port === port)) {
    const ports = known.map((each) => each.port).join(', ');
    return wrong('BackendNotFound', `${kind} ${namespace}/${name} has no port ${port}; it has ${ports}`);
  }
  // The route may be of a namespace that does not see the service: it is granted, so who serves the route does.
  const source = { kind: route.kind, namespace: service.namespace, name: route.name, path };
  return { destination: { host, ...(port === undefined ? {} : { port }), source } };
}
