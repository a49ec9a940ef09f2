import { LateenError } from '@lateen/api/lateen-error.ts';
import { instanceOfNode, nodeIdOf } from '@lateen/api/workload-instance.ts';
import type { LearntHost } from '../model/learnt-hosts.ts';
import type { Pilot } from '../pilot.ts';
import { readAsked } from './asked-host.ts';
import type { Holdings } from './mesh-resources.ts';
import type {
  Protocol,
  ProxyDirectory,
  ProxyNode,
  ProxyView,
  Resource,
  ResourceChange,
  ResourceType,
} from './resource.ts';

const TYPES: readonly ResourceType[] = [
  'secret',
  'cluster',
  'endpoint',
  'extension',
  'listener',
  'route',
  'virtualHost',
];

/** Where workloads become known by the proxies that connect. */
export interface NodeDirectory {
  /** Gives the key of the workload instance. Throws a LateenError for a node that does not tell what is needed. */
  arrive(node: ProxyNode): string;
  leave(nodeId: string, instance: string): void;
}

/** Where it is noted what workloads call, to be given to them. */
export interface HostLearning {
  /** @param workload `NAMESPACE/NAME` */
  ask(workload: string, hosts: readonly Omit<LearntHost, 'isOnTrial'>[]): void;
}

/** Gives the xDS server a live view of what each connected proxy should hold. */
export class PilotDirectory implements ProxyDirectory {
  readonly #pilot: Pilot;
  readonly #nodes: NodeDirectory | undefined;
  readonly #learning: HostLearning | undefined;
  /** By node ID; several streams of one proxy (while it reconnects) share one entry in `pilot.proxies`. */
  readonly #views = new Map<string, Set<View>>();
  /** Which proxies hold a resource, by its key: a change of it concerns just those. */
  readonly #holders = new Map<string, Set<string>>();
  /** What each proxy held at the last commit, by node ID. */
  readonly #held = new Map<string, Holdings>();
  readonly #changedResources = new Set<string>();
  readonly #changedHoldings = new Set<string>();

  /** With `nodes`, every proxy that tells who it is gets configuration; otherwise those of known instances. */
  constructor(pilot: Pilot, nodes?: NodeDirectory, learning?: HostLearning) {
    this.#pilot = pilot;
    this.#nodes = nodes;
    this.#learning = learning;
    const { resources, holdings } = pilot.resources;
    resources.onChange((keys) => {
      for (const key of keys) this.#changedResources.add(key);
    });
    holdings.onChange((keys) => {
      for (const key of keys) this.#changedHoldings.add(key);
    });
    pilot.graph.afterCommit(() => this.#notify());
  }

  connect(node: ProxyNode, protocol: Protocol): ProxyView {
    return this.#pilot.graph.transaction(() => {
      const instance = this.#nodes?.arrive(node) ?? this.#knownInstance(node);
      const view = new View(node.id, this.#pilot, {
        ask: (hosts) => this.#ask(node.id, hosts),
        close: () => this.#close(node.id, view),
      });
      const views = this.#views.get(node.id) ?? new Set();
      views.add(view);
      this.#views.set(node.id, views);
      this.#pilot.proxies.set(node.id, {
        nodeId: node.id,
        instance,
        metadata: node.metadata,
        ...(protocol === 'sotw' ? { wholeTables: true } : {}),
      });
      return view;
    });
  }

  together(change: () => void): void {
    this.#pilot.graph.transaction(change);
  }

  #knownInstance(node: ProxyNode): string {
    const key = instanceOfNode(node.id);
    const instance = this.#pilot.instances.get(key);
    if (instance !== undefined && nodeIdOf(instance, this.#pilot.model.settings.clusterDomain) === node.id) return key;
    throw new LateenError(
      'LAT0220',
      `the proxy ${JSON.stringify(node.id)} stands beside no workload instance of this mesh`,
      'Node IDs have the form sidecar~IP~NAME.NAMESPACE~NAMESPACE.svc.cluster.local.',
    );
  }

  #ask(nodeId: string, hosts: readonly LearntHost[]): void {
    const { proxies, instances } = this.#pilot;
    const instance = instances.get(proxies.get(nodeId)?.instance ?? '');
    if (instance !== undefined) this.#learning?.ask(`${instance.namespace}/${instance.workload}`, hosts);
  }

  #close(nodeId: string, view: View): void {
    const views = this.#views.get(nodeId);
    views?.delete(view);
    if (views?.size === 0) {
      this.#views.delete(nodeId);
      const instance = this.#pilot.proxies.get(nodeId)?.instance;
      this.#pilot.proxies.delete(nodeId);
      if (instance !== undefined) this.#nodes?.leave(nodeId, instance);
    }
  }

  #notify(): void {
    const changes = new Map<string, Change>();
    for (const nodeId of this.#changedHoldings) this.#rehold(nodeId, changeOf(changes, nodeId));
    for (const key of this.#changedResources) {
      for (const nodeId of this.#holders.get(key) ?? []) {
        const change = changeOf(changes, nodeId);
        const resource = this.#pilot.resources.resources.get(key);
        if (resource !== undefined) change.add(resource.type, resource.name);
      }
    }
    this.#changedHoldings.clear();
    this.#changedResources.clear();
    for (const [nodeId, change] of changes) {
      for (const view of this.#views.get(nodeId) ?? []) view.notify(change.byType);
    }
  }

  /** A proxy's holdings changed: notes which names it got, lost, or holds under another key now. */
  #rehold(nodeId: string, change: Change): void {
    const before = this.#held.get(nodeId);
    const after = this.#pilot.resources.holdings.get(nodeId);
    for (const type of TYPES) {
      for (const [name, key] of before?.[type] ?? []) {
        if (after?.[type].get(name) === key) continue;
        change.add(type, name);
        const holders = this.#holders.get(key);
        holders?.delete(nodeId);
        if (holders?.size === 0) this.#holders.delete(key);
      }
      for (const [name, key] of after?.[type] ?? []) {
        if (before?.[type].get(name) === key) continue;
        change.add(type, name);
        const holders = this.#holders.get(key) ?? new Set();
        holders.add(nodeId);
        this.#holders.set(key, holders);
      }
    }
    if (after === undefined) this.#held.delete(nodeId);
    else this.#held.set(nodeId, after);
  }
}

