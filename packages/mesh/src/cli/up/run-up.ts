import type { Context } from '../command.ts';
import { checkOwnership } from './ownership.ts';
import { resolveSource } from './source.ts';
import type { MeshPlan } from './start-mesh.ts';

interface UpOptions {
  readonly file: readonly string[];
  readonly detach: boolean;
  readonly mesh: string | undefined;
  readonly 'admin-port': number;
  readonly timeout: number;
  readonly output: 'json' | 'yaml' | undefined;
  readonly 'detached-supervisor': boolean;
}

export async function runUp(dir: string, options: UpOptions, context: Context): Promise<number> {
  const source = resolveSource(dir, options.file, context.cwd);
  const plan: MeshPlan = {
    mesh: options.mesh ?? source.defaultName,
    dir: source.dir,
    files: source.files,
    adminPort: options['admin-port'],
    timeoutMs: options.timeout,
  };
  checkOwnership(plan.mesh, plan.dir);
  if (options['detached-supervisor']) {
    const { runDetachedSupervisor } = await import('./detached-supervisor.ts');
    return runDetachedSupervisor(plan, context);
  }
  if (options.detach) {
    const { startDetached } = await import('./detach.ts');
    return startDetached(plan, context, options.output);
  }
  const { runForeground } = await import('./foreground.ts');
  return runForeground(plan, context, options.output);
}
