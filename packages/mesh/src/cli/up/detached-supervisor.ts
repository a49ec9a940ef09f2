import type { SupervisorEvent } from '#local/events.ts';
import { LogRotation } from '#local/logs.ts';
import type { Supervisor } from '#local/supervisor.ts';
import type { Context } from '../command.ts';
import { exitCodes } from '../errors.ts';
import { ChangeLog } from './change-log.ts';
import { supervisorLogPath } from './detach.ts';
import { onInterrupts } from './interrupts.ts';
import { type DetachedMessage, toPortable, toWire } from './messages.ts';
import { startingModel } from './progress-model.ts';
import { locateEnvoy, type MeshPlan, startMesh } from './start-mesh.ts';

/**
 * The process behind `lateen up --detach`: its output is a log, and until the mesh is ready the command that started
 * it listens to what happens.
 */
export async function runDetachedSupervisor(plan: MeshPlan, context: Context): Promise<number> {
  const stopRequest = Promise.withResolvers<'interrupted'>();
  let supervisor: Supervisor | undefined;
  onInterrupts({
    first: () => stopRequest.resolve('interrupted'),
    again: () => {
      supervisor?.kill();
      process.exit(exitCodes.interrupted);
    },
  });
  const rotation = new LogRotation();
  rotation.watch(supervisorLogPath(plan.mesh));
  const changes = new ChangeLog(startingModel(plan.mesh), context.terminal.stdout);
  const fatal = Promise.withResolvers<'failed'>();
  let wasReady = false;
  const onEvent = (event: SupervisorEvent) => {
    changes.handle(event);
    tell({ type: 'event', event });
    if (event.type === 'ready') wasReady = true;
    // A mesh that served goes on serving; one that never did is of no use.
    if (event.type === 'fatal' && !wasReady) fatal.resolve('failed');
  };
  try {
    const envoyPath = await Promise.race([locateEnvoy(context, onEvent), stopRequest.promise]);
    if (envoyPath === 'interrupted') return exitCodes.interrupted;
    supervisor = await startMesh(plan, envoyPath, context, onEvent);
    const reason = await Promise.race([stopRequest.promise, fatal.promise]);
    await supervisor.stop();
    return reason === 'failed' ? exitCodes.failed : exitCodes.ok;
  } catch (error) {
    tell({ type: 'failed', error: toPortable(error) });
    throw error;
  } finally {
    rotation.close();
  }
}

/** Whoever started this process may be gone by now. */
function tell(message: DetachedMessage): void {
  if (process.connected) process.send?.(toWire(message), undefined, {}, () => {});
}
