import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BenchmarkContext } from '../harness/benchmark.ts';
import { ControlPlane } from './control-plane.ts';
import { startLoad } from './load.ts';
import { MeshFiles } from './mesh-files.ts';
import { connectAll } from './one-mesh.ts';

export interface StartReport {
  readonly services: number;
  /** Until proxies can connect, for each start. */
  readonly readyMs: readonly number[];
  /** Until the first proxy, which connects then, has everything. */
  readonly firstProxyMs: readonly number[];
}

/** The first start, which fills caches, is not counted. */
export async function measureStarts(
  {
    services,
    starts,
    profileDir,
  }: { readonly services: number; readonly starts: number; readonly profileDir?: string },
  context: BenchmarkContext,
): Promise<StartReport> {
  context.say(`${starts} starts with ${services} services`);
  const parent = mkdtempSync(join(tmpdir(), 'lateen-scale-'));
  context.defer(() => rmSync(parent, { recursive: true, force: true }));
  const files = new MeshFiles(parent);
  files.generate(services);
  const readyMs: number[] = [];
  const firstProxyMs: number[] = [];
  for (let start = 0; start <= starts; start++) {
    const plane = await ControlPlane.start({ dir: files.dir });
    context.defer(() => plane.stop());
    const load = startLoad({ to: plane.to, proxies: 1, kinds: 0, objectsOfKind: 0 });
    context.defer(() => load.close());
    // The load process takes a while to start, which is not counted.
    await load.cpuMs();
    const sync = await connectAll({ plane, load }, 1);
    await load.close();
    await plane.stop();
    if (start === 0) continue;
    readyMs.push(plane.readyMs);
    firstProxyMs.push(plane.readyMs + sync.wallMs);
  }
  if (profileDir !== undefined) {
    mkdirSync(profileDir, { recursive: true });
    const file = `${services}-services-start.cpuprofile`;
    const plane = await ControlPlane.start({ dir: files.dir, startProfile: { dir: profileDir, file } });
    await plane.stop();
    context.say(`profile: ${join(profileDir, file)}`);
  }
  rmSync(parent, { recursive: true, force: true });
  return { services, readyMs, firstProxyMs };
}
