import { type Diagnostic, diagnostic } from '@lateen/api/diagnostic.ts';
import type { ConfigObject } from '@lateen/api/kinds.ts';
import { type ObjectKey, refOfKey } from '@lateen/api/object-key.ts';
import { dequal } from 'dequal';
import { resolveHost, serviceHostname } from '../model/hostname.ts';
import { delegationWarnings, takesPartInDelegation } from './delegation-warnings.ts';
import { gatewayWarnings } from './gateway-warnings.ts';
import { serviceHostsOf } from './host-index.ts';
import { referencesOf } from './references.ts';

/** What is in force, as far as references can lead there. */
export interface InForce {
  readonly objects: ReadonlyMap<ObjectKey, ConfigObject>;
  readonly hasService: (hostname: string) => boolean;
  /** Also for a pattern, which some service must be under. */
  readonly coversService: (pattern: string) => boolean;
  readonly missingHost: (hostname: string, namespace: string) => string;
}

/**
 * References of what is in force that lead nowhere: they take nothing out of force, but somebody should know. Objects are
 * judged again when they change, and all of them when one comes or goes that they could refer to.
 */
export class ReferenceWarnings {
  readonly #inForce: InForce;
  readonly #clusterDomain: string;
  readonly #found = new Map<ObjectKey, readonly Diagnostic[]>();
  readonly #unjudged = new Set<ObjectKey>();
  #isAllUnjudged = false;
  /** These are looked at as a whole: the kinds of which large meshes have many have no part in it. */
  readonly #schedules = new Set<ObjectKey>();
  readonly #delegating = new Map<ObjectKey, ConfigObject>();
  readonly #aroundGateways = new Map<ObjectKey, ConfigObject>();

  constructor(inForce: InForce, clusterDomain: string) {
    this.#inForce = inForce;
    this.#clusterDomain = clusterDomain;
  }

