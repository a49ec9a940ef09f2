import { type Diagnostic, diagnostic } from '@lateen/api/diagnostic.ts';
import type { ConfigObject } from '@lateen/api/kinds.ts';
import { type ObjectKey, refOfKey } from '@lateen/api/object-key.ts';
import { suggest } from '@lateen/api/suggest.ts';
import { writtenKind } from '@lateen/api/written-kind.ts';
import { dequal } from 'dequal';
import { hostCovers, patternsCovering } from '../model/hostname.ts';
import { MAX_ALIASES } from '../model/services.ts';
import { builtInService } from './built-in-service.ts';
import { calledPorts } from './called-ports.ts';
import { HostIndex, ruleHostOf, serviceHostsOf } from './host-index.ts';
import { ReferenceWarnings } from './reference-warnings.ts';
import { type References, referencesOf } from './references.ts';

/** `undefined`: the object is to be removed. */
export type Changes = ReadonlyMap<ObjectKey, ConfigObject | undefined>;

/** What would be in force with some changes; the index has the hosts of what is changed, before and after. */
interface View {
  readonly changes: Changes;
  readonly hosts: HostIndex;
}

/** A change that is not let in for now, and why. What was in force before stays. */
export type Held = ReadonlyMap<ObjectKey, readonly Diagnostic[]>;

/**
 * Lets objects in so that what is in force always fits together: a route to a subset that does not exist (yet) is held
 * back, and so is the removal of a subset that a route uses. The order in which files are read or saved does not matter:
 * what is held is tried again at each change.
 */
export class Admission {
  readonly #clusterDomain: string;
  readonly #accepted = new Map<ObjectKey, ConfigObject>();
  /** Of what is in force. */
  readonly #hosts: HostIndex;
  /** Nothing but what is in force. */
  readonly #now: View;
  /** VirtualServices in force, by host of a destination. */
  readonly #usersOf = new Map<string, Set<ObjectKey>>();
  readonly #warnings: ReferenceWarnings;

  constructor(clusterDomain: string) {
    this.#clusterDomain = clusterDomain;
    this.#hosts = new HostIndex(clusterDomain);
    this.#now = { changes: new Map(), hosts: new HostIndex(clusterDomain) };
    const hasService = (hostname: string) => this.#portsOf(hostname, this.#now) !== undefined;
    const inForce = {
      objects: this.#accepted,
      hasService,
      coversService: (pattern: string) => this.#hosts.hasServiceUnder(pattern) || hasService(pattern),
      missingHost: (hostname: string, namespace: string) => this.#missingHost(hostname, namespace, this.#now),
    };
    this.#warnings = new ReferenceWarnings(inForce, clusterDomain);
  }

  get accepted(): ReadonlyMap<ObjectKey, ConfigObject> {
    return this.#accepted;
  }

