import { instanceKey, type WorkloadInstance } from '@lateen/api/workload-instance.ts';
import type { Source } from '../../incremental/collection.ts';
import type { ProxyNode } from '../../xds/resource.ts';
import { readNode } from './read-node.ts';

/** How long a workload counts after its proxy went away: proxies come back when their connection broke. */
const LINGER_MS = 10_000;

/**
 * Knows the workloads by their proxies: whoever connects tells who he is. For a Pilot that nobody else tells of workloads.
 */
export class NodeRegistry {
  readonly #instances: Source<WorkloadInstance>;
  readonly #lingerMs: number;
  /** By instance key: the node that told of it last. */
  readonly #present = new Map<string, { readonly nodeId: string; leaving?: NodeJS.Timeout }>();

  constructor(instances: Source<WorkloadInstance>, lingerMs = LINGER_MS) {
    this.#instances = instances;
    this.#lingerMs = lingerMs;
  }

  /**
   * A proxy has connected. Gives the key of its workload instance.
   * @throws LateenError if the node does not tell who he is
   */
  arrive(node: ProxyNode): string {
    const instance = readNode(node);
    const key = instanceKey(instance);
    clearTimeout(this.#present.get(key)?.leaving);
    this.#present.set(key, { nodeId: node.id });
    this.#instances.set(key, instance);
    return key;
  }

  /** The last connection of a proxy has ended. */
  leave(nodeId: string, key: string): void {
    const present = this.#present.get(key);
    // A pod that was started anew has the name of the one before, and another address.
    if (present === undefined || present.nodeId !== nodeId) return;
    clearTimeout(present.leaving);
    present.leaving = setTimeout(() => {
      this.#present.delete(key);
      this.#instances.delete(key);
    }, this.#lingerMs);
    present.leaving.unref();
  }

  close(): void {
    for (const { leaving } of this.#present.values()) clearTimeout(leaving);
  }
}
