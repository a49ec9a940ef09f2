import { spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { eventually, fetchText, gatewayUrl, isRunning, LATEEN, processIds, Sandbox } from './mesh.ts';

const open: Sandbox[] = [];
function sandbox(...args: ConstructorParameters<typeof Sandbox>): Sandbox {
  const one = new Sandbox(...args);
  open.push(one);
  return one;
}
afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});

describe('the life of a mesh', () => {
  it('stops in order on Ctrl-C and leaves no process behind', async () => {
    const own = sandbox();
    const child = own.foreground(own.dir);
    let output = '';
    child.stdout?.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
    const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
    await eventually('ready', () => /is ready in [\d.]+ s/.test(output));
    const status = await own.status();
    child.kill('SIGINT');
    expect(await ended).toBe(0);
    expect(processIds(status).filter(isRunning)).toEqual([]);
    const after = await own.lateen('status');
    expect(after.code).toBe(1);
    expect(after.stderr).toContain('LAT0304: No mesh is running.');
  });

  it('stops when the npm that started it is ended', async () => {
    const own = sandbox();
    // As npm does: it runs the command in its own process group, and passes no signal on.
    const npm = spawn(
      process.execPath,
      [
        '-e',
        'require("node:child_process").spawn(process.execPath, process.argv.slice(1), { stdio: "inherit" })',
        LATEEN,
        'up',
        own.dir,
      ],
      { env: { ...own.env, npm_lifecycle_event: 'start' }, cwd: own.home, stdio: 'ignore' },
    );
    const status = await eventually('ready', async () => {
      const now = await own.status();
      return now.ready ? now : undefined;
    });
    npm.kill('SIGTERM');
    await eventually('every process has ended', () => !processIds(status).some(isRunning));
  });

  it('runs detached until `lateen down`, which leaves no process behind', async () => {
    const own = sandbox();
    const status = await own.up();
    const down = await own.lateen('down');
    expect(down.code).toBe(0);
    expect(processIds(status).filter(isRunning)).toEqual([]);
    expect((await own.lateen('down')).code).toBe(0);
  });

  it('takes the next free port when one is taken, and says so', async () => {
    const holder = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => holder.once('listening', resolve));
    const { port } = holder.address() as { port: number };
    try {
      const own = sandbox();
      const result = await own.lateen('up', own.dir, '--detach', '--admin-port', String(port));
      expect(result.code).toBe(0);
      expect(result.stdout + result.stderr).toMatch(new RegExp(`port ${port} is taken`));
      const { control } = await own.status();
      expect(new URL(control.admin).port).not.toBe(String(port));
      expect((await fetchText(control.admin)).body).toContain('bookinfo');
    } finally {
      holder.close();
    }
  });

  it('runs several meshes side by side, told apart by name', async () => {
    const own = sandbox();
    const one = await own.up('--mesh', 'one');
    const two = await own.up('--mesh', 'two');
    expect(gatewayUrl(one)).not.toBe(gatewayUrl(two));
    for (const status of [one, two]) {
      expect((await fetchText(`${gatewayUrl(status)}/productpage`)).status).toBe(200);
    }
    const ambiguous = await own.lateen('status');
    expect(ambiguous.code).toBe(1);
    expect(ambiguous.stderr).toContain('--mesh');
    const named = await own.lateen('status', '--mesh', 'two', '-o', 'json');
    expect(JSON.parse(named.stdout).mesh).toBe('two');
    expect((await own.lateen('down', '--mesh', 'one')).code).toBe(0);
    expect((await fetchText(`${gatewayUrl(two)}/productpage`)).status).toBe(200);
    expect((await own.lateen('down', '--mesh', 'two')).code).toBe(0);
  });

  it('refuses to start the same mesh twice', async () => {
    const own = sandbox();
    await own.up();
    const again = await own.lateen('up', own.dir, '--detach');
    expect(again.code).toBe(1);
    expect(again.stderr).toContain('running');
  });

  it('shows what each process wrote', async () => {
    const own = sandbox();
    const status = await own.up();
    await fetchText(`${gatewayUrl(status)}/productpage`);
    const logs = await own.lateen('logs', 'productpage-v1');
    expect(logs.code).toBe(0);
    expect(logs.stdout).toContain('listening');
    const unknown = await own.lateen('logs', 'productpge-v1');
    expect(unknown.code).toBe(1);
    expect(unknown.stderr).toContain('productpage-v1');
  });
});

describe('a mesh that cannot start', () => {
  it('says that the folder does not exist', async () => {
    const own = sandbox(undefined);
    const result = await own.lateen('up', `${own.home}/nowhere`, '--detach');
    expect(result.code).toBe(1);
    expect(result.stderr).toMatch(/LAT\d{4}/);
    expect(result.stderr).toContain('nowhere');
  });

  it('says that the Envoy it was told to use is not there', async () => {
    const own = sandbox();
    process.env.LATEEN_ENVOY = '/nowhere/envoy';
    try {
      const result = await own.lateen('up', own.dir, '--detach');
      expect(result.code).toBe(1);
      expect(result.stderr).toMatch(/LAT0901.*\/nowhere\/envoy/);
    } finally {
      delete process.env.LATEEN_ENVOY;
    }
  });
});
