import { type ChildProcess, fork } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ConfigObject } from '@lateen/api/kinds.ts';
import { keyOf } from '@lateen/api/object-key.ts';
import { instanceKey, type WorkloadInstance } from '@lateen/api/workload-instance.ts';
import { buildBootstrap } from '../../packages/mesh/src/agent/bootstrap.ts';
import { findEnvoy } from '../../packages/mesh/src/agent/envoy/find.ts';
import { type EnvoyProcess, runEnvoy, stopEnvoy, waitReady } from '../../packages/mesh/src/agent/envoy/run.ts';
import { WorkloadSecrets } from '../../packages/mesh/src/agent/secrets/workload-secrets.ts';
import { Ports } from '../../packages/mesh/src/local/ports.ts';
import { createPilot } from '../../packages/mesh/src/pilot/pilot.ts';
import { PilotDirectory } from '../../packages/mesh/src/pilot/xds/directory.ts';
import { AdsServer } from '../../packages/mesh/src/pilot/xds/server/server.ts';
import { startTestAuthority } from '../../packages/mesh/test/golden/test-authority.ts';
import { plainEnvoyBootstrap } from './plain-envoy.ts';

const TRUST_DOMAIN = 'cluster.local';
const SERVICE_PORT = 9080;
const SETTLE_TIMEOUT_MS = 20_000;

/** One upstream process, and what can stand in front of it. */
export interface PathMesh {
  readonly upstreamPort: number;
  /** Client's sidecar: its HTTP proxy listener. */
  readonly proxyPort: number;
  /** Server's sidecar: its inbound listener, which takes plaintext as well. */
  readonly inboundPort: number;
  /** An Envoy with nothing but a router in front of the upstream. */
  readonly plainPort: number;
  readonly clientPid: number;
  readonly serverPid: number;
  readonly plainPid: number;
  /** Handshakes of mutual TLS that the server's sidecar has made. */
  handshakes(): Promise<number>;
}

/**
 * Two real sidecars as `lateen up` starts them: configuration by Pilot over ADS, certificates by Citadel over SDS. The
 * control plane is in this process, where it rests while calls are measured.
 */
export async function startPathMesh(defer: (cleanup: () => Promise<void> | void) => void): Promise<PathMesh> {
  const dir = mkdtempSync(join(tmpdir(), 'lb-'));
  defer(() => rmSync(dir, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 }));
  const { path: envoyPath } = await findEnvoy();
  const [appPort = 0, inboundPort = 0, ...ports] = await new Ports().allocate(12);
  const nextPort = () => ports.pop() as number;

  const upstream = fork(join(import.meta.dirname, '../load/upstream.ts'), [String(appPort)]);
  defer(() => void upstream.kill());
  await started(upstream);

  const service = `details.default.svc.${TRUST_DOMAIN}:${SERVICE_PORT}`;
  const client = sidecarOf('client', nextPort(), { [service]: nextPort() }, [
    { containerPort: 8000, inboundPort: nextPort(), appPort: nextPort() },
  ]);
  const server = sidecarOf('details', nextPort(), { [service]: nextPort() }, [
    { containerPort: SERVICE_PORT, inboundPort, appPort },
  ]);

  const pilot = createPilot();
  pilot.graph.transaction(() => {
    pilot.objects.set(keyOf(detailsService), detailsService);
    for (const instance of [client, server]) pilot.instances.set(instanceKey(instance), instance);
  });
  const xdsSocket = join(dir, 'xds.sock');
  const authority = await startTestAuthority(dir, 'mesh');
  defer(() => authority.close());
  const ads = new AdsServer({ directory: new PilotDirectory(pilot) });
  await ads.start(`unix:${xdsSocket}`);
  defer(() => ads.stop(false));

  const run = async (name: string, bootstrap: object, adminPort: number): Promise<EnvoyProcess> => {
    const own = join(dir, name);
    mkdirSync(own, { mode: 0o700 });
    const envoy = await runEnvoy({ path: envoyPath, bootstrap, dir: own, logFile: join(own, 'envoy.log') });
    defer(async () => void (await stopEnvoy(envoy)));
    await waitReady(`http://127.0.0.1:${adminPort}`, { envoy });
    return envoy;
  };
  const runSidecar = async (instance: WorkloadInstance, adminPort: number) => {
    const { namespace, serviceAccount } = instance;
    const sdsSocket = join(dir, `${instance.workload}.sock`);
    const secrets = new WorkloadSecrets({ ...authority.certificateRequest({ namespace, serviceAccount }), sdsSocket });
    await secrets.start();
    defer(() => secrets.close());
    const options = { instance, adminPort, xdsSocket, sdsSocket, trustDomain: TRUST_DOMAIN, meshId: 'bench' };
    return run(instance.workload, buildBootstrap(options), adminPort);
  };
  const [clientAdmin, serverAdmin, plainAdmin, plainPort] = [nextPort(), nextPort(), nextPort(), nextPort()];
  const clientEnvoy = await runSidecar(client, clientAdmin);
  const serverEnvoy = await runSidecar(server, serverAdmin);
  const plainEnvoy = await run('plain', plainEnvoyBootstrap(plainPort, appPort, plainAdmin), plainAdmin);
  await ads.settled(SETTLE_TIMEOUT_MS);

  return {
    upstreamPort: appPort,
    proxyPort: client.capture.mode === 'explicit' ? client.capture.httpProxyPort : 0,
    inboundPort,
    plainPort,
    clientPid: clientEnvoy.pid,
    serverPid: serverEnvoy.pid,
    plainPid: plainEnvoy.pid,
    async handshakes() {
      const stats = await fetch(`http://127.0.0.1:${serverAdmin}/stats?filter=ssl.handshake`);
      const counts = [...(await stats.text()).matchAll(/^listener\..*ssl\.handshake: (\d+)$/gm)];
      return counts.reduce((sum, [, count]) => sum + Number(count), 0);
    },
  };
}

const detailsService: ConfigObject = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'details', namespace: 'default' },
  spec: { selector: { app: 'details' }, ports: [{ name: 'http', port: SERVICE_PORT }] },
};

function sidecarOf(
  app: string,
  httpProxyPort: number,
  servicePorts: Readonly<Record<string, number>>,
  ports: WorkloadInstance['ports'],
): WorkloadInstance {
  return {
    name: `${app}-0`,
    namespace: 'default',
    role: 'sidecar',
    workload: app,
    labels: { app },
    serviceAccount: `bench-${app}`,
    address: '127.0.0.1',
    ports,
    health: 'ready',
    capture: { mode: 'explicit', httpProxyPort, servicePorts },
  };
}

function started(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    child.once('message', () => resolve());
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`the upstream server ended with code ${code}`)));
  });
}
