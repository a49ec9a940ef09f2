import { MESH_CONFIG } from '@lateen/api/istio/mesh-config.ts';
import { keyOfRef, type ObjectKey } from '@lateen/api/object-key.ts';
import type { ConfigStore } from '#pilot/config/store.ts';
import type { Pilot } from '#pilot/pilot.ts';
import type { ResourceType } from '#pilot/xds/resource.ts';
import type { ProxyStatus } from '#pilot/xds/server/status.ts';
import { likeliest, objectsBehind } from './blame.ts';

/** A listener that cannot be opened is the machine's affair, not that of any object. */
const BIND_FAILURE = /cannot bind|Address already in use/i;

/** What it says is in every resource, too often to be noted there. */
const MESH_CONFIG_KEY = keyOfRef({ kind: 'ConfigMap', ...MESH_CONFIG });

/** What Envoys refuse is taken back everywhere: the newest change among the objects behind a refused resource is to blame. */
export class Refusals {
  readonly #pilot: Pilot;
  readonly #store: ConfigStore;
  /** The configuration up to here was accepted by every proxy. */
  #goodSequence = 0;

  constructor(pilot: Pilot, store: ConfigStore) {
    this.#pilot = pilot;
    this.#store = store;
  }

  /** To be called when every connected proxy holds everything and refuses nothing. */
  allAccepted(): void {
    this.#goodSequence = this.#store.sequence;
  }

  onRejected(nodeId: string, rejected: ProxyStatus['rejected']): void {
    for (const { type, names, version, message } of rejected) {
      // Of what was taken back meanwhile, other proxies say the same, and this one until it has answered what came next.
      if (names.every((name) => this.#versionOf(nodeId, type, name) !== version)) continue;
      console.error(`${nodeId} refused ${type} ${names.join(', ')}: ${message}`);
      if (BIND_FAILURE.test(message)) continue;
      const behind = names.flatMap((name) => objectsBehind(this.#pilot, nodeId, type, name));
      const suspects = new Set<ObjectKey>([...behind, MESH_CONFIG_KEY]);
      const newest = Math.max(0, ...[...suspects].map((key) => this.#store.sequenceOf(key)));
      if (newest <= this.#goodSequence) continue;
      const blamed = likeliest([...suspects].filter((key) => this.#store.sequenceOf(key) === newest));
      console.error(`taking back ${blamed.join(', ')}`);
      this.#store.refuse(blamed, message);
    }
  }

  /** Of a resource that a proxy should hold now; null if it should hold none of that name. */
  #versionOf(nodeId: string, type: ResourceType, name: string): string | null {
    const { holdings, resources } = this.#pilot.resources;
    const key = holdings.get(nodeId)?.[type].get(name);
    return (key === undefined ? undefined : resources.get(key)?.version) ?? null;
  }
}
