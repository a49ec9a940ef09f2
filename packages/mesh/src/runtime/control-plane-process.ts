import { isLateenError } from '@lateen/api/lateen-error.ts';
import type { InstancesMessage, StartMessage, ToControlPlane, ToSupervisor } from '#pilot/registry/processes/link.ts';
import { ControlPlane } from './control-plane.ts';

/** The process that the supervisor forks: speaks with it over Node's IPC channel, and logs to its standard output. */
let plane: ControlPlane | undefined;
/** What came before `start` was done: only the last one counts. */
let early: InstancesMessage | undefined;

function send(message: ToSupervisor): void {
  // A supervisor that was killed leaves the control plane running; the next `up` ends it.
  if (process.connected === true) process.send?.(message, () => {});
}

async function start(options: StartMessage): Promise<void> {
  try {
    const starting = new ControlPlane(options, send);
    await starting.start();
    plane = starting;
    if (early !== undefined) await plane.setInstances(early);
  } catch (error) {
    console.error(error);
    if (!isLateenError(error)) process.exit(1);
    const { code, message, remedy } = error;
    process.send?.({ type: 'fatal', code, message, remedy } satisfies ToSupervisor, () => process.exit(1));
  }
}

async function stop(): Promise<void> {
  await plane?.stop();
  process.exit(0);
}

process.on('message', (message: ToControlPlane) => {
  switch (message.type) {
    case 'start':
      void start(message);
      return;
    case 'instances':
      if (plane === undefined) early = message;
      else plane.setInstances(message).catch((error: unknown) => console.error('instances:', error));
      return;
    case 'problems':
      plane?.setProblems(message);
      return;
    case 'stop':
      void stop();
      return;
  }
});
process.on('SIGTERM', () => void stop());
// Ctrl-C is for the supervisor, which stops everything in order.
process.on('SIGINT', () => {});
