// A process of its own for each size of mesh, so that none has the memory and the compiled code of another.
import { PilotServer } from '../../packages/mesh/src/runtime/pilot-server.ts';
import { median } from '../harness/stats.ts';
import { editRoute, editSettings } from './manifests.ts';

/** Medians. */
export interface ChangeReport {
  /** From the file in its place to the object in force. */
  readonly inForceMs: number;
  /** CPU time of the whole process for one change, with all that is done after it. */
  readonly cpuMs: number;
}

export interface ReadingReport {
  readonly oneFile: ChangeReport;
  readonly oneDocument: ChangeReport;
  readonly heapMiB: number;
}

const WARM_UP = 3;
const MIB = 1024 * 1024;

const [, , folder = '', ...numbers] = process.argv;
const [services = 100, changes = 10] = numbers.map(Number);

let onChange = () => {};
let onDiagnosed = () => {};
const server = new PilotServer({
  roots: [folder],
  address: '127.0.0.1:0',
  scoping: 'off',
  onNotice: () => {},
  onChanges: () => onChange(),
  onDiagnostics: () => onDiagnosed(),
});
await server.start();
globalThis.gc?.();
const heapMiB = process.memoryUsage().heapUsed / MIB;

async function measure(edit: (change: number) => void): Promise<ChangeReport> {
  const times: number[] = [];
  const cpu: number[] = [];
  for (let change = 1; change <= WARM_UP + changes; change++) {
    const changed = Promise.withResolvers<void>();
    const diagnosed = Promise.withResolvers<void>();
    onChange = changed.resolve;
    onDiagnosed = diagnosed.resolve;
    edit(change);
    const editedAt = performance.now();
    const usedBefore = process.cpuUsage();
    await changed.promise;
    times.push(performance.now() - editedAt);
    await diagnosed.promise;
    const { user, system } = process.cpuUsage(usedBefore);
    cpu.push((user + system) / 1000);
  }
  return { inForceMs: median(times.slice(WARM_UP)), cpuMs: median(cpu.slice(WARM_UP)) };
}

const oneFile = await measure((change) => editRoute(folder, (change * 7_919) % services, 10 + change));
const oneDocument = await measure((change) => editSettings(folder, services, (change * 7_919) % services, change));
await server.stop();
const report: ReadingReport = { oneFile, oneDocument, heapMiB };
process.send?.(report, () => process.disconnect?.());
