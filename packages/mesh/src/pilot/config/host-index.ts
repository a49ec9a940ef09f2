import type { ConfigObject } from '@lateen/api/kinds.ts';
import type { ObjectKey } from '@lateen/api/object-key.ts';
import { patternsCovering, resolveHost, serviceHostname } from '../model/hostname.ts';

/** Hostnames that callers may use because of this object. */
export function serviceHostsOf(object: ConfigObject | undefined, clusterDomain: string): readonly string[] {
  if (object?.kind === 'ServiceEntry') return object.spec.hosts;
  if (object?.kind !== 'Service') return [];
  return [serviceHostname(object.metadata.name, object.metadata.namespace, clusterDomain)];
}

/** The host, which may be a pattern, that a DestinationRule is for. */
export function ruleHostOf(object: ConfigObject | undefined, clusterDomain: string): string | undefined {
  if (object?.kind !== 'DestinationRule') return undefined;
  return resolveHost(object.spec.host, object.metadata.namespace, clusterDomain);
}

/** Which objects stand for a host, and which give it subsets: looked up without going through all objects. */
export class HostIndex {
  readonly #clusterDomain: string;
  readonly #services = new Map<string, Set<ObjectKey>>();
  readonly #rules = new Map<string, Set<ObjectKey>>();
  /** Objects with a host that a pattern covers. */
  readonly #covered = new Map<string, Set<ObjectKey>>();

  constructor(clusterDomain: string) {
    this.#clusterDomain = clusterDomain;
  }

  add(key: ObjectKey, object: ConfigObject | undefined): void {
    this.#change(key, object, add);
  }

  remove(key: ObjectKey, object: ConfigObject | undefined): void {
    this.#change(key, object, remove);
  }

  servicesAt(hostname: string): Iterable<ObjectKey> {
    return this.#services.get(hostname) ?? [];
  }

  rulesFor(hostname: string): Iterable<ObjectKey> {
    return this.#rules.get(hostname) ?? [];
  }

  /** Whether a pattern covers the hostname of some service. */
  hasServiceUnder(pattern: string): boolean {
    return this.#covered.has(pattern);
  }

  hostnames(): Iterable<string> {
    return this.#services.keys();
  }

  #change(key: ObjectKey, object: ConfigObject | undefined, change: typeof add): void {
    for (const host of serviceHostsOf(object, this.#clusterDomain)) {
      change(this.#services, host, key);
      for (const pattern of patternsCovering(host)) if (pattern.startsWith('*')) change(this.#covered, pattern, key);
    }
    const rule = ruleHostOf(object, this.#clusterDomain);
    if (rule !== undefined) change(this.#rules, rule, key);
  }
}

function add(index: Map<string, Set<ObjectKey>>, host: string, key: ObjectKey): void {
  const keys = index.get(host) ?? new Set();
  keys.add(key);
  index.set(host, keys);
}

function remove(index: Map<string, Set<ObjectKey>>, host: string, key: ObjectKey): void {
  const keys = index.get(host);
  keys?.delete(key);
  if (keys?.size === 0) index.delete(host);
}
