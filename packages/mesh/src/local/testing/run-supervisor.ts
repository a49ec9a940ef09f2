/** `node run-supervisor.ts OPTIONS`: a supervisor in a process of its own, for tests that kill it. Prints its events. */
import { startSupervisor } from '../supervisor.ts';

const supervisor = await startSupervisor({
  ...JSON.parse(process.argv[2] ?? '{}'),
  onEvent: (event) => {
    console.log(JSON.stringify(event.type === 'ready' ? { ...event, status: supervisor.state() } : event));
  },
});
