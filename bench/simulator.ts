import type { Call } from '../packages/mesh/src/pilot/simulator/call.ts';
import { PreparedProxy } from '../packages/mesh/src/pilot/simulator/proxy.ts';
import { simulate } from '../packages/mesh/src/pilot/simulator/simulate.ts';
import { heldConfiguration } from '../packages/mesh/src/pilot/xds/held-configuration.ts';
import type { Benchmark } from './harness/benchmark.ts';
import { interleave, median } from './harness/stats.ts';
import { addClients, buildMesh } from './pipeline/services.ts';

const SIZES = [10, 1_000, 5_000];
const CALLS_PER_ROUND = 2_000;

/** The sidecar of a client in a mesh of so many services, each with two routes. */
function prepare(services: number): {
  readonly proxy: PreparedProxy;
  readonly prepareMs: number;
  readonly firstMs: number;
} {
  const pilot = buildMesh(services);
  const [nodeId = ''] = addClients(pilot, 1);
  pilot.proxies.set(nodeId, { nodeId, instance: 'client-0.default' });
  const startedAt = performance.now();
  const configuration = heldConfiguration(pilot.resources, nodeId);
  if (configuration === undefined) throw new Error('the client has no configuration');
  const proxy = new PreparedProxy(configuration);
  const preparedAt = performance.now();
  simulate(proxy, callTo(0, '/'));
  return { proxy, prepareMs: preparedAt - startedAt, firstMs: performance.now() - preparedAt };
}

/** The first route of each service is for `/api`. */
function callTo(service: number, path: string): Call {
  return {
    at: { host: '10.0.0.0', port: 15001 },
    source: { host: '10.0.0.0', port: 40_000 },
    payload: {
      type: 'http',
      protocol: 'http1',
      request: { method: 'GET', scheme: 'http', authority: `svc-${service}`, path, headers: [['x-user', 'kate']] },
    },
  };
}

export const simulator: Benchmark = {
  name: 'simulator',
  summary: 'one simulated call, as the route table grows',
  async run({ quick, say }) {
    const rounds = quick ? 5 : 15;
    const warmUp = 2;
    const prepared = new Map(
      SIZES.map((size) => {
        say(`${size} services`);
        return [size, prepare(size)];
      }),
    );
    const measured = await interleave(SIZES, rounds + warmUp, (size) => {
      const proxy = prepared.get(size)?.proxy as PreparedProxy;
      const calls = Array.from({ length: CALLS_PER_ROUND }, (_, index) =>
        callTo((index * 7_919) % size, index % 2 === 0 ? '/api/v1' : '/other?x=1'),
      );
      const startedAt = performance.now();
      for (const call of calls) {
        const { handling } = simulate(proxy, call);
        if (handling.type !== 'http' || handling.http.choices[0]?.action.type !== 'forward') throw new Error('lost');
      }
      return ((performance.now() - startedAt) * 1000) / CALLS_PER_ROUND;
    });
    const micros = (size: number) => median((measured.get(size) ?? []).slice(warmUp));
    return {
      tables: [
        {
          title: 'One call through the HTTP proxy listener of a sidecar: which route, and where it leads',
          of: 'virtual hosts',
          columns: [
            { key: 'callUs', heading: 'call us' },
            { key: 'ratio', heading: `against ${SIZES[0]}`, digits: 2 },
            { key: 'prepareMs', heading: 'prepare ms' },
            { key: 'firstMs', heading: 'first call ms' },
          ],
          rows: SIZES.map((size) => ({
            name: size.toLocaleString('en-US'),
            values: {
              callUs: micros(size),
              ratio: micros(size) / micros(SIZES[0] ?? 0),
              prepareMs: prepared.get(size)?.prepareMs,
              firstMs: prepared.get(size)?.firstMs,
            },
          })),
        },
      ],
      notes: [
        'Calls go to all services in turn, and each asks for a route behind another one. Preparing decodes the listeners; ' +
          'the first call decodes the route table and indexes its hosts.',
      ],
    };
  },
};
