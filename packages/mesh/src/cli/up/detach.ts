import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync } from 'node:fs';
import { join } from 'node:path';
import { LateenError } from '@lateen/api/lateen-error.ts';
import { lastLinesOfRun, openLog, writeMarker } from '#local/logs.ts';
import { findMesh } from '#local/mesh-file.ts';
import { meshPaths, prepareMeshDirectories } from '#local/state-paths.ts';
import type { Context } from '../command.ts';
import { exitCodes, printError } from '../errors.ts';
import { onInterrupts } from './interrupts.ts';
import { type DetachedMessage, fromPortable, fromWire } from './messages.ts';
import { showProgress } from './progress.ts';
import { notReadyInTime, waitForReady } from './ready-wait.ts';
import { printReport, readStatus } from './report.ts';
import type { MeshPlan } from './start-mesh.ts';

/** Starts the mesh in a process of its own, shows how it comes up, and returns when it is ready. */
export async function startDetached(
  plan: MeshPlan,
  context: Context,
  format: 'json' | 'yaml' | undefined,
): Promise<number> {
  const { stdout, stderr } = context.terminal;
  const startedAt = performance.now();
  const wait = waitForReady(plan.timeoutMs);
  const progress = showProgress(`Starting the mesh ${plan.mesh}`, stderr);
  const child = spawnSupervisor(plan, context);
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  let failure: unknown;
  child.on('message', (wire) => {
    const message: DetachedMessage = fromWire(wire);
    if (message.type === 'failed') {
      failure = fromPortable(message.error);
      return;
    }
    progress.handle(message.event);
    if (message.event.type === 'fatal') failure = message.event.error;
    // A failed start is over when the process has put everything away again.
    else wait.handle(message.event);
  });
  child.once('error', (error) => wait.fail(error));
  child.once('exit', (code, signal) => wait.fail(failure ?? endedEarly(plan.mesh, code, signal)));
  onInterrupts({ first: wait.interrupt, again: () => child.kill('SIGINT') });

  const outcome = await wait.outcome;
  progress.end();
  switch (outcome.kind) {
    case 'failed':
      throw outcome.error;
    case 'interrupted':
      stderr.write(`Stopping the mesh ${plan.mesh}\n`);
      child.kill('SIGTERM');
      await ended;
      return exitCodes.interrupted;
    default: {
      const ready = outcome.kind === 'ready';
      let answered = true;
      try {
        const status = await readStatus(findMesh(plan.mesh), ready);
        await printReport(stdout, status, format, performance.now() - startedAt);
      } catch (error) {
        // A mesh that is late may not even have a control plane yet.
        answered = false;
        if (ready) printError(stderr, error);
      }
      child.disconnect();
      child.unref();
      if (!ready) printError(stderr, notReadyInTime(plan.mesh, plan.timeoutMs));
      return ready && answered ? exitCodes.ok : exitCodes.failed;
    }
  }
}

export function supervisorLogPath(mesh: string): string {
  return join(meshPaths(mesh).stateDir, 'logs', 'supervisor.log');
}

function spawnSupervisor(plan: MeshPlan, context: Context): ChildProcess {
  prepareMeshDirectories(meshPaths(plan.mesh));
  const log = openLog(supervisorLogPath(plan.mesh));
  writeMarker(log, 'supervisor starts');
  try {
    return spawn(
      process.execPath,
      [
        ...process.execArgv,
        context.program.entry,
        'up',
        plan.dir,
        ...plan.files.flatMap((file) => ['--file', file]),
        '--mesh',
        plan.mesh,
        '--admin-port',
        String(plan.adminPort),
        '--detached-supervisor',
      ],
      // A session of its own: neither Ctrl-C nor the end of this terminal reaches it.
      { detached: true, cwd: context.cwd, env: context.env, stdio: ['ignore', log, log, 'ipc'] },
    );
  } finally {
    closeSync(log);
  }
}

function endedEarly(mesh: string, code: number | null, signal: string | null): LateenError {
  const said = lastLinesOfRun(supervisorLogPath(mesh), 5);
  return new LateenError(
    'LAT0512',
    `The supervisor of the mesh ${mesh} ended ${signal === null ? `with code ${code}` : `by ${signal}`}.`,
    `${said.length === 0 ? '' : `It said last:\n${said.join('\n')}\n`}All of it: lateen logs supervisor --mesh ${mesh}`,
  );
}
