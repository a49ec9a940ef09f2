import { setTimeout as delay } from 'node:timers/promises';
import type { MeshStatus } from '@lateen/api/admin.ts';
import { type AdminAddress, adminClient } from '../admin-client.ts';
import { printDocument } from '../output.ts';
import { formatReady } from '../status-view.ts';
import type { Output } from '../terminal.ts';

/** The control plane hears of readiness a moment after the supervisor. */
const readyPatienceMs = 3_000;

/** The status, and if the mesh is known to be ready, one that says so. */
export async function readStatus(address: AdminAddress, ready: boolean): Promise<MeshStatus> {
  const client = adminClient(address);
  const deadline = performance.now() + readyPatienceMs;
  for (;;) {
    const status = await client.status();
    if (status.ready || !ready || performance.now() >= deadline) return status;
    await delay(10);
  }
}

/** What `up` prints when it has started, or is late. */
export async function printReport(
  output: Output,
  status: MeshStatus,
  format: 'json' | 'yaml' | undefined,
  elapsedMs: number,
): Promise<void> {
  if (format === undefined) output.write(formatReady(status, { elapsedMs, colour: output.colour }));
  else await printDocument(output, format, status);
}