class Change {
  readonly byType = new Map<ResourceType, Set<string>>();

  add(type: ResourceType, name: string): void {
    const names = this.byType.get(type);
    if (names === undefined) this.byType.set(type, new Set([name]));
    else names.add(name);
  }
}

function changeOf(changes: Map<string, Change>, nodeId: string): Change {
  const change = changes.get(nodeId) ?? new Change();
  changes.set(nodeId, change);
  return change;
}

interface ViewActions {
  readonly ask: (hosts: readonly LearntHost[]) => void;
  readonly close: () => void;
}

const NO_HOST = { table: '', host: '' };

class View implements ProxyView {
  readonly #nodeId: string;
  readonly #pilot: Pilot;
  readonly #on: ViewActions;
  /** What the proxy holds, kept up to date by each change so that looking costs nothing. */
  readonly #held = new Map<ResourceType, Map<string, Resource>>();
  /** Names of virtual hosts by `TABLE/DOMAIN`; made when it is asked for. */
  #hostsByDomain: Map<string, string> | undefined;
  #listener: ((change: ResourceChange) => void) | undefined;
  #closed = false;

  constructor(nodeId: string, pilot: Pilot, on: ViewActions) {
    this.#nodeId = nodeId;
    this.#pilot = pilot;
    this.#on = on;
  }

  hostFor(asked: string): string | undefined {
    const { table, host } = readAsked(asked) ?? NO_HOST;
    this.#hostsByDomain ??= this.#indexHosts();
    return this.#hostsByDomain.get(`${table}/${host}`);
  }

  ask(names: readonly string[]): void {
    const tables = this.resources('route');
    const hosts = names.map(readAsked).filter((each) => each !== undefined && tables.has(each.table));
    if (hosts.length > 0) this.#on.ask(hosts as LearntHost[]);
  }

  #indexHosts(): Map<string, string> {
    const all = new Map<string, string>();
    for (const { name, domains = [] } of this.resources('virtualHost').values()) {
      const table = name.slice(0, name.indexOf('/'));
      for (const domain of domains) all.set(`${table}/${domain}`, name);
    }
    return all;
  }

  resources(type: ResourceType): ReadonlyMap<string, Resource> {
    const known = this.#held.get(type);
    if (known !== undefined) return known;
    const found = new Map<string, Resource>();
    for (const name of this.#pilot.resources.holdings.get(this.#nodeId)?.[type].keys() ?? []) {
      const resource = this.#lookUp(type, name);
      if (resource !== undefined) found.set(name, resource);
    }
    this.#held.set(type, found);
    return found;
  }

  #lookUp(type: ResourceType, name: string): Resource | undefined {
    const { holdings, resources } = this.#pilot.resources;
    const key = holdings.get(this.#nodeId)?.[type].get(name);
    return key === undefined ? undefined : resources.get(key);
  }

  onChange(listener: (change: ResourceChange) => void): void {
    this.#listener = listener;
  }

  notify(change: ResourceChange): void {
    if (this.#closed) return;
    if (change.has('virtualHost')) this.#hostsByDomain = undefined;
    for (const [type, names] of change) {
      const held = this.#held.get(type);
      if (held === undefined) continue;
      for (const name of names) {
        const resource = this.#lookUp(type, name);
        if (resource === undefined) held.delete(name);
        else held.set(name, resource);
      }
    }
    this.#listener?.(change);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#on.close();
  }
}
