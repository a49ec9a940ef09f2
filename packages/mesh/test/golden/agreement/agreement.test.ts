import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { keyOf } from '@lateen/api/object-key.ts';
import { instanceKey, nodeIdOf } from '@lateen/api/workload-instance.ts';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { followCall } from '#pilot/simulator/journey/journey.ts';
import { type InstanceMesh, instanceMesh } from '#pilot/simulator/journey/mesh-view.ts';
import { heldConfiguration } from '#pilot/xds/held-configuration.ts';
import { instanceOf } from '../aim-call.ts';
import { LOOPBACK } from '../instances.ts';
import { type LiveMesh, startLiveMesh } from '../live-mesh.ts';
import { startTestAuthority, type TestAuthority } from '../test-authority.ts';
import { KeepAliveClient } from './client.ts';
import { actualFate, agrees, expectedFate } from './compare.ts';
import { anyRequest, type RandomRequest } from './random-rules.ts';
import { RULE_MESH, type RuleGroup, randomGroups } from './rule-mesh.ts';

/** To see a failure again: SEED=... npx vitest run --project golden agreement */
const seed = Number(process.env.SEED ?? Date.now() % 1_000_000);

const PAIRS = 5_000;
const REQUESTS_PER_GROUP = 25;
const CONCURRENCY = 16;
const TIMEOUT_MS = 180_000;

const dir = mkdtempSync(join(tmpdir(), 'lateen-agreement-'));
const client = new KeepAliveClient(CONCURRENCY);
let authority: TestAuthority;
let mesh: LiveMesh;

beforeAll(async () => {
  authority = await startTestAuthority(dir, 'mesh');
  mesh = await startLiveMesh(RULE_MESH, mkdtempSync(join(dir, 'live-')), authority);
});

afterAll(async () => {
  client.close();
  await mesh?.stop();
  await authority?.close();
  rmSync(dir, { recursive: true, force: true });
});

it(`the simulator and Envoy agree on ${PAIRS} pairs of rules and requests`, { timeout: TIMEOUT_MS }, async () => {
  const disagreements: unknown[] = [];
  let pairs = 0;
  let answered = 0;
  for (let batch = 0; pairs < PAIRS; batch++) {
    const groups = randomGroups(seed + batch).filter(({ objects }) => objects.length > 0);
    await putInForce(groups);
    const simulated = simulatedMesh();
    const requests = fc.sample(anyRequest, { seed: seed + batch, numRuns: groups.length * REQUESTS_PER_GROUP });
    const queue = requests.map((request, index) => ({ request, group: groups[index % groups.length] as RuleGroup }));
    pairs += queue.length;
    const work = async () => {
      for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
        const { reached, disagreement } = await compareOne(next.group, next.request, simulated);
        if (reached) answered++;
        if (disagreement !== undefined) disagreements.push(disagreement);
      }
    };
    await Promise.all(Array.from({ length: CONCURRENCY }, work));
    const [first] = disagreements;
    if (first === undefined) continue;
    const text = JSON.stringify(first, null, 1);
    throw new Error(`${disagreements.length} disagreements; to see them again: SEED=${seed + batch}\n${text}`);
  }
  // Rules that hardly any request met would prove little.
  expect(answered / pairs).toBeGreaterThan(0.3);
});

let inForce: readonly string[] = [];

/** Replaces the rules of all hosts, and waits until every Envoy has them. */
async function putInForce(groups: readonly RuleGroup[]): Promise<void> {
  const { graph, objects } = mesh.pilot;
  graph.transaction(() => {
    for (const key of inForce) objects.delete(key as ReturnType<typeof keyOf>);
    for (const group of groups) for (const object of group.objects) objects.set(keyOf(object), object);
  });
  inForce = groups.flatMap((group) => group.objects.map(keyOf));
  await mesh.settled();
}

/** The simulator reads what the Envoys hold. */
function simulatedMesh(): InstanceMesh {
  const { pilot, instances } = mesh;
  return instanceMesh({
    instances,
    configurationOf: (instance) => heldConfiguration(pilot.resources, nodeIdOf(instance)),
    certificateOf: ({ namespace, serviceAccount }) => ({
      names: [`spiffe://cluster.local/ns/${namespace}/sa/${serviceAccount}`],
      trusted: true,
    }),
    elsewhere: ({ host, port }) => ({ type: 'nobody', reason: `${host}:${port} cannot be reached` }),
  });
}

interface Comparison {
  /** An application got the request. */
  readonly reached: boolean;
  /** What is foretold, and what happened. */
  readonly disagreement?: unknown;
}

async function compareOne(group: RuleGroup, request: RandomRequest, simulated: InstanceMesh): Promise<Comparison> {
  const host = group.hosts[request.host % group.hosts.length] ?? '';
  const instance = instanceOf(mesh.instances, group.from);
  const proxy = simulated.proxy(instanceKey(instance));
  if (proxy === undefined) throw new Error(`${group.from} has no configuration`);
  const { capture } = instance;
  if (capture.mode === 'redirect') throw new Error(`${group.from} is not told where its proxy listens`);
  const port = capture.mode === 'gateway' ? (capture.hostPorts[80] ?? 0) : capture.httpProxyPort;
  const { method, path, headers, protocol } = request;
  const isProxy = capture.mode === 'explicit';
  const { outcomes, unknowns } = followCall(simulated, proxy, {
    at: { host: LOOPBACK, port },
    source: { host: LOOPBACK, port: 0 },
    payload: {
      type: 'http',
      protocol,
      request: {
        method,
        authority: host,
        path,
        headers: Object.entries(headers),
        ...(isProxy || protocol === 'http2' ? { scheme: 'http' } : {}),
      },
    },
  });
  const expected = outcomes.filter(({ share }) => share > 0).map((outcome) => expectedFate(outcome, mesh.instances));
  const actual = actualFate(await client.send(port, host, isProxy, request));
  const reached = actual.seen !== undefined;
  if (unknowns.length === 0 && expected.some((fate) => agrees(fate, actual))) return { reached };
  return { reached, disagreement: { ...request, host, actual, expected, unknowns, rules: group.objects } };
}
