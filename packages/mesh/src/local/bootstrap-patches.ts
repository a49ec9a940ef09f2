import { isSelected } from '@lateen/api/gateway-workload.ts';
import type { WorkloadInstance } from '@lateen/api/workload-instance.ts';
import type { BootstrapPatch } from '#pilot/registry/processes/link.ts';

/** The BOOTSTRAP patches that the control plane knows of, for the proxies that run here. */
export class BootstrapPatches {
  #patches: readonly BootstrapPatch[] = [];
  readonly #listeners = new Set<() => void>();

  set(patches: readonly BootstrapPatch[]): void {
    this.#patches = patches;
    for (const listener of [...this.#listeners]) listener();
  }

  /** Those for one proxy, in their order. */
  for(instance: WorkloadInstance, nodeMetadata: Readonly<Record<string, unknown>>): BootstrapPatch[] {
    return this.#patches.filter((patch) => {
      if (!patch.roles.includes(instance.role)) return false;
      if (patch.namespace !== undefined && patch.namespace !== instance.namespace) return false;
      const { selectors } = patch;
      if (selectors.length > 0 && !selectors.some((each) => isSelected(instance.labels, each))) return false;
      const { ISTIO_VERSION: version } = nodeMetadata;
      if (patch.proxyVersion !== undefined && !new RegExp(patch.proxyVersion).test(String(version ?? ''))) return false;
      return Object.entries(patch.metadata).every(([key, value]) => nodeMetadata[key] === value);
    });
  }

  /** The result ends it. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
