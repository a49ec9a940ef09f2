import { DEFAULT_TRUST_DOMAIN } from '@lateen/api/spiffe-id.ts';

/** What holds for the whole mesh and never changes while it runs. */
export interface MeshSettings {
  /** DNS domain of Services: `cluster.local`. */
  readonly clusterDomain: string;
  /** The first part of SPIFFE IDs: `cluster.local`. */
  readonly trustDomain: string;
  /** The namespace whose policies hold for the whole mesh: `istio-system`. */
  readonly rootNamespace: string;
  /**
   * What proxies hold of the mesh. `on-demand`: what a Sidecar lists or, where none does, what is asked for. `declared`: what a
   * Sidecar lists or, where none does, all that their namespace sees. `off`: that in any case.
   */
  readonly scoping: 'on-demand' | 'declared' | 'off';
}

export const DEFAULT_SETTINGS: MeshSettings = {
  clusterDomain: 'cluster.local',
  trustDomain: DEFAULT_TRUST_DOMAIN,
  rootNamespace: 'istio-system',
  scoping: 'declared',
};
