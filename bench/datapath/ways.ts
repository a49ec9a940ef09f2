import type { Target } from '../load/connection.ts';
import { saturate } from '../load/generator.ts';
import { findProgram } from './debian-packages.ts';
import { ISTIO_NOTE, startIstioLikePair } from './istio-like.ts';
import { istioMetrics } from './istio-metrics.ts';
import { SERVICE_HOST, SERVICE_PORT, startLateenPair } from './lateen-pair.ts';
import { CONNECTIONS, type Way } from './measure.ts';
import type { Pair } from './pair.ts';
import { plainEnvoyBootstrap } from './plain-envoy.ts';
import { startHaproxy, startNginx } from './reverse-proxies.ts';
import { type Defer, openSite } from './site.ts';

export type WayName =
  | 'direct'
  | 'nginx'
  | 'haproxy'
  | 'envoy'
  | 'sidecar'
  | 'lateen'
  | 'lateen-http-proxy'
  | 'lateen-http1'
  | 'lateen-lean'
  | 'lateen-metrics'
  | 'istio'
  | 'istio-metrics';

const WARM_UP_MS = 300;

/** Starts all that is compared, once; `notes` says what was left out. */
export async function startWays(
  defer: Defer,
  say: (text: string) => void,
): Promise<{ ways: ReadonlyMap<WayName, Way>; notes: readonly string[] }> {
  const site = await openSite(defer);
  const ways = new Map<WayName, Way>();
  const notes: string[] = [];
  const host = `${SERVICE_HOST}:${SERVICE_PORT}`;
  const at = (port: number, path = '/details/0'): Target => ({ port, path, host });
  const addPair = async (name: WayName, title: string, pair: Pair) => {
    ways.set(name, { name: title, target: at(pair.clientPort), pids: [pair.clientPid, pair.serverPid] });
    await saturate(at(pair.clientPort), { connections: CONNECTIONS, durationMs: WARM_UP_MS });
    if ((await pair.handshakes()) === 0) throw new Error(`${title}: no mutual TLS is spoken`);
    return pair;
  };

  say('starting all that is compared');
  ways.set('direct', { name: 'direct', target: at(site.upstreamPort), pids: [] });
  for (const [name, start] of [
    ['nginx', startNginx],
    ['haproxy', startHaproxy],
  ] as const) {
    const found = await findProgram(name);
    if (typeof found === 'string') {
      notes.push(`Left out: ${name}; ${found}.`);
      continue;
    }
    const { port, pid } = await start(site, found);
    ways.set(name, { name: found.version, target: at(port), pids: [pid] });
  }
  const [plainPort, plainAdmin] = [site.nextPort(), site.nextPort()];
  const plain = await site.runEnvoy(
    'plain',
    plainEnvoyBootstrap(plainPort, site.upstreamPort, plainAdmin) as Record<string, unknown>,
    plainAdmin,
  );
  ways.set('envoy', { name: 'one Envoy, router only', target: at(plainPort), pids: [plain.pid] });

  const lateen = await startLateenPair(site, 'lateen');
  ways.set('sidecar', { name: 'one sidecar, plaintext', target: at(lateen.inboundPort), pids: [lateen.serverPid] });
  await addPair('lateen', 'Lateen pair', lateen);
  ways.set('lateen-http-proxy', {
    name: 'Lateen pair, by HTTP_PROXY',
    target: at(lateen.httpProxyPort, `http://${host}/details/0`),
    pids: [lateen.clientPid, lateen.serverPid],
  });
  await addPair('lateen-http1', 'Lateen pair, HTTP/1.1 between', await startLateenPair(site, 'h1', { objects: HTTP1 }));
  await addPair(
    'lateen-lean',
    'Lateen pair, metrics with 6 tags',
    await startLateenPair(site, 'lean', { objects: metrics('lean') }),
  );
  await addPair(
    'lateen-metrics',
    'Lateen pair, metrics with 25 tags',
    await startLateenPair(site, 'tags', { objects: metrics('standard') }),
  );
  await addPair('istio', 'Istio-like pair, no metrics', await startIstioLikePair(site, 'istio', { metrics: false }));
  await addPair(
    'istio-metrics',
    'Istio-like pair, metrics with 25 tags',
    await startIstioLikePair(site, 'istiom', { metrics: true }),
  );
  return { ways, notes: [...notes, ISTIO_NOTE] };
}

const HTTP1 = `---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: details}
spec: {host: details, trafficPolicy: {connectionPool: {http: {h2UpgradePolicy: DO_NOT_UPGRADE}}}}
`;

/** Istio's metrics at a Lateen pair, as a user can have them. */
function metrics(tags: 'lean' | 'standard'): string {
  const patch = (context: string, reporter: 'source' | 'destination') => ({
    applyTo: 'NETWORK_FILTER',
    match: {
      context,
      listener: { filterChain: { filter: { name: 'envoy.filters.network.http_connection_manager' } } },
    },
    patch: {
      operation: 'MERGE',
      value: {
        name: 'envoy.filters.network.http_connection_manager',
        typed_config: {
          '@type':
            'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager',
          access_log: [istioMetrics(reporter, tags)],
        },
      },
    },
  });
  const object = {
    apiVersion: 'networking.istio.io/v1alpha3',
    kind: 'EnvoyFilter',
    metadata: { name: 'metrics' },
    spec: { configPatches: [patch('SIDECAR_OUTBOUND', 'source'), patch('SIDECAR_INBOUND', 'destination')] },
  };
  return `---\n${JSON.stringify(object)}\n`;
}