  /** What was in force under the key, and what is now. */
  changed(key: ObjectKey, before: ConfigObject | undefined, after: ConfigObject | undefined): void {
    this.#unjudged.add(key);
    if (this.#isReferredTo(before, after)) this.#isAllUnjudged = true;
    put(this.#delegating, key, after, takesPartInDelegation);
    put(this.#aroundGateways, key, after, isAroundGateways);
    if (after?.kind === 'TrafficSchedule') this.#schedules.add(key);
    else this.#schedules.delete(key);
  }

  all(): Diagnostic[] {
    const { objects } = this.#inForce;
    for (const key of this.#isAllUnjudged ? objects.keys() : [...this.#unjudged, ...this.#schedules]) this.#judge(key);
    if (this.#isAllUnjudged) for (const key of this.#found.keys()) if (!objects.has(key)) this.#found.delete(key);
    this.#isAllUnjudged = false;
    this.#unjudged.clear();
    return [
      ...delegationWarnings(this.#delegating, objects, this.#clusterDomain),
      ...gatewayWarnings(this.#aroundGateways),
      ...[...this.#found.values()].flat(),
    ];
  }

  #isReferredTo(before: ConfigObject | undefined, after: ConfigObject | undefined): boolean {
    switch ((after ?? before)?.kind) {
      case 'Service':
      case 'ServiceEntry':
        return !dequal(serviceHostsOf(before, this.#clusterDomain), serviceHostsOf(after, this.#clusterDomain));
      case 'Gateway':
      case 'ServiceAccount':
        return (before === undefined) !== (after === undefined);
      default:
        return false;
    }
  }

  #judge(key: ObjectKey): void {
    const object = this.#inForce.objects.get(key);
    const found = object === undefined ? [] : this.#warningsOf(key, object);
    if (found.length === 0) this.#found.delete(key);
    else this.#found.set(key, found);
  }

  #warningsOf(key: ObjectKey, object: ConfigObject): readonly Diagnostic[] {
    switch (object.kind) {
      case 'Deployment':
        return this.#missingServiceAccount(key, object);
      case 'TrafficSchedule':
        return this.#missingRules(key, object);
      case 'DestinationRule':
        return this.#withoutService(key, [object.spec.host], 'spec.host');
      case 'VirtualService':
        return this.#ofRoutes(key, object);
      default:
        return [];
    }
  }

  #ofRoutes(key: ObjectKey, object: ConfigObject): readonly Diagnostic[] {
    const { destinations, gateways, meshHosts } = referencesOf(object, this.#clusterDomain);
    // Hosts outside of the mesh have no service, but sidecars know them by the rules.
    const ofServices = meshHosts.filter(
      (host) => !host.startsWith('*') && host.endsWith(`.svc.${this.#clusterDomain}`),
    );
    const found = this.#withoutService(key, ofServices, 'spec.hosts');
    found.push(...meshHosts.flatMap((host) => this.#shortened(key, host)));
    for (const { hostname, path } of destinations) {
      if (this.#inForce.hasService(hostname)) continue;
      found.push(
        diagnostic('LAT0201', `the service ${hostname} is gone; requests sent there fail`, {
          object: refOfKey(key),
          path: `${path}.host`,
        }),
      );
    }
    for (const gateway of gateways) {
      if (this.#inForce.objects.has(`Gateway/${gateway}` as ObjectKey)) continue;
      const message = `there is no Gateway ${gateway}, so these routes are not served by it`;
      found.push(diagnostic('LAT0203', message, { object: refOfKey(key), path: 'spec.gateways' }));
    }
    return found;
  }

  /** A service under that name is certainly meant, so this is a mistake or comes too early. */
  #withoutService(key: ObjectKey, hosts: readonly string[], path: string): Diagnostic[] {
    const { namespace } = refOfKey(key);
    return hosts
      .map((host) => resolveHost(host, namespace, this.#clusterDomain))
      .filter((hostname) => !this.#inForce.coversService(hostname))
      .map((hostname) => {
        const message = `is for ${hostname}, but ${this.#inForce.missingHost(hostname, namespace)}`;
        return diagnostic('LAT0130', message, { object: refOfKey(key), path });
      });
  }

  /** Only the first part of a service's name, or all of it, stands for the service (Istio's rule). */
  #shortened(key: ObjectKey, host: string): Diagnostic[] {
    const [name = '', namespace, svc = 'svc', ...more] = host.split('.');
    if (namespace === undefined || svc !== 'svc' || more.length > 0) return [];
    const hostname = serviceHostname(name, namespace, this.#clusterDomain);
    if (!this.#inForce.hasService(hostname)) return [];
    const message = `is for a host ${host}, not for the service: write ${hostname}`;
    return [diagnostic('LAT0130', message, { object: refOfKey(key), path: 'spec.hosts' })];
  }

  /** A laptop mesh gives the identity all the same; a cluster would not start the pods. */
  #missingServiceAccount(
    key: ObjectKey,
    { metadata, spec }: Extract<ConfigObject, { kind: 'Deployment' }>,
  ): Diagnostic[] {
    const { serviceAccountName, serviceAccount } = spec.template.spec;
    const name = serviceAccountName ?? serviceAccount ?? 'default';
    if (name === 'default' || this.#inForce.objects.has(`ServiceAccount/${metadata.namespace}/${name}`)) return [];
    const message = `there is no ServiceAccount ${metadata.namespace}/${name}; on Kubernetes these pods would not start`;
    const field = serviceAccountName === undefined ? 'serviceAccount' : 'serviceAccountName';
    return [diagnostic('LAT0207', message, { object: refOfKey(key), path: `spec.template.spec.${field}` })];
  }

  #missingRules(key: ObjectKey, { metadata, spec }: Extract<ConfigObject, { kind: 'TrafficSchedule' }>): Diagnostic[] {
    return spec.targetRefs.flatMap(({ kind, name, sectionName }, index) => {
      const target = this.#inForce.objects.get(`${kind}/${metadata.namespace}/${name}`);
      const path = `spec.targetRefs[${index}]`;
      if (target === undefined || target.kind !== kind) {
        const message = `there is no ${kind} ${metadata.namespace}/${name}`;
        return [diagnostic('LAT0208', message, { object: refOfKey(key), path: `${path}.name` })];
      }
      const names = ruleNamesOf(target);
      if (sectionName === undefined || names.includes(sectionName)) return [];
      const has = names.length === 0 ? 'its rules have no names' : `it has ${names.join(', ')}`;
      const message = `${kind} ${metadata.namespace}/${name} has no rule ${JSON.stringify(sectionName)}: ${has}`;
      return [diagnostic('LAT0208', message, { object: refOfKey(key), path: `${path}.sectionName` })];
    });
  }
}

/** All but what there is one of for each service. */
function isAroundGateways({ kind }: ConfigObject): boolean {
  return kind !== 'VirtualService' && kind !== 'DestinationRule' && kind !== 'ServiceEntry';
}

function put(
  objects: Map<ObjectKey, ConfigObject>,
  key: ObjectKey,
  object: ConfigObject | undefined,
  belongs: (object: ConfigObject) => boolean,
): void {
  if (object !== undefined && belongs(object)) objects.set(key, object);
  else objects.delete(key);
}

/** Names of the rules for requests, as far as they have any. */
function ruleNamesOf(object: ConfigObject): readonly string[] {
  switch (object.kind) {
    case 'VirtualService':
      return (object.spec.http ?? []).flatMap(({ name }) => name ?? []);
    case 'HTTPRoute':
    case 'GRPCRoute':
      return (object.spec.rules ?? []).flatMap(({ name }: { readonly name?: string }) => name ?? []);
    default:
      return [];
  }
}
