import { LateenError } from '@lateen/api/lateen-error.ts';
import type { Pilot } from '../pilot.ts';
import { nodeIdOf } from '../registry/instance.ts';
import type { ProxyDirectory, ProxyNode, ProxyView, Resource, ResourceChange, ResourceType } from './resource.ts';

const TYPES: readonly ResourceType[] = ['cluster', 'endpoint', 'listener', 'route'];

/** Gives the xDS server a live view of what each connected proxy should hold. */
export class PilotDirectory implements ProxyDirectory {
  readonly #pilot: Pilot;
  /** By node ID; several streams of one proxy (while it reconnects) share one entry in `pilot.proxies`. */
  readonly #views = new Map<string, Set<View>>();
  /** Which proxies hold a resource, by its key: a change of it concerns just those. */
  readonly #holders = new Map<string, Set<string>>();
  readonly #changedResources = new Set<string>();
  readonly #changedHoldings = new Set<string>();

  constructor(pilot: Pilot) {
    this.#pilot = pilot;
    const { resources, holdings } = pilot.resources;
    resources.onChange((keys) => {
      for (const key of keys) this.#changedResources.add(key);
    });
    holdings.onChange((keys) => {
      for (const key of keys) this.#changedHoldings.add(key);
    });
    pilot.graph.afterCommit(() => this.#notify());
  }

  connect(node: ProxyNode): ProxyView {
    const instanceKey = node.id.split('~')[2] ?? '';
    const instance = this.#pilot.instances.get(instanceKey);
    if (instance === undefined || nodeIdOf(instance, this.#pilot.model.settings.clusterDomain) !== node.id) {
      throw new LateenError(
        'LAT0220',
        `the proxy ${JSON.stringify(node.id)} stands beside no workload instance of this mesh`,
        'Node IDs have the form sidecar~IP~NAME.NAMESPACE~NAMESPACE.svc.cluster.local.',
      );
    }
    const view = new View(node.id, this.#pilot, () => this.#close(node.id, view));
    const views = this.#views.get(node.id) ?? new Set();
    views.add(view);
    this.#views.set(node.id, views);
    this.#pilot.proxies.set(node.id, { nodeId: node.id, instance: instanceKey });
    return view;
  }

  #close(nodeId: string, view: View): void {
    const views = this.#views.get(nodeId);
    views?.delete(view);
    if (views?.size === 0) {
      this.#views.delete(nodeId);
      this.#pilot.proxies.delete(nodeId);
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

  readonly #held = new Map<string, NonNullable<ReturnType<Pilot['resources']['holdings']['get']>>>();
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

class View implements ProxyView {
  readonly #nodeId: string;
  readonly #pilot: Pilot;
  readonly #onClose: () => void;
  #listener: ((change: ResourceChange) => void) | undefined;
  #closed = false;

  constructor(nodeId: string, pilot: Pilot, onClose: () => void) {
    this.#nodeId = nodeId;
    this.#pilot = pilot;
    this.#onClose = onClose;
  }

  resources(type: ResourceType): ReadonlyMap<string, Resource> {
    const found = new Map<string, Resource>();
    for (const [name, key] of this.#pilot.resources.holdings.get(this.#nodeId)?.[type] ?? []) {
      const resource = this.#pilot.resources.resources.get(key);
      if (resource !== undefined) found.set(name, resource);
    }
    return found;
  }

  onChange(listener: (change: ResourceChange) => void): void {
    this.#listener = listener;
  }

  notify(change: ResourceChange): void {
    if (!this.#closed) this.#listener?.(change);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#onClose();
  }
}
