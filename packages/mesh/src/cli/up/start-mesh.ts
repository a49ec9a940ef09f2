import { findEnvoy } from '#agent/envoy/find.ts';
import type { SupervisorEvent } from '#local/events.ts';
import { meshPaths } from '#local/state-paths.ts';
import { type Supervisor, startSupervisor } from '#local/supervisor.ts';
import type { Context } from '../command.ts';
import { claimOwnership } from './ownership.ts';

/** What `lateen up` was asked to run. */
export interface MeshPlan {
  readonly mesh: string;
  /** Absolute. */
  readonly dir: string;
  /** Absolute. */
  readonly files: readonly string[];
  readonly adminPort: number;
  /** How long to wait for readiness. */
  readonly timeoutMs: number;
}

export type OnEvent = (event: SupervisorEvent) => void;

/** The path of the Envoy to run. Fetching it can take a while, in which nothing runs that would have to be stopped. */
export async function locateEnvoy(context: Context, onEvent: OnEvent): Promise<string> {
  const onProgress = ({ message }: { message: string }) => onEvent({ type: 'step', text: message });
  return (await findEnvoy({ env: context.env, onProgress })).path;
}

/** Starts the supervisor in this process. It does not wait until the mesh is ready: the events tell. */
export async function startMesh(
  { mesh, dir, files, adminPort }: MeshPlan,
  envoyPath: string,
  context: Context,
  onEvent: OnEvent,
): Promise<Supervisor> {
  const { stateDir, runDir } = meshPaths(mesh);
  const { controlPlaneModule, version } = context.program;
  const supervisor = await startSupervisor({
    mesh,
    dir,
    files,
    stateDir,
    runDir,
    adminPort,
    envoyPath,
    controlPlaneModule,
    lateenVersion: version,
    env: context.env,
    onEvent,
  });
  claimOwnership(mesh, dir);
  return supervisor;
}
