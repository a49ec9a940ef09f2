import type { ObjectRef } from '@lateen/api/diagnostic.ts';
import { BUILT_IN_GATEWAYS, isSelected } from '@lateen/api/gateway-workload.ts';
import type { ConfigObject, Gateway, Service, ServiceEntry } from '@lateen/api/kinds.ts';
import { patternsCovering, serviceHostname } from '../model/hostname.ts';
import { buildVisibility, type Visibility } from '../model/visibility.ts';
import { refOf } from './check.ts';

/** A name that can be called, whichever kind says so. A ServiceEntry is one for each of its hosts. */
export interface ServiceView {
  /** May be a wildcard, for a ServiceEntry. */
  readonly hostname: string;
  readonly namespace: string;
  readonly ports: readonly { readonly number: number; readonly name?: string }[];
  readonly visibility: Visibility;
  readonly object?: Service | ServiceEntry;
  readonly ref: ObjectRef;
}

/** All services of the configuration by hostname. */
export class ServiceIndex {
  /** Several under one hostname are in order of namespace and name, Services before ServiceEntries. */
  readonly byHostname = new Map<string, ServiceView[]>();
  /** For each wildcard: the services under it. */
  readonly #byWildcard = new Map<string, ServiceView[]>();

  /** @param exportTo of services that say nothing of it */
  constructor(objects: readonly ConfigObject[], clusterDomain: string, exportTo: readonly string[] | undefined) {
    const gateways = objects.filter((object) => object.kind === 'Gateway');
    const views = [
      ...objects.flatMap((object) => (object.kind === 'Service' ? [serviceView(object, clusterDomain, exportTo)] : [])),
      ...builtInServices(gateways, clusterDomain),
      ...objects.flatMap((object) => (object.kind === 'ServiceEntry' ? entryViews(object, exportTo) : [])),
    ];
    for (const view of views) {
      const same = this.byHostname.get(view.hostname);
      // A Service of the user's own stands in the place of a built-in one.
      if (same !== undefined && view.object === undefined) continue;
      if (same === undefined) this.byHostname.set(view.hostname, [view]);
      else same.push(view);
      for (const pattern of patternsCovering(view.hostname)) {
        const under = this.#byWildcard.get(pattern);
        if (under === undefined) this.#byWildcard.set(pattern, [view]);
        else under.push(view);
      }
    }
  }

  /** What a call to the host reaches: services of this name, else those whose wildcard covers it, the narrowest first. */
  reachedBy(hostname: string): readonly ServiceView[] {
    for (const pattern of patternsCovering(hostname)) {
      const found = this.byHostname.get(pattern);
      if (found !== undefined) return found;
    }
    return [];
  }

  /** The services that a host stands for, which may be a wildcard. */
  under(host: string): readonly ServiceView[] {
    return host.startsWith('*') ? (this.#byWildcard.get(host) ?? []) : this.reachedBy(host);
  }
}

function serviceView(object: Service, clusterDomain: string, fallback: readonly string[] | undefined): ServiceView {
  const { name, namespace, annotations = {} } = object.metadata;
  const exportTo = annotations['networking.istio.io/exportTo']?.split(',').map((each) => each.trim());
  return {
    hostname: serviceHostname(name, namespace, clusterDomain),
    namespace,
    ports: (object.spec.ports ?? []).map(({ port, name: portName }) => ({
      number: port,
      ...(portName === undefined ? {} : { name: portName }),
    })),
    visibility: buildVisibility(said(exportTo) ?? fallback, namespace),
    object,
    ref: refOf(object),
  };
}

function entryViews(object: ServiceEntry, fallback: readonly string[] | undefined): ServiceView[] {
  const { namespace } = object.metadata;
  const { hosts, ports = [], exportTo } = object.spec;
  return hosts.map((hostname) => ({
    hostname,
    namespace,
    ports: ports.map(({ number, name }) => ({ number, name })),
    visibility: buildVisibility(said(exportTo) ?? fallback, namespace),
    object,
    ref: refOf(object),
  }));
}

function builtInServices(gateways: readonly Gateway[], clusterDomain: string): ServiceView[] {
  return BUILT_IN_GATEWAYS.map(({ name, namespace, labels }) => {
    const asked = gateways
      .filter(({ spec }) => isSelected(labels, spec.selector ?? {}))
      .flatMap(({ spec }) => spec.servers.map(({ port }) => port.number));
    const numbers = [...new Set([80, 443, ...asked])];
    return {
      hostname: serviceHostname(name, namespace, clusterDomain),
      namespace,
      ports: numbers.map((number) => ({ number })),
      visibility: 'all',
      ref: { kind: 'Service', namespace, name },
    };
  });
}

/** An empty list says nothing. */
function said(exportTo: readonly string[] | undefined): readonly string[] | undefined {
  return exportTo === undefined || exportTo.length === 0 ? undefined : exportTo;
}
