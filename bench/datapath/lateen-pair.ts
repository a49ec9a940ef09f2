import { join } from 'node:path';
import { keyOf } from '@lateen/api/object-key.ts';
import { instanceKey, type WorkloadInstance } from '@lateen/api/workload-instance.ts';
import { parseDocuments } from '../../packages/mesh/src/pilot/config/parse.ts';
import { createPilot } from '../../packages/mesh/src/pilot/pilot.ts';
import { PilotDirectory } from '../../packages/mesh/src/pilot/xds/directory.ts';
import { AdsServer } from '../../packages/mesh/src/pilot/xds/server/server.ts';
import type { Pair } from './pair.ts';
import { type Bootstrap, handshakesOf, type Site, TRUST_DOMAIN } from './site.ts';

export const SERVICE_PORT = 9080;
export const SERVICE_HOST = 'details';
const SETTLE_TIMEOUT_MS = 20_000;

export interface LateenPairOptions {
  /** Objects beside the Service `details`, as YAML. */
  readonly objects?: string;
  readonly changeBootstrap?: (bootstrap: Bootstrap) => Bootstrap;
}

export interface LateenPair extends Pair {
  /** The listener for HTTP_PROXY of the client's sidecar. */
  readonly httpProxyPort: number;
  /** The inbound listener of the server's sidecar, which takes plaintext as well. */
  readonly inboundPort: number;
  readonly clientAdminPort: number;
}

/**
 * Two real sidecars as `lateen up` starts them: configuration by Pilot over ADS, certificates by Citadel over SDS. The
 * control plane is in this process, where it rests while calls are measured.
 */
export async function startLateenPair(site: Site, name: string, options: LateenPairOptions = {}): Promise<LateenPair> {
  const { nextPort } = site;
  const service = `${SERVICE_HOST}.default.svc.${TRUST_DOMAIN}:${SERVICE_PORT}`;
  const [httpProxyPort, servicePort, inboundPort] = [nextPort(), nextPort(), nextPort()];
  const client = sidecarOf('client', httpProxyPort, { [service]: servicePort }, [
    { containerPort: 8000, inboundPort: nextPort(), appPort: nextPort() },
  ]);
  const server = sidecarOf(SERVICE_HOST, nextPort(), { [service]: nextPort() }, [
    { containerPort: SERVICE_PORT, inboundPort, appPort: site.upstreamPort },
  ]);

  const pilot = createPilot();
  const parsed = parseDocuments(DETAILS_SERVICE + (options.objects ?? ''), 'bench.yaml', {
    defaultNamespace: 'default',
  });
  if (parsed.diagnostics.length > 0) throw new Error(JSON.stringify(parsed.diagnostics));
  pilot.graph.transaction(() => {
    for (const { object } of parsed.objects) pilot.objects.set(keyOf(object), object);
    for (const instance of [client, server]) pilot.instances.set(instanceKey(instance), instance);
  });
  const xdsSocket = join(site.dir, `${name}.xds.sock`);
  const ads = new AdsServer({ directory: new PilotDirectory(pilot) });
  await ads.start(`unix:${xdsSocket}`);
  site.defer(() => ads.stop(false));

  const run = async (instance: WorkloadInstance) => {
    const { bootstrap, adminPort } = await site.prepareSidecar(`${name}-${instance.workload}`, instance, xdsSocket);
    const changed = options.changeBootstrap?.(bootstrap) ?? bootstrap;
    const { pid } = await site.runEnvoy(`${name}-${instance.workload}`, changed, adminPort);
    return { pid, adminPort };
  };
  const clientEnvoy = await run(client);
  const serverEnvoy = await run(server);
  await ads.settled(SETTLE_TIMEOUT_MS);
  return {
    clientPort: servicePort,
    httpProxyPort,
    inboundPort,
    clientAdminPort: clientEnvoy.adminPort,
    clientPid: clientEnvoy.pid,
    serverPid: serverEnvoy.pid,
    handshakes: () => handshakesOf(serverEnvoy.adminPort),
  };
}

const DETAILS_SERVICE = `
apiVersion: v1
kind: Service
metadata: {name: ${SERVICE_HOST}}
spec:
  selector: {app: ${SERVICE_HOST}}
  ports: [{name: http, port: ${SERVICE_PORT}}]
`;

export function sidecarOf(
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
