import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { ConfigObject } from '@lateen/api/kinds.ts';
import { keyOf } from '@lateen/api/object-key.ts';
import { instanceKey, nodeIdOf, type WorkloadInstance } from '@lateen/api/workload-instance.ts';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { instanceMesh } from '#pilot/simulator/journey/mesh-view.ts';
import { heldConfiguration } from '#pilot/xds/held-configuration.ts';
import type { Call } from '../call-file.ts';
import type { Answer } from '../client.ts';
import type { EchoReport } from '../echo-application.ts';
import { isHere, LOOPBACK } from '../instances.ts';
import { type LiveMesh, startLiveMesh } from '../live-mesh.ts';
import { makeCall } from '../make-call.ts';
import { simulateCall } from '../simulate-call.ts';
import type { SimulatedMesh } from '../simulated-mesh.ts';
import { startTestAuthority, type TestAuthority } from '../test-authority.ts';
import { listenersOf, randomCalls, randomObjects, SERVICE_MESH } from './random-services.ts';

/** To see a failure again: SEED=... npx vitest run --project golden agreement */
const seed = Number(process.env.SEED ?? Date.now() % 1_000_000);

const PAIRS = Number(process.env.PAIRS ?? 5_000);
const CALLS_PER_MESH = 75;
const CONCURRENCY = 12;
/** Names are looked up, and clusters warmed, after the configuration was taken. */
const PATIENCE_MS = 20_000;
const TIMEOUT_MS = 600_000;

const dir = mkdtempSync(join(tmpdir(), 'lateen-agreement-'));
let authority: TestAuthority;
let mesh: LiveMesh;

beforeAll(async () => {
  authority = await startTestAuthority(dir, 'mesh');
  const live = await startLiveMesh(SERVICE_MESH, mkdtempSync(join(dir, 'live-')), authority);
  const instances = live.instances.map((instance) => withListeners(instance, live));
  live.pilot.graph.transaction(() => {
    for (const instance of instances) live.pilot.instances.set(instanceKey(instance), instance);
  });
  mesh = { ...live, instances };
});

afterAll(async () => {
  await mesh?.stop();
  await authority?.close();
  rmSync(dir, { recursive: true, force: true });
});

it(`the simulator and Envoy agree on ${PAIRS} pairs of meshes and calls`, { timeout: TIMEOUT_MS }, async () => {
  let pairs = 0;
  let answered = 0;
  for (let batch = 0; pairs < PAIRS; batch++) {
    const objects = randomObjects(seed + batch, mesh.outside);
    await putInForce(objects);
    const simulated = simulatedMesh();
    const calls = randomCalls(seed + batch, CALLS_PER_MESH);
    pairs += calls.length;
    const disagreements: unknown[] = [];
    const work = async () => {
      for (let call = calls.pop(); call !== undefined; call = calls.pop()) {
        const { reached, disagreement } = await compare(call, simulated);
        if (reached) answered++;
        if (disagreement !== undefined) disagreements.push({ ...disagreement, ...call });
      }
    };
    await Promise.all(Array.from({ length: CONCURRENCY }, work));
    const [first] = disagreements;
    if (first === undefined) continue;
    const text = JSON.stringify({ first, objects }, null, 1);
    throw new Error(`${disagreements.length} disagreements; to see them again: SEED=${seed + batch}\n${text}`);
  }
  // Calls that hardly ever get anywhere would prove little.
  expect(answered / pairs).toBeGreaterThan(0.3);
});

function withListeners(instance: WorkloadInstance, { outside, freePort }: LiveMesh): WorkloadInstance {
  const { capture } = instance;
  if (capture.mode !== 'explicit' || instance.workload !== 'client') return instance;
  const missing = listenersOf(outside).filter((key) => capture.servicePorts[key] === undefined);
  const more = Object.fromEntries(missing.map((key) => [key, freePort()]));
  return { ...instance, capture: { ...capture, servicePorts: { ...capture.servicePorts, ...more } } };
}

let inForce: readonly ConfigObject[] = [];

async function putInForce(wanted: readonly ConfigObject[]): Promise<void> {
  const { graph, objects } = mesh.pilot;
  graph.transaction(() => {
    for (const object of inForce) objects.delete(keyOf(object));
    for (const object of wanted) objects.set(keyOf(object), object);
  });
  inForce = wanted;
  await mesh.settled();
}

/** The simulator reads what the Envoys hold. */
function simulatedMesh(): SimulatedMesh {
  const { pilot, instances, outside } = mesh;
  const view = instanceMesh({
    instances,
    configurationOf: (instance) => heldConfiguration(pilot.resources, nodeIdOf(instance)),
    certificateOf: ({ namespace, serviceAccount }) => ({
      names: [`spiffe://cluster.local/ns/${namespace}/sa/${serviceAccount}`],
      trusted: true,
    }),
    elsewhere: ({ host, port }) =>
      isHere(host) && outside.ports.includes(port)
        ? { type: 'outside' }
        : { type: 'nobody', reason: `${host}:${port} cannot be reached` },
  });
  return {
    instances,
    outside,
    speaksTls: new Set(),
    at: () => ({
      ...view,
      lookUp: (from, address) => view.lookUp(from, isHere(address.host) ? { ...address, host: LOOPBACK } : address),
    }),
  };
}

interface Comparison {
  /** An application got the request. */
  readonly reached: boolean;
  /** What is foretold, and what happened. */
  readonly disagreement?: object;
}

async function compare(call: Call, simulated: SimulatedMesh): Promise<Comparison> {
  const outcomes = simulateCall(call, simulated, 0);
  if (typeof outcomes === 'string') return { reached: false, disagreement: { expected: outcomes } };
  const expected = new Set(outcomes.filter(({ weight }) => weight > 0).map(({ answer }) => fateOf(answer)));
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    const [made] = await makeCall(call, mesh, { mesh: authority, foreign: authority });
    const actual = made === undefined ? '' : fateOf(made.answer);
    if (expected.has(actual)) return { reached: actual.startsWith('reached') };
    if (performance.now() > deadline) return { reached: false, disagreement: { actual, expected: [...expected] } };
    await setTimeout(100);
  }
}

/** What became of a call, as far as the simulator can tell before. */
function fateOf(answer: Answer): string {
  if (answer.type === 'failure') return 'failed';
  if (!answer.body.startsWith('{"workload"')) return `answered ${answer.status} ${answer.headers.location ?? ''}`;
  const { instance, protocol, host = '', path = '', body } = JSON.parse(answer.body) as EchoReport;
  return `reached ${instance} by ${protocol}: ${host}${path} ${body}`;
}
