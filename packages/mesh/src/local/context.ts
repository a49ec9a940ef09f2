import type { ConfigMap } from '@lateen/api/kinds.ts';
import type { TokenIssuer } from '#citadel/tokens/issuer.ts';
import type { ServicePortRef } from '#pilot/registry/processes/link.ts';
import type { BootstrapPatches } from './bootstrap-patches.ts';
import type { InstanceEvent } from './events.ts';
import type { Instances } from './instances.ts';
import type { LogRotation } from './logs.ts';
import type { Ports } from './ports.ts';
import type { ProcessTable } from './process-table.ts';

/** What the replicas and gateways of one mesh have in common. */
export interface MeshContext {
  readonly mesh: string;
  readonly stateDir: string;
  readonly runDir: string;
  readonly xdsSocket: string;
  readonly csrSocket: string;
  readonly trustDomain: string;
  readonly envoyPath: string;
  readonly ports: Ports;
  readonly table: ProcessTable;
  readonly logs: LogRotation;
  readonly tokens: TokenIssuer;
  readonly instances: Instances;
  readonly bootstrapPatches: BootstrapPatches;
  /** The environment of `lateen up`. */
  readonly inherited: NodeJS.ProcessEnv;
  /** Of the newest manifests. */
  readonly services: () => readonly ServicePortRef[];
  readonly configMaps: () => readonly ConfigMap[];
  /** Resolves when the proxies know of everything that is reported up to now, or are too slow. */
  readonly settled: () => Promise<void>;
  readonly onInstance: (event: Omit<InstanceEvent, 'type'>) => void;
  /** A diagnostic of a replica or gateway may have changed, or its readiness. */
  readonly onChange: () => void;
}
