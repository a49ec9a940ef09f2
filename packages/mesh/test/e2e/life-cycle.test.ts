import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import type { MeshStatus } from '@lateen/api/admin.ts';
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

interface Application {
  readonly isReady?: boolean;
  /** It does not end when it is asked to. */
  readonly isStubborn?: boolean;
}

/** A mesh of one small application, which says `listens` in its log. */
function smallMesh({ isReady = true, isStubborn = false }: Application = {}): Sandbox {
  const own = sandbox(null, 'small');
  own.write(
    'small.yaml',
    `apiVersion: apps/v1
kind: Deployment
metadata: {name: small}
spec:
  selector: {matchLabels: {app: small}}
  template:
    metadata: {labels: {app: small}}
    spec:
      terminationGracePeriodSeconds: 60
      containers:
      - name: small
        command:
        - node
        - -e
        - |
          process.on('SIGTERM', () => { if (!${isStubborn}) process.exit(); });
          require('node:http')
            .createServer((_, answer) => answer.writeHead(${isReady ? 200 : 503}).end())
            .listen(process.env.PORT, () => console.log('listens'));
        ports: [{containerPort: 8080}]
        readinessProbe: {httpGet: {path: /, port: 8080}, periodSeconds: 1}
`,
  );
  return own;
}

/** The status once the application runs, whether it is ready or not. */
function listening(own: Sandbox): Promise<MeshStatus> {
  return eventually('the application listens', async () => {
    const { stdout } = await own.lateen('logs', 'small');
    return stdout.includes('listens') ? own.status() : undefined;
  });
}

/** Presses Ctrl-C until the process has ended: soon after one another they count as one. */
async function interruptUntilEnded(child: ChildProcess): Promise<void> {
  await eventually('the command has ended', () => {
    if (child.exitCode === null) child.kill('SIGINT');
    return child.exitCode !== null;
  });
}

async function expectNothingLeft(own: Sandbox, status: MeshStatus): Promise<void> {
  await eventually('every process has ended', () => !processIds(status).some(isRunning));
  expect((await own.lateen('status')).stderr).toContain('LAT0304: No mesh is running.');
}

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

  it('ends everything at once on a second Ctrl-C', async () => {
    const own = smallMesh({ isStubborn: true });
    const child = own.foreground(own.dir);
    const status = await listening(own);
    await interruptUntilEnded(child);
    expect(child.exitCode).toBe(130);
    await expectNothingLeft(own, status);
  });

  it('stops when nobody reads any more what it has to say', async () => {
    const own = smallMesh();
    const child = own.foreground(own.dir);
    const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
    const status = await listening(own);
    child.stdout?.destroy();
    child.stderr?.destroy();
    own.write('more.yaml', 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: more}\n');
    expect(await ended).toBe(0);
    expect(processIds(status).filter(isRunning)).toEqual([]);
    await expectNothingLeft(own, status);
  });

  it('stops again when Ctrl-C comes while it starts detached', async () => {
    const own = smallMesh({ isReady: false });
    const child = own.foreground(own.dir, '--detach');
    const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
    const status = await listening(own);
    child.kill('SIGINT');
    expect(await ended).toBe(130);
    expect(processIds(status).filter(isRunning)).toEqual([]);
    await expectNothingLeft(own, status);
  });

  it('ends at once when Ctrl-C comes a second time while it starts detached', async () => {
    const own = smallMesh({ isReady: false, isStubborn: true });
    const child = own.foreground(own.dir, '--detach');
    const status = await listening(own);
    await interruptUntilEnded(child);
    expect(child.exitCode).toBe(130);
    await expectNothingLeft(own, status);
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
  it.each([['in the foreground'], ['detached', '--detach']])(
    'says that its certificates are damaged, %s, and leaves nothing behind',
    async (_, ...options) => {
      const own = smallMesh();
      const ca = join(own.home, 'state/meshes/small/ca');
      mkdirSync(ca, { recursive: true, mode: 0o700 });
      writeFileSync(join(ca, 'root-cert.pem'), 'damaged', { mode: 0o600 });
      const result = await own.lateen('up', own.dir, ...options);
      expect(result.code).toBe(1);
      expect(result.stderr).toMatch(/LAT04\d\d.*root-cert\.pem/);
      expect(execFileSync('ps', ['-A', '-o', 'args='], { encoding: 'utf8' })).not.toContain(own.home);
      expect((await own.lateen('status')).stderr).toContain('LAT0304: No mesh is running.');
    },
  );

  it('says that its name belongs to the mesh of another folder', async () => {
    const own = smallMesh();
    await own.up();
    expect((await own.lateen('down')).code).toBe(0);
    const other = join(own.home, 'elsewhere/small');
    cpSync(own.dir, other, { recursive: true });
    const refused = await own.lateen('up', other, '--detach');
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain(`LAT0508: The name small belongs to the mesh of ${own.dir}.`);
  });

  it('says that the folder does not exist', async () => {
    const own = sandbox(null);
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
