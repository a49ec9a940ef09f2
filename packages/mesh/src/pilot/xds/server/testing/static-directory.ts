import { LateenError } from '@lateen/api/lateen-error.ts';
import type { ProxyDirectory, ProxyNode, ProxyView, Resource, ResourceChange, ResourceType } from '../../resource.ts';
import { typeOrder } from '../state.ts';

/** The same wanted state for every proxy, replaced at will. */
export class StaticDirectory implements ProxyDirectory {
  readonly nodes: ProxyNode[] = [];
  /** Views that were not closed. */
  open = 0;
  /** Hosts that were asked for. */
  readonly asked: string[] = [];
  #resources = emptyResources();
  readonly #listeners = new Set<(change: ResourceChange) => void>();

  connect(node: ProxyNode): ProxyView {
    if (node.id === 'stranger') throw new LateenError('LAT0220', 'No workload has this node ID.', 'Check the name.');
    if (node.id === 'defect') throw new Error('a mistake in the directory');
    this.nodes.push(node);
    this.open++;
    let notify: ((change: ResourceChange) => void) | undefined;
    return {
      resources: (type) => this.#resources[type],
      hostFor: (asked) =>
        [...this.#resources.virtualHost.values()].find(({ name, domains = [] }) =>
          domains.some((domain) => asked === `${name.slice(0, name.indexOf('/'))}/${domain}`),
        )?.name,
      ask: (names) => this.asked.push(...names),
      onChange: (listener) => {
        notify = listener;
        this.#listeners.add(listener);
      },
      close: () => {
        this.open--;
        if (notify !== undefined) this.#listeners.delete(notify);
      },
    };
  }

  together(change: () => void): void {
    change();
  }

  /** Replaces the wanted state; everyone is told what differs. */
  set(resources: readonly Resource[]): void {
    const before = this.#resources;
    this.#resources = emptyResources();
    for (const resource of resources) this.#resources[resource.type].set(resource.name, resource);
    const change = new Map<ResourceType, Set<string>>();
    for (const type of typeOrder) {
      const now = this.#resources[type];
      const names = [...new Set([...before[type].keys(), ...now.keys()])];
      const changed = names.filter((name) => before[type].get(name)?.version !== now.get(name)?.version);
      if (changed.length > 0) change.set(type, new Set(changed));
    }
    for (const listener of this.#listeners) listener(change);
  }
}

function emptyResources(): Record<ResourceType, Map<string, Resource>> {
  return {
    secret: new Map(),
    cluster: new Map(),
    endpoint: new Map(),
    extension: new Map(),
    listener: new Map(),
    route: new Map(),
    virtualHost: new Map(),
  };
}