  /** Splits the changes into those that can take effect together and those that are held. Changes nothing. */
  plan(changes: Changes): { let: Changes; held: Held } {
    // What is said again is no change, and not to blame for what others change.
    const remaining = new Map([...changes].filter(([key, object]) => !dequal(object, this.#accepted.get(key))));
    const held = new Map<ObjectKey, readonly Diagnostic[]>();
    const hosts = new HostIndex(this.#clusterDomain);
    for (const [key, object] of remaining) {
      hosts.add(key, this.#accepted.get(key));
      hosts.add(key, object);
    }
    // Each round holds at least one change back, so there are at most as many rounds as changes.
    for (;;) {
      const faults = this.#faults({ changes: remaining, hosts });
      if (faults.size === 0) return { let: remaining, held };
      for (const [key, reasons] of faults) {
        held.set(key, reasons);
        remaining.delete(key);
      }
    }
  }

  /** Routes in force that use what this DestinationRule gives. */
  usersOf(key: ObjectKey): readonly ObjectKey[] {
    const host = ruleHostOf(this.#accepted.get(key), this.#clusterDomain);
    return host === undefined ? [] : [...this.#usersOfPattern(host)];
  }

  *#usersOfPattern(pattern: string): Iterable<ObjectKey> {
    if (!pattern.startsWith('*')) return yield* this.#usersOf.get(pattern) ?? [];
    for (const [hostname, users] of this.#usersOf) if (hostCovers(pattern, hostname)) yield* users;
  }

  commit(changes: Changes): void {
    for (const [key, object] of changes) {
      const before = this.#accepted.get(key);
      this.#reindex(key, before, object);
      this.#warnings.changed(key, before, object);
      if (object === undefined) this.#accepted.delete(key);
      else this.#accepted.set(key, object);
    }
  }

  /** References of what is in force that lead nowhere: they take nothing out of force, but somebody should know. */
  warnings(): Diagnostic[] {
    return this.#warnings.all();
  }

  /** What would be wrong if all of these changes took effect: for each change to blame, why. */
  #faults(view: View): Map<ObjectKey, Diagnostic[]> {
    const { changes } = view;
    const faults = new Map<ObjectKey, Diagnostic[]>();
    const blame = (key: ObjectKey, reason: Diagnostic) => faults.set(key, [...(faults.get(key) ?? []), reason]);
    const affected = new Set<ObjectKey>();
    for (const [key, object] of changes) {
      if (key.startsWith('VirtualService/') && object !== undefined) affected.add(key);
      if (!key.startsWith('DestinationRule/')) continue;
      const hosts = [object, this.#accepted.get(key)].map((each) => ruleHostOf(each, this.#clusterDomain));
      for (const host of hosts) {
        if (host !== undefined) for (const user of this.#usersOfPattern(host)) affected.add(user);
      }
    }
    for (const key of affected) {
      const object = changes.has(key) ? changes.get(key) : this.#accepted.get(key);
      const { destinations } = referencesOf(object, this.#clusterDomain);
      for (const destination of destinations) {
        const reason = this.#fault(key, destination, view);
        if (reason === undefined) continue;
        // Whoever takes a subset away that is there now has to wait, rather than who wants it.
        const { hostname, subset } = destination;
        const isTaken = subset !== undefined && this.#subsets(hostname, this.#now).has(subset);
        if (changes.has(key) && !(isTaken && reason.code === 'LAT0202')) blame(key, reason);
        else for (const rule of this.#rulesChanged(hostname, view)) blame(rule, inUse(rule, key, reason));
      }
    }
    return faults;
  }

  #fault(key: ObjectKey, destination: References['destinations'][number], view: View): Diagnostic | undefined {
    const { changes } = view;
    const { hostname, subset, port, path } = destination;
    const object = refOfKey(key);
    const ports = this.#portsOf(hostname, view);
    // A route in force outlives its service (`warnings` tells of it), but not its subset: the service may come back.
    if (ports === undefined && changes.has(key)) {
      return diagnostic('LAT0201', this.#missingHost(hostname, object.namespace, view), {
        object,
        path: `${path}.host`,
      });
    }
    if (port !== undefined && changes.has(key) && ports?.includes(port) === false) {
      const has = ports.length === 0 ? 'none' : ports.join(', ');
      const message = `the service ${hostname} has no port ${port}; it has ${has}`;
      return diagnostic('LAT0206', message, { object, path: `${path}.port.number` });
    }
    if (subset === undefined) return undefined;
    const known = this.#subsets(hostname, view);
    if (known.has(subset)) return undefined;
    return diagnostic('LAT0202', missingSubset(subset, hostname, known), { object, path: `${path}.subset` });
  }

  /** Of all services with this hostname; undefined if there is none. */
  #portsOf(hostname: string, view: View, aliases = 0): readonly number[] | undefined {
    const objects = [...new Set([...this.#hosts.servicesAt(hostname), ...view.hosts.servicesAt(hostname)])]
      .map((key) => this.#after(key, view.changes))
      .filter((object) => serviceHostsOf(object, this.#clusterDomain).includes(hostname));
    const builtIn = builtInService(hostname, this.#clusterDomain, () => [
      ...this.#accepted.values(),
      ...view.changes.values(),
    ]);
    if (builtIn !== undefined && objects.length === 0) objects.push(builtIn);
    if (objects.length === 0) return undefined;
    return calledPorts(objects, (name) => (aliases < MAX_ALIASES ? this.#portsOf(name, view, aliases + 1) : undefined));
  }

  #subsets(hostname: string, view: View): Set<string> {
    const patterns = patternsCovering(hostname);
    const keys = patterns.flatMap((pattern) => [...this.#hosts.rulesFor(pattern), ...view.hosts.rulesFor(pattern)]);
    const names = new Set<string>();
    for (const key of new Set(keys)) {
      const rule = this.#after(key, view.changes);
      if (rule?.kind !== 'DestinationRule' || !patterns.includes(ruleHostOf(rule, this.#clusterDomain) ?? '')) continue;
      for (const { name } of rule.spec.subsets ?? []) names.add(name);
    }
    return names;
  }

  #after(key: ObjectKey, changes: Changes): ConfigObject | undefined {
    return changes.has(key) ? changes.get(key) : this.#accepted.get(key);
  }

  #rulesChanged(hostname: string, { changes, hosts }: View): ObjectKey[] {
    const keys = patternsCovering(hostname).flatMap((pattern) => [...hosts.rulesFor(pattern)]);
    return [...new Set(keys)].filter((key) => changes.has(key));
  }

  #missingHost(hostname: string, namespace: string, view: View): string {
    const known = new Set([...this.#hosts.hostnames(), ...view.hosts.hostnames()]);
    const pattern = patternsCovering(hostname).find((each) => known.has(each));
    if (pattern !== undefined) return `there is no service ${hostname}, only ${pattern}: write that`;
    // The end that most names share makes none of them alike.
    const domain = `.svc.${this.#clusterDomain}`;
    const own = `.${namespace}${domain}`;
    const ends = hostname.endsWith(own) ? [own, domain] : [domain];
    const close = suggest(
      withoutEnd(hostname, ends),
      [...known].map((each) => withoutEnd(each, ends)),
    );
    return `there is no service ${hostname}${close === undefined ? '' : `; did you mean ${close}?`}`;
  }

  #reindex(key: ObjectKey, before: ConfigObject | undefined, after: ConfigObject | undefined): void {
    const usedHosts = (object: ConfigObject | undefined) =>
      referencesOf(object, this.#clusterDomain).destinations.map(({ hostname }) => hostname);
    this.#hosts.remove(key, before);
    this.#hosts.add(key, after);
    move(this.#usersOf, key, usedHosts(before), usedHosts(after));
  }
}

function withoutEnd(hostname: string, ends: readonly string[]): string {
  const end = ends.find((each) => hostname.endsWith(each));
  return end === undefined ? hostname : hostname.slice(0, -end.length);
}

function move(
  index: Map<string, Set<ObjectKey>>,
  key: ObjectKey,
  from: readonly string[],
  to: readonly string[],
): void {
  for (const host of from) {
    const keys = index.get(host);
    keys?.delete(key);
    if (keys?.size === 0) index.delete(host);
  }
  for (const host of to) {
    const keys = index.get(host) ?? new Set();
    keys.add(key);
    index.set(host, keys);
  }
}

function missingSubset(subset: string, hostname: string, known: ReadonlySet<string>): string {
  const close = suggest(subset, known);
  if (close !== undefined)
    return `${hostname} has no subset ${JSON.stringify(subset)}; did you mean ${JSON.stringify(close)}?`;
  const has = known.size === 0 ? 'no DestinationRule gives it subsets' : `it has ${[...known].sort().join(', ')}`;
  return `${hostname} has no subset ${JSON.stringify(subset)}: ${has}`;
}

/** The change of a DestinationRule would take a subset away from a route that is in force. */
function inUse(rule: ObjectKey, user: ObjectKey, reason: Diagnostic): Diagnostic {
  const { kind, namespace, name } = refOfKey(user);
  return diagnostic(
    'LAT0202',
    `${writtenKind(kind)} ${namespace}/${name} still uses it (${reason.path}): ${reason.message}`,
    {
      object: refOfKey(rule),
    },
  );
}
