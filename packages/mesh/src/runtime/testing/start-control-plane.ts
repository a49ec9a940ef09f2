import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { instanceKey, type WorkloadInstance } from '@lateen/api/workload-instance.ts';
import { expect, onTestFinished, vi } from 'vitest';
import { createTokenIssuer } from '#citadel/tokens/issuer.ts';
import { meshPaths, prepareMeshDirectories } from '#local/state-paths.ts';
import type { InstanceReport, StartMessage, ToSupervisor } from '#pilot/registry/processes/link.ts';
import { ControlPlane } from '../control-plane.ts';
import { FakeProxy } from './fake-proxy.ts';

/** Where a mesh has its files and its state, gone after the test. */
export class MeshFolder {
  readonly root = mkdtempSync(join(tmpdir(), 'lt-'));
  readonly dir = join(this.root, 'app');

  constructor(files: Readonly<Record<string, string>> = {}) {
    mkdirSync(this.dir);
    for (const [file, text] of Object.entries(files)) this.write(file, text);
    onTestFinished(() => rmSync(this.root, { recursive: true, force: true }));
  }

  write(file: string, text: string): void {
    const path = join(this.dir, file);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }

  remove(file: string): void {
    rmSync(join(this.dir, file));
  }
}

/** A control plane in this process, and what its supervisor would hear and say. */
export class SupervisedControlPlane {
  readonly plane: ControlPlane;
  readonly heard: ToSupervisor[] = [];
  readonly xdsSocket: string;
  #seq = 0;

  constructor(options: StartMessage) {
    this.xdsSocket = options.xdsSocket;
    this.plane = new ControlPlane(options, (message) => this.heard.push(message));
  }

  /** What it said last of this kind. */
  last<T extends ToSupervisor['type']>(type: T): Extract<ToSupervisor, { type: T }> | undefined {
    return this.heard.findLast((message): message is Extract<ToSupervisor, { type: T }> => message.type === type);
  }

  get notices(): string[] {
    return this.heard.flatMap((message) => (message.type === 'notice' ? [message.text] : []));
  }

  /** Says that just these instances run. */
  async run(...instances: readonly WorkloadInstance[]): Promise<void> {
    this.#seq++;
    await this.plane.setInstances({ type: 'instances', seq: this.#seq, reports: instances.map(reportOf) });
  }

  connect(instance: WorkloadInstance): FakeProxy {
    return new FakeProxy(this.xdsSocket, instance);
  }

  /** Waits until it has said that just the proxies of these instances are connected, and hold everything. */
  async synced(...instances: readonly WorkloadInstance[]): Promise<void> {
    const states = instances.map((instance) => [instanceKey(instance), { synced: true, everSynced: true }]);
    await vi.waitFor(() => expect(this.last('proxies')?.proxies).toEqual(Object.fromEntries(states)), {
      timeout: 10_000,
      interval: 5,
    });
  }
}

/** Starts a control plane over the folder, with `more` named as by `-f`; it stops after the test at the latest. */
export async function startControlPlane(
  folder: MeshFolder = new MeshFolder(),
  more: readonly string[] = [],
): Promise<SupervisedControlPlane> {
  const { stateDir, runDir } = meshPaths('test', folder.root);
  prepareMeshDirectories({ stateDir, runDir });
  await createTokenIssuer(stateDir);
  const supervised = new SupervisedControlPlane({
    type: 'start',
    mesh: 'test',
    dir: folder.dir,
    files: more.map((file) => join(folder.dir, file)),
    stateDir,
    adminPort: 0,
    xdsSocket: join(runDir, 'xds.sock'),
    csrSocket: join(runDir, 'csr.sock'),
    adminToken: 'token',
    supervisorPid: process.pid,
  });
  onTestFinished(() => supervised.plane.stop());
  await supervised.plane.start();
  return supervised;
}

function reportOf(instance: WorkloadInstance): InstanceReport {
  return {
    instance,
    process: {
      pid: null,
      containers: [],
      envoyPid: null,
      envoyAdmin: 'http://127.0.0.1:1',
      phase: 'running',
      restarts: 0,
    },
  };
}
