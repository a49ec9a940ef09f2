import type { SupervisorEvent } from '#local/events.ts';
import type { Supervisor } from '#local/supervisor.ts';
import type { Context } from '../command.ts';
import { exitCodes, printError } from '../errors.ts';
import { ChangeLog } from './change-log.ts';
import { onInterrupts, onParentGone } from './interrupts.ts';
import { showProgress } from './progress.ts';
import { notReadyInTime, waitForReady } from './ready-wait.ts';
import { printReport, readStatus } from './report.ts';
import { locateEnvoy, type MeshPlan, startMesh } from './start-mesh.ts';

/** Starts the mesh, tells what happens in it until a signal comes, and stops it in order. */
export async function runForeground(
  plan: MeshPlan,
  context: Context,
  format: 'json' | 'yaml' | undefined,
): Promise<number> {
  const { terminal } = context;
  const { stdout, stderr } = terminal;
  const startedAt = performance.now();
  const stopRequest = Promise.withResolvers<'interrupted'>();
  const wait = waitForReady(plan.timeoutMs);
  const requestStop = () => {
    wait.interrupt();
    stopRequest.resolve('interrupted');
  };
  let supervisor: Supervisor | undefined;
  onInterrupts({
    first: requestStop,
    again: () => {
      supervisor?.kill();
      process.exit(exitCodes.interrupted);
    },
  });
  if (context.env.npm_lifecycle_event !== undefined) onParentGone(requestStop);
  // Whoever reads this has gone: nobody is left to press Ctrl-C.
  terminal.onOutputLost = requestStop;

  const progress = showProgress(`Starting the mesh ${plan.mesh}`, stderr);
  let show = progress.handle;
  const onEvent = (event: SupervisorEvent) => {
    show(event);
    wait.handle(event);
  };
  try {
    const envoyPath = await Promise.race([locateEnvoy(context, onEvent), stopRequest.promise]);
    if (envoyPath === 'interrupted') return exitCodes.interrupted;
    supervisor = await startMesh(plan, envoyPath, context, onEvent);
  } catch (error) {
    wait.interrupt();
    progress.end();
    throw error;
  }

  const outcome = await wait.outcome;
  const model = progress.end();
  const changes = new ChangeLog(model, format === undefined ? stdout : stderr);
  show = (event) => changes.handle(event);
  if (outcome.kind === 'ready' || outcome.kind === 'late') {
    try {
      const status = await readStatus(supervisor.state(), outcome.kind === 'ready');
      await printReport(stdout, status, format, performance.now() - startedAt);
    } catch (error) {
      printError(stderr, error);
    }
    if (outcome.kind === 'late') printError(stderr, notReadyInTime(plan.mesh, plan.timeoutMs));
    if (format === undefined) stdout.write('\nEdited files are live at once. Ctrl-C stops the mesh.\n');
    await stopRequest.promise;
  }

  const stopping = showProgress(`Stopping the mesh ${plan.mesh}`, stderr);
  show = stopping.handle;
  await supervisor.stop();
  stopping.end();
  stderr.write(`The mesh ${plan.mesh} is stopped.\n`);
  if (outcome.kind === 'failed') throw outcome.error;
  return exitCodes.ok;
}
