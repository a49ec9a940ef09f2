import { mkdtempSync, rmSync } from 'node:fs';
import type { IncomingHttpHeaders } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { keyOf } from '@lateen/api/object-key.ts';
import { instanceKey, type WorkloadInstance } from '@lateen/api/workload-instance.ts';
import { parseDocuments } from '#pilot/config/parse.ts';
import { instanceOf } from '../golden/aim-call.ts';
import type { CertificateSpecs } from '../golden/certificates.ts';
import { callHttp1 } from '../golden/client.ts';
import { CALL_ID_HEADER, type EchoReport, UPSTREAM_HEADER } from '../golden/echo-application.ts';
import { LOOPBACK } from '../golden/instances.ts';
import { type LiveMesh, startLiveMesh } from '../golden/live-mesh.ts';
import { startTestAuthority } from '../golden/test-authority.ts';

/** What became of a request: a status, and what the application saw if one answered. */
export interface Seen {
  /** Undefined: there was no answer. */
  readonly status?: number;
  readonly instance?: string;
  readonly headers?: IncomingHttpHeaders;
  readonly body: string;
}

export interface TrafficMesh extends LiveMesh {
  /** One request of the client by way of its sidecar. `steps` says what applications do with the attempts. */
  get(url: string, headers?: Readonly<Record<string, string>>, steps?: readonly unknown[]): Promise<Seen>;
  /** The port at which the client finds a service port (`HOSTNAME:PORT`). */
  portOf(service: string): number;
  /** Puts something that listens at a port among the endpoints of a service, with no sidecar in front of it. */
  addEndpoint(name: string, app: string, containerPort: number, port: number): Promise<WorkloadInstance>;
  /** Puts objects in force, in place of those of the same names. */
  apply(text: string): void;
  /** PEM, for a server of a test. */
  certificate(): Promise<{ readonly chain: string; readonly privateKey: string }>;
  /** Makes an instance other than it was, and waits until all proxies know. */
  change(name: string, change: Partial<WorkloadInstance>): Promise<void>;
}

/**
 * Starts a mesh of the objects of a text. Requests come from the workload `client`, which is added in the namespace
 * `default`.
 */
export async function startTrafficMesh(
  text: string,
  options: {
    readonly down?: readonly string[];
    readonly failing?: readonly string[];
    readonly clientLabels?: string;
    readonly certificates?: CertificateSpecs;
  } = {},
): Promise<TrafficMesh> {
  const dir = mkdtempSync(join(tmpdir(), 'lateen-traffic-'));
  const authority = await startTestAuthority(dir, 'mesh');
  const golden = {
    name: 'traffic',
    folder: dir,
    input: text + deploymentText('client', { labels: options.clientLabels ?? '', ports: [] }),
    proxies: undefined,
    down: options.down ?? [],
    failing: options.failing ?? [],
    greeting: [],
    impostors: new Map(),
    certificates: options.certificates ?? new Map(),
    tls: new Map(),
    diagnostics: [],
    calls: [],
    atMs: 0,
  };
  const live = await startLiveMesh(golden, mkdtempSync(join(dir, 'live-')), authority).catch(async (error: unknown) => {
    await authority.close();
    throw error;
  });
  const { capture } = instanceOf(live.instances, 'client');
  if (capture.mode !== 'explicit') throw new Error('the client has no sidecar');
  let calls = 0;
  return {
    ...live,
    async get(url, headers = {}, steps = []) {
      const { host } = new URL(url);
      const answer = await callHttp1({
        port: capture.httpProxyPort,
        method: 'GET',
        target: url,
        host,
        headers: { ...headers, [CALL_ID_HEADER]: `${++calls}`, [UPSTREAM_HEADER]: JSON.stringify(steps) },
      });
      return answer.type === 'failure'
        ? { body: answer.reason }
        : { ...seenOf(answer.status, answer.body), headers: answer.headers };
    },
    portOf(service) {
      const port = capture.servicePorts[service];
      if (port === undefined) throw new Error(`the client has no listener for ${service}`);
      return port;
    },
    async addEndpoint(name, app, containerPort, port) {
      const instance: WorkloadInstance = {
        name,
        namespace: 'default',
        role: 'sidecar',
        workload: name,
        labels: { app },
        serviceAccount: 'default',
        address: LOOPBACK,
        ports: [{ containerPort, inboundPort: port, appPort: port }],
        health: 'ready',
        capture: { mode: 'explicit', httpProxyPort: 0, servicePorts: {} },
      };
      live.pilot.instances.set(instanceKey(instance), instance);
      await live.settled();
      return instance;
    },
    apply(objects) {
      const parsed = parseDocuments(live.certificates.fill(objects), 'applied.yaml', { defaultNamespace: 'default' });
      if (parsed.diagnostics.length > 0) throw new Error(JSON.stringify(parsed.diagnostics));
      live.pilot.graph.transaction(() => {
        for (const { object } of parsed.objects) live.pilot.objects.set(keyOf(object), object);
      });
    },
    certificate: () => authority.issue({ namespace: 'default', serviceAccount: 'test' }),
    async change(name, change) {
      const key = instanceKey({ name, namespace: 'default' });
      const instance = live.pilot.instances.get(key);
      if (instance === undefined) throw new Error(`there is no instance ${name}`);
      live.pilot.instances.set(key, { ...instance, ...change });
      await live.settled();
    },
    async stop() {
      await live.stop();
      await authority.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

function seenOf(status: number | undefined, body: string): Seen {
  const report = body.startsWith('{') ? (JSON.parse(body) as EchoReport) : undefined;
  return {
    ...(status === undefined ? {} : { status }),
    ...(report === undefined ? {} : { instance: report.instance }),
    body,
  };
}

/** One document: a Deployment whose application listens on the ports. */
export function deploymentText(
  name: string,
  options: { app?: string; labels?: string; replicas?: number; ports?: readonly number[] } = {},
): string {
  const { app = name, labels = '', replicas = 1, ports = [80] } = options;
  const list = ports.map((port) => `{containerPort: ${port}}`).join(', ');
  return `---
apiVersion: apps/v1
kind: Deployment
metadata: {name: ${name}}
spec:
  replicas: ${replicas}
  selector: {matchLabels: {app: ${app}}}
  template:
    metadata: {labels: {app: ${app}${labels === '' ? '' : `, ${labels}`}}}
    spec: {containers: [{name: app, image: example/app, ports: [${list}]}]}
`;
}

/** One document: a DestinationRule for a host, its spec (but for the host) in YAML's flow style. */
export function ruleText(host: string, spec: string): string {
  return `---\n{apiVersion: networking.istio.io/v1, kind: DestinationRule, metadata: {name: ${host}}, spec: {host: ${host}, ${spec}}}\n`;
}

/** How often each value occurs. */
export function countOf<T>(values: readonly T[]): Map<T, number> {
  const counts = new Map<T, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return counts;
}

/** Waits until something holds. */
export async function until(holds: () => Promise<boolean> | boolean, what: string, timeoutMs = 10_000): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`not within ${timeoutMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
