import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import type { ServicePortRef } from '#pilot/registry/processes/link.ts';
import { BootstrapPatches } from '../bootstrap-patches.ts';
import type { MeshContext } from '../context.ts';
import { Instances } from '../instances.ts';
import { LogRotation } from '../logs.ts';
import { Ports } from '../ports.ts';
import { ProcessTable } from '../process-table.ts';
import { temporaryDirectory } from './temporary-directory.ts';

/** How `fake-envoy.mjs` behaves. */
export interface FakeEnvoyBehaviour {
  /** What `/ready` says. */
  readonly ready: boolean;
  /** What `/stats` says. */
  readonly activeRequests: number;
  /** It prints this and exits at once. */
  readonly dies?: string | undefined;
  /** What it says when it checks a bootstrap in which this text occurs. */
  readonly refuses?: string | undefined;
}

export interface Seen {
  readonly at: number;
  readonly pid: number;
  /** `start`, `listening`, the path of a request, `SIGTERM`. */
  readonly what: string;
  /** Of a start: the options behind the bootstrap, and the variable COLOR. */
  readonly args?: readonly string[];
  readonly color?: string;
}

/** Knows which of its ports are given out. */
class FakePorts extends Ports {
  readonly held = new Set<number>();

  override async allocate(count: number): Promise<number[]> {
    const ports = await super.allocate(count);
    for (const port of ports) this.held.add(port);
    return ports;
  }

  override async claim(preferred: number, isOfAnother?: (port: number) => boolean): Promise<number> {
    const port = await super.claim(preferred, isOfAnother);
    this.held.add(port);
    return port;
  }

  override release(ports: Iterable<number>): void {
    for (const port of ports) {
      this.held.delete(port);
      super.release([port]);
    }
  }
}

export interface FakeMesh {
  /** Without a control plane: nobody certifies, and nothing is ever to be acknowledged. */
  readonly context: MeshContext;
  readonly ports: FakePorts;
  /** Of `context.services`. */
  services: readonly ServicePortRef[];
  /** How all Envoys behave from now on. Ready and without requests, if never said. */
  behave(behaviour: Partial<FakeEnvoyBehaviour>): void;
  /** What happened to all Envoys, in order. */
  seen(): Seen[];
}

/** What a replica or a gateway needs of the mesh around it, with `fake-envoy.mjs` as Envoy. */
export function fakeMesh(): FakeMesh {
  const stateDir = temporaryDirectory();
  const runDir = join(stateDir, 'run');
  mkdirSync(runDir, { mode: 0o700 });
  const script = fileURLToPath(new URL('./fake-envoy.mjs', import.meta.url));
  const envoyPath = join(stateDir, 'envoy');
  writeFileSync(envoyPath, `#!/bin/sh\nexec '${process.execPath}' '${script}' '${stateDir}' "$@"\n`, { mode: 0o700 });
  let behaviour: FakeEnvoyBehaviour = { ready: true, activeRequests: 0 };
  const behave = (change: Partial<FakeEnvoyBehaviour>) => {
    behaviour = { ...behaviour, ...change };
    writeFileSync(join(stateDir, 'behaviour.json'), JSON.stringify(behaviour));
  };
  behave({});
  const ports = new FakePorts();
  const logs = new LogRotation();
  onTestFinished(() => logs.close());
  const mesh: FakeMesh = {
    context: {
      mesh: 'test',
      stateDir,
      runDir,
      xdsSocket: join(runDir, 'xds.sock'),
      csrSocket: join(runDir, 'csr.sock'),
      trustDomain: 'cluster.local',
      envoyPath,
      ports,
      table: new ProcessTable(runDir, () => {}),
      logs,
      tokens: { issue: async () => 'a token' },
      instances: new Instances(() => 0),
      bootstrapPatches: new BootstrapPatches(),
      inherited: process.env,
      services: () => mesh.services,
      configMaps: () => [],
      settled: async () => {},
      onInstance: () => {},
      onChange: () => {},
    },
    ports,
    services: [],
    behave,
    seen: () => {
      try {
        const lines = readFileSync(join(stateDir, 'seen'), 'utf8').trimEnd().split('\n');
        return lines.map((line) => JSON.parse(line) as Seen);
      } catch {
        return [];
      }
    },
  };
  return mesh;
}
