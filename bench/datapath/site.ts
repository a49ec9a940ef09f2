import { type ChildProcess, fork } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { WorkloadInstance } from '@lateen/api/workload-instance.ts';
import { buildBootstrap } from '../../packages/mesh/src/agent/bootstrap.ts';
import { findEnvoy } from '../../packages/mesh/src/agent/envoy/find.ts';
import { type EnvoyProcess, runEnvoy, stopEnvoy, waitReady } from '../../packages/mesh/src/agent/envoy/run.ts';
import { WorkloadSecrets } from '../../packages/mesh/src/agent/secrets/workload-secrets.ts';
import { Ports } from '../../packages/mesh/src/local/ports.ts';
import { startTestAuthority } from '../../packages/mesh/test/golden/test-authority.ts';

export const TRUST_DOMAIN = 'cluster.local';
const PORTS = 200;
/** With a large configuration, on a machine with much to do. */
const READY_TIMEOUT_MS = 120_000;

export type Defer = (cleanup: () => Promise<void> | void) => void;
export type Bootstrap = Readonly<Record<string, unknown>>;

/** What all that is compared shares: one upstream process, one Envoy binary, one authority for certificates. */
export interface Site {
  readonly dir: string;
  readonly upstreamPort: number;
  readonly defer: Defer;
  nextPort(): number;
  /** Starts an Envoy with one worker, as Lateen does, and waits until it is ready. */
  runEnvoy(name: string, bootstrap: Bootstrap, adminPort: number): Promise<EnvoyProcess>;
  /** The bootstrap of a sidecar, and beside it the agent that serves its secrets. */
  prepareSidecar(name: string, instance: WorkloadInstance, xdsSocket: string): Promise<PreparedSidecar>;
}

export interface PreparedSidecar {
  readonly bootstrap: Bootstrap;
  readonly adminPort: number;
}

export async function openSite(defer: Defer): Promise<Site> {
  const dir = mkdtempSync(join(tmpdir(), 'lb-'));
  defer(() => rmSync(dir, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 }));
  const { path } = await findEnvoy();
  const [upstreamPort = 0, ...ports] = await new Ports().allocate(PORTS);
  const upstream = fork(join(import.meta.dirname, '../load/upstream.ts'), [String(upstreamPort)]);
  defer(() => void upstream.kill());
  await started(upstream);
  const authority = await startTestAuthority(dir, 'mesh');
  defer(() => authority.close());

  const nextPort = (): number => {
    const port = ports.pop();
    if (port === undefined) throw new Error('no port is left');
    return port;
  };
  return {
    dir,
    upstreamPort,
    defer,
    nextPort,
    async runEnvoy(name, bootstrap, adminPort) {
      const own = join(dir, name);
      mkdirSync(own, { mode: 0o700 });
      const envoy = await runEnvoy({ path, bootstrap, dir: own, logFile: join(own, 'envoy.log') });
      defer(async () => void (await stopEnvoy(envoy)));
      await waitReady(`http://127.0.0.1:${adminPort}`, { envoy, timeoutMs: READY_TIMEOUT_MS });
      return envoy;
    },
    async prepareSidecar(name, instance, xdsSocket) {
      const { namespace, serviceAccount } = instance;
      const sdsSocket = join(dir, `${name}.sock`);
      const secrets = new WorkloadSecrets({
        ...authority.certificateRequest({ namespace, serviceAccount }),
        sdsSocket,
      });
      await secrets.start();
      defer(() => secrets.close());
      const adminPort = nextPort();
      const options = { instance, adminPort, xdsSocket, sdsSocket, trustDomain: TRUST_DOMAIN, meshId: 'bench' };
      return { bootstrap: buildBootstrap(options), adminPort };
    },
  };
}

/** Handshakes of mutual TLS that the listeners of an Envoy have made. */
export async function handshakesOf(adminPort: number): Promise<number> {
  return sumOf(adminPort, /^listener\..*ssl\.handshake: (\d+)$/gm);
}

/** The sum of the statistics of an Envoy whose lines match; the first group is the number. */
export async function sumOf(adminPort: number, pattern: RegExp): Promise<number> {
  const stats = await fetch(`http://127.0.0.1:${adminPort}/stats`);
  return [...(await stats.text()).matchAll(pattern)].reduce((sum, [, count]) => sum + Number(count), 0);
}

function started(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    child.once('message', () => resolve());
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`the upstream server ended with code ${code}`)));
  });
}
