import { mkdirSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { findEnvoy } from '../../packages/mesh/src/agent/envoy/find.ts';
import { type EnvoyProcess, runEnvoy, stopEnvoy } from '../../packages/mesh/src/agent/envoy/run.ts';
import { memoryOf } from '../harness/process-usage.ts';

const ANSWER_TIMEOUT_MS = 60_000;
const POLL_MS = 50;
/** Envoy gives back memory that it does not need for a while after it has put its configuration in force. */
const RSS_WINDOW_MS = 1_000;
const RSS_TOLERANCE_MIB = 1;
const RSS_WAIT_MS = 10_000;

/** A stock Envoy that asks a control plane for its configuration, as a sidecar without redirection of traffic. */
export class Sidecar {
  readonly #envoy: EnvoyProcess;
  readonly #admin: string;
  readonly #startedAtMs = performance.now();

  private constructor(envoy: EnvoyProcess, admin: string) {
    this.#envoy = envoy;
    this.#admin = admin;
  }

  /** @param xdsPort on 127.0.0.1 */
  static async start(dir: string, workload: string, xdsPort: number): Promise<Sidecar> {
    mkdirSync(dir, { mode: 0o700 });
    const admin = join(dir, 'admin.sock');
    const { path } = await findEnvoy();
    const envoy = await runEnvoy({
      path,
      bootstrap: bootstrapOf(admin, workload, xdsPort),
      dir,
      logFile: join(dir, 'envoy.log'),
    });
    return new Sidecar(envoy, admin);
  }

  /** Gives how long it took from the start of the process. */
  async ready(timeoutMs: number): Promise<number> {
    await this.#until('ready', timeoutMs, async () => (await this.#get('/ready')).status === 200);
    return performance.now() - this.#startedAtMs;
  }

  async #until(what: string, timeoutMs: number, isSo: () => Promise<boolean>): Promise<void> {
    const deadline = performance.now() + timeoutMs;
    while (!(await isSo().catch(() => false))) {
      if (performance.now() >= deadline) {
        throw new Error(`the sidecar is not ${what} after ${timeoutMs} ms; see ${this.#envoy.logFile}`);
      }
      await delay(POLL_MS);
    }
  }

  /** When it does not change any more. */
  async rssMiB(): Promise<number> {
    const deadline = performance.now() + RSS_WAIT_MS;
    for (let before = memoryOf(this.#envoy.pid).rssMiB; ; ) {
      await delay(RSS_WINDOW_MS);
      const { rssMiB } = memoryOf(this.#envoy.pid);
      if (Math.abs(rssMiB - before) < RSS_TOLERANCE_MIB || performance.now() >= deadline) return rssMiB;
      before = rssMiB;
    }
  }

  /** Of all its configuration, as Envoy prints it. */
  async configurationBytes(): Promise<number> {
    return (await this.#get('/config_dump?include_eds')).bytes;
  }

  /** Clusters that it got from the control plane. */
  async clusters(): Promise<number> {
    const { text } = await this.#get('/config_dump?resource=dynamic_active_clusters&mask=cluster.name');
    return text.split('"name":').length - 1;
  }

  async stop(): Promise<void> {
    await stopEnvoy(this.#envoy);
  }

  #get(path: string): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const signal = AbortSignal.timeout(ANSWER_TIMEOUT_MS);
      const outgoing = request({ socketPath: this.#admin, path, agent: false, signal }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.once('error', reject);
        response.once('end', () => {
          const body = Buffer.concat(chunks);
          resolve({ status: response.statusCode ?? 0, bytes: body.length, text: body.toString('latin1') });
        });
      });
      outgoing.once('error', reject).end();
    });
  }
}

interface Answer {
  readonly status: number;
  readonly bytes: number;
  readonly text: string;
}

function bootstrapOf(admin: string, workload: string, xdsPort: number): object {
  const source = { ads: {}, initial_fetch_timeout: '0s', resource_api_version: 'V3' };
  return {
    node: {
      id: `sidecar~10.1.2.3~${workload}-1.default~default.svc.cluster.local`,
      cluster: `${workload}.default`,
      metadata: { INTERCEPTION_MODE: 'NONE', WORKLOAD_NAME: workload, LABELS: { app: workload } },
    },
    admin: { address: { pipe: { path: admin, mode: 0o600 } } },
    dynamic_resources: {
      lds_config: source,
      cds_config: source,
      ads_config: {
        api_type: 'DELTA_GRPC',
        set_node_on_first_message_only: true,
        transport_api_version: 'V3',
        grpc_services: [{ envoy_grpc: { cluster_name: 'xds-grpc' } }],
      },
    },
    static_resources: { clusters: [controlPlane(xdsPort)] },
  };
}

function controlPlane(port: number): object {
  const address = { socket_address: { address: '127.0.0.1', port_value: port } };
  const options = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';
  return {
    name: 'xds-grpc',
    type: 'STATIC',
    connect_timeout: '1s',
    typed_extension_protocol_options: {
      [options]: { '@type': `type.googleapis.com/${options}`, explicit_http_config: { http2_protocol_options: {} } },
    },
    load_assignment: { cluster_name: 'xds-grpc', endpoints: [{ lb_endpoints: [{ endpoint: { address } }] }] },
  };
}
