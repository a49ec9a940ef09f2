import { LateenError } from '@lateen/api/lateen-error.ts';
import { instanceOfNode, nodeIdOf } from '@lateen/api/workload-instance.ts';
import type { LearntHost } from '../model/learnt-hosts.ts';
import type { Pilot } from '../pilot.ts';
import { readAsked } from './asked-host.ts';
import { type Holdings, NOTHING_HELD } from './holdings.ts';
import { LayeredMap } from './layered-map.ts';
import {
  type Protocol,
  type ProxyDirectory,
  type ProxyNode,
  type ProxyView,
  type Resource,
  type ResourceChange,
  type ResourceType,
  resourceTypes,
} from './resource.ts';

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
  /** Groups of proxies, by their key: what many hold alike is noted once. */
  readonly #groups = new Map<string, Group>();
  /** By node ID. */
  readonly #nodesHeld = new Map<string, NodeHoldings>();
  /** Who holds a resource, by its key: a change of it concerns just those. */
  readonly #holders = new Map<string, readonly Holder[]>();
  readonly #changedResources = new Set<string>();
  readonly #changedGroups = new Set<string>();
  readonly #changedNodes = new Set<string>();

  /** With `nodes`, every proxy that tells who it is gets configuration; otherwise those of known instances. */
  constructor(pilot: Pilot, nodes?: NodeDirectory, learning?: HostLearning) {
    this.#pilot = pilot;
    this.#nodes = nodes;
    this.#learning = learning;
    const { resources, held } = pilot.resources;
    resources.onChange((keys) => addAll(this.#changedResources, keys));
    held.ofGroups.onChange((keys) => addAll(this.#changedGroups, keys));
    held.groups.onChange((keys) => addAll(this.#changedNodes, keys));
    held.own.onChange((keys) => addAll(this.#changedNodes, keys));
    pilot.graph.afterCommit(() => this.#notify());
  }

  connect(node: ProxyNode, protocol: Protocol): ProxyView {
    return this.#pilot.graph.transaction(() => {
      const instance = this.#nodes?.arrive(node) ?? this.#knownInstance(node);
      const view = new View((type) => this.#resourcesOf(node.id, type), {
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

  /** Of all that a proxy should hold, now and later. */
  #resourcesOf(nodeId: string, type: ResourceType): ReadonlyMap<string, Resource> {
    const lookUp = (key: string) => this.#pilot.resources.resources.get(key);
    return new LayeredMap(
      () => this.#nodesHeld.get(nodeId)?.group?.holder.resources(type, lookUp) ?? NO_RESOURCES,
      () => this.#nodesHeld.get(nodeId)?.own.resources(type, lookUp) ?? NO_RESOURCES,
    );
  }

  #notify(): void {
    const { resources, held } = this.#pilot.resources;
    const lookUp = (key: string) => resources.get(key);
    const changed = new Set<Holder>();
    /** Of proxies that are in another group than before. */
    const moved = new Map<NodeHoldings, Change>();
    for (const nodeId of this.#changedNodes) {
      const node = this.#nodesHeld.get(nodeId) ?? new NodeHoldings(nodeId);
      this.#nodesHeld.set(nodeId, node);
      this.#rehold(node.own, held.own.get(nodeId), changed);
      const key = held.groups.get(nodeId);
      if (key !== node.group?.key) moved.set(node, this.#move(node, key, changed));
      if (key === undefined) this.#nodesHeld.delete(nodeId);
    }
    // After that, as a group is gone with the last of its proxies, which held what it did until now.
    for (const key of this.#changedGroups) {
      const group = this.#groups.get(key);
      if (group !== undefined) this.#rehold(group.holder, held.ofGroups.get(key), changed);
    }
    for (const key of this.#changedResources) {
      const resource = lookUp(key);
      if (resource === undefined) continue;
      for (const holder of this.#holders.get(key) ?? []) {
        holder.change.add(resource.type, resource.name);
        changed.add(holder);
      }
    }
    this.#changedResources.clear();
    this.#changedGroups.clear();
    this.#changedNodes.clear();
    const told = new Set<NodeHoldings>(moved.keys());
    for (const holder of changed) {
      holder.refresh(lookUp);
      addAll(told, holder.members);
    }
    const messages = [...told].map((node): readonly [NodeHoldings, Change] => {
      const parts = [
        moved.get(node),
        ...[node.own, node.group?.holder].map((each) => (changed.has(each as Holder) ? each?.change : undefined)),
      ];
      return [node, united(parts.filter((part) => part !== undefined))];
    });
    for (const holder of changed) holder.change = new Change();
    // At last, for who is told may connect or go.
    for (const [{ nodeId }, { byType }] of messages) {
      for (const view of this.#views.get(nodeId) ?? []) view.notify(byType);
    }
  }

  /** Gives all names that mean something else in the new group. */
  #move(node: NodeHoldings, key: string | undefined, changed: Set<Holder>): Change {
    const change = new Change();
    const { group: last } = node;
    const next = key === undefined ? undefined : this.#groupOf(key, changed);
    node.group = next;
    next?.holder.members.add(node);
    const before = last?.holder.held ?? NOTHING_HELD;
    const after = next?.holder.held ?? NOTHING_HELD;
    // Who has just connected asks for everything anyway.
    const isFollowed = [...(this.#views.get(node.nodeId) ?? [])].some(({ isFollowed }) => isFollowed);
    for (const type of isFollowed ? resourceTypes : []) {
      for (const [name, at] of before[type]) if (after[type].get(name) !== at) change.add(type, name);
      for (const [name, at] of after[type]) if (before[type].get(name) !== at) change.add(type, name);
    }
    last?.holder.members.delete(node);
    if (last?.holder.members.size === 0) {
      this.#rehold(last.holder, undefined, changed);
      this.#groups.delete(last.key);
    }
    return change;
  }

  #groupOf(key: string, changed: Set<Holder>): Group {
    const known = this.#groups.get(key);
    if (known !== undefined) return known;
    const group = { key, holder: new Holder() };
    this.#groups.set(key, group);
    this.#rehold(group.holder, this.#pilot.resources.held.ofGroups.get(key), changed);
    return group;
  }

  /** Notes which names are new, gone, or stand for another key now. */
  #rehold(holder: Holder, held: Holdings | undefined, changed: Set<Holder>): void {
    const before = holder.held;
    const after = held ?? NOTHING_HELD;
    if (before === after) return;
    holder.held = after;
    changed.add(holder);
    for (const type of resourceTypes) {
      if (before[type] === after[type]) continue;
      for (const [name, key] of before[type]) {
        if (after[type].get(name) === key) continue;
        holder.change.add(type, name);
        const others = (this.#holders.get(key) ?? []).filter((each) => each !== holder);
        if (others.length === 0) this.#holders.delete(key);
        else this.#holders.set(key, others);
      }
      for (const [name, key] of after[type]) {
        if (before[type].get(name) === key) continue;
        holder.change.add(type, name);
        this.#holders.set(key, [...(this.#holders.get(key) ?? []), holder]);
      }
    }
  }
}

function addAll<T>(to: Set<T>, values: Iterable<T>): void {
  for (const value of values) to.add(value);
}

/** A group of proxies, or one proxy with what is its own: which resources they hold, kept up to date. */
class Holder {
  held: Holdings = NOTHING_HELD;
  readonly members = new Set<NodeHoldings>();
  /** What is not yet told. */
  change = new Change();
  /** Only of those types that somebody has looked at. */
  readonly #resources = new Map<ResourceType, Map<string, Resource>>();

  resources(type: ResourceType, lookUp: (key: string) => Resource | undefined): ReadonlyMap<string, Resource> {
    const known = this.#resources.get(type);
    if (known !== undefined) return known;
    const found = new Map<string, Resource>();
    for (const [name, key] of this.held[type]) {
      const resource = lookUp(key);
      if (resource !== undefined) found.set(name, resource);
    }
    this.#resources.set(type, found);
    return found;
  }

  refresh(lookUp: (key: string) => Resource | undefined): void {
    for (const [type, names] of this.change.byType) {
      const resources = this.#resources.get(type);
      if (resources === undefined) continue;
      for (const name of names) {
        const key = this.held[type].get(name);
        const resource = key === undefined ? undefined : lookUp(key);
        if (resource === undefined) resources.delete(name);
        else resources.set(name, resource);
      }
    }
  }
}

interface Group {
  readonly key: string;
  readonly holder: Holder;
}

/** What one proxy holds: as its group does, and what is its own. */
class NodeHoldings {
  readonly nodeId: string;
  readonly own = new Holder();
  group: Group | undefined;

  constructor(nodeId: string) {
    this.nodeId = nodeId;
    this.own.members.add(this);
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

/** Most often there is only one. */
function united(changes: readonly Change[]): Change {
  const [first, ...others] = changes;
  if (first === undefined) return new Change();
  if (others.length === 0) return first;
  const all = new Change();
  for (const { byType } of changes) for (const [type, names] of byType) for (const name of names) all.add(type, name);
  return all;
}

interface ViewActions {
  readonly ask: (hosts: readonly LearntHost[]) => void;
  readonly close: () => void;
}

const NO_HOST = { table: '', host: '' };

class View implements ProxyView {
  readonly #resourcesOf: (type: ResourceType) => ReadonlyMap<string, Resource>;
  readonly #on: ViewActions;
  readonly #byType = new Map<ResourceType, ReadonlyMap<string, Resource>>();
  /** Names of virtual hosts by `TABLE/DOMAIN`; made when it is asked for. */
  #hostsByDomain: Map<string, string> | undefined;
  #listener: ((change: ResourceChange) => void) | undefined;
  #closed = false;

  constructor(resourcesOf: (type: ResourceType) => ReadonlyMap<string, Resource>, on: ViewActions) {
    this.#resourcesOf = resourcesOf;
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
    const known = this.#byType.get(type);
    if (known !== undefined) return known;
    const found = this.#resourcesOf(type);
    this.#byType.set(type, found);
    return found;
  }

  get isFollowed(): boolean {
    return this.#listener !== undefined;
  }

  onChange(listener: (change: ResourceChange) => void): void {
    this.#listener = listener;
  }

  notify(change: ResourceChange): void {
    if (this.#closed) return;
    if (change.has('virtualHost')) this.#hostsByDomain = undefined;
    this.#listener?.(change);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#on.close();
  }
}

const NO_RESOURCES: ReadonlyMap<string, Resource> = new Map();
