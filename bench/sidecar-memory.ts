import { join } from 'node:path';
import { keyOf } from '@lateen/api/object-key.ts';
import { instanceKey } from '@lateen/api/workload-instance.ts';
import { parseDocuments } from '../packages/mesh/src/pilot/config/parse.ts';
import { PilotDirectory } from '../packages/mesh/src/pilot/xds/directory.ts';
import { AdsServer } from '../packages/mesh/src/pilot/xds/server/server.ts';
import { sidecarOf } from './datapath/lateen-pair.ts';
import { openSite, type Site, sumOf } from './datapath/site.ts';
import type { Benchmark, Row } from './harness/benchmark.ts';
import { memoryOf } from './harness/process-usage.ts';
import { buildMesh } from './pipeline/services.ts';

const SETTLE_TIMEOUT_MS = 120_000;
const USED = 4;
const GOAL_RATIO = 1.3;

interface Held {
  readonly rssMiB: number;
  readonly configurationKiB: number;
  readonly readyMs: number;
}

/** How a sidecar comes to hold what it holds. */
const SCOPES = [
  { name: 'the whole mesh', objects: '' },
  {
    name: `${USED} services, by a Sidecar object`,
    objects: `
apiVersion: networking.istio.io/v1
kind: Sidecar
metadata: {name: client}
spec:
  workloadSelector: {labels: {app: client}}
  egress: [{hosts: [${Array.from({ length: USED }, (_, index) => `"./svc-${index}.default.svc.cluster.local"`).join(', ')}]}]
`,
  },
] as const;

type ScopeName = (typeof SCOPES)[number]['name'];

export const sidecarMemory: Benchmark = {
  name: 'sidecar-memory',
  summary: 'what one sidecar holds as the mesh grows',
  async run({ quick, say, defer }) {
    const sizes = quick ? [10, 1_000] : [10, 1_000, 10_000];
    const site = await openSite(defer);
    const held = new Map<string, Held>();
    for (const size of sizes) {
      for (const { name, objects } of SCOPES) {
        say(`${size} services, ${name}`);
        held.set(`${name} ${size}`, await measure(site, size, objects));
      }
    }
    const ratio = (scope: ScopeName, size: number, key: keyof Held) =>
      (held.get(`${scope} ${size}`)?.[key] ?? Number.NaN) / (held.get(`${scope} ${sizes[0]}`)?.[key] ?? Number.NaN);
    const row = (scope: ScopeName, size: number): Row => ({
      name: `${size} services, ${scope}`,
      values: { ...held.get(`${scope} ${size}`), rssRatio: ratio(scope, size, 'rssMiB') },
    });
    const largest = sizes.at(-1) ?? 0;
    const scoped = SCOPES[1].name;
    return {
      tables: [
        {
          title: 'One sidecar that is ready and idle',
          of: 'mesh and scope',
          columns: [
            { key: 'rssMiB', heading: 'RSS MiB' },
            { key: 'rssRatio', heading: `to ${sizes[0]} services`, digits: 2 },
            { key: 'configurationKiB', heading: 'KiB from the control plane', digits: 0 },
            { key: 'readyMs', heading: 'ms until ready', digits: 0 },
          ],
          rows: SCOPES.flatMap(({ name }) => sizes.map((size) => row(name, size))),
        },
      ],
      goals: (['rssMiB', 'configurationKiB'] as const).map((key) => ({
        what: `${key === 'rssMiB' ? 'RSS' : 'configuration'} at ${largest} services with ${USED} in scope, to ${sizes[0]}`,
        unit: 'x',
        measured: ratio(scoped, largest, key),
        goal: GOAL_RATIO,
      })),
      notes: ['Each service has five endpoints, a DestinationRule, and a VirtualService with two routes.'],
    };
  },
};

async function measure(site: Site, size: number, objects: string): Promise<Held> {
  const name = `m${site.nextPort()}`;
  const pilot = buildMesh(size);
  const client = sidecarOf('client', site.nextPort(), {}, []);
  const { objects: parsed } = parseDocuments(objects, 'bench.yaml', { defaultNamespace: 'default' });
  pilot.graph.transaction(() => {
    for (const { object } of parsed) pilot.objects.set(keyOf(object), object);
    pilot.instances.set(instanceKey(client), client);
  });
  const xdsSocket = join(site.dir, `${name}.xds.sock`);
  const ads = new AdsServer({ directory: new PilotDirectory(pilot) });
  await ads.start(`unix:${xdsSocket}`);
  try {
    const { bootstrap, adminPort } = await site.prepareSidecar(name, client, xdsSocket);
    const startedAt = performance.now();
    const { pid } = await site.runEnvoy(name, bootstrap, adminPort);
    const readyMs = performance.now() - startedAt;
    await ads.settled(SETTLE_TIMEOUT_MS);
    const bytes = await sumOf(adminPort, /^cluster\.xds-grpc\.upstream_cx_rx_bytes_total: (\d+)$/gm);
    return { rssMiB: memoryOf(pid).rssMiB, configurationKiB: bytes / 1024, readyMs };
  } finally {
    await ads.stop(false);
  }
}
