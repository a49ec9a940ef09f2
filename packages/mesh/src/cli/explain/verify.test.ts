import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ExplainRequest, MeshStatus } from '@lateen/api/admin.ts';
import type { End, Journey, JourneyOutcome, VerdictHeader } from '@lateen/api/verdict.ts';
import { afterEach, expect, test } from 'vitest';
import { bookinfoStatus } from '#cli/fixtures/bookinfo-status.ts';
import { verify } from './verify.ts';

const servers: Server[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
  }
});

interface FakeAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** The endpoint that the request is counted for. */
  readonly sentTo?: string;
}

/** An Envoy beside productpage: its proxy and its admin server at one port. */
async function startEnvoy(answer: FakeAnswer | 'none') {
  const received: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    if (request.url === '/clusters?format=json') {
      const hosts = ['127.0.0.1:7001', '127.0.0.1:7002'].map((endpoint) =>
        hostStatus(endpoint, received.length, answer),
      );
      response.end(JSON.stringify({ cluster_statuses: [{ host_statuses: hosts }] }));
      return;
    }
    received.push(request);
    if (answer === 'none') request.socket.destroy();
    else response.writeHead(answer.status, answer.headers ?? {}).end();
  });
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, received };
}

function hostStatus(endpoint: string, requests: number, answer: FakeAnswer | 'none') {
  const [address, port] = endpoint.split(':');
  const counted = answer !== 'none' && answer.sentTo === endpoint ? requests : 0;
  return {
    address: { socket_address: { address, port_value: Number(port) } },
    stats: [{ name: 'rq_total', value: String(5 + counted) }],
  };
}

function statusOf(envoy: string): MeshStatus {
  const status = bookinfoStatus();
  const [first] = status.workloads;
  if (first === undefined) throw new Error('no workload');
  const workload = { ...first, name: 'web-0', namespace: 'default', envoyAdmin: envoy, outboundProxy: envoy };
  return { ...status, workloads: [workload] };
}

function foretold(end: End, port = 0, responseHeaders: readonly VerdictHeader[] = []): JourneyOutcome {
  const endpoints = port === 0 ? [] : [{ type: 'socket' as const, host: '127.0.0.1', port }];
  return { share: 0.5, end, endpoints, responseHeaders } as unknown as JourneyOutcome;
}

const application = (instance: string): End => ({ type: 'application', instance, workload: instance, port: 80 });
const v1 = foretold(application('v1-0.default'), 7001);
const v2 = foretold(application('v2-0.default'), 7002);
const moved = foretold({ type: 'answer', by: 'redirect', status: 301, reason: '' }, 0, [['location', '/new']]);
const closed = foretold({ type: 'closed', reason: '' });

async function verified(
  answer: FakeAnswer | 'none',
  outcomes: readonly JourneyOutcome[],
  more: Partial<ExplainRequest> = {},
) {
  const envoy = await startEnvoy(answer);
  const journey = { start: { proxy: 'web-0.default' }, outcomes } as unknown as Journey;
  const request = { from: 'web', method: 'GET', url: 'http://shop/', headers: [], ...more };
  return { ...(await verify(request, journey, statusOf(envoy.url))), received: envoy.received };
}

test.each<[string, FakeAnswer | 'none', JourneyOutcome[], boolean, RegExp]>([
  ['names the replica that got it', { status: 500, sentTo: '127.0.0.1:7002' }, [v1, v2], true, /500.*v2-0\.default/],
  ['disagrees if it went elsewhere', { status: 200, sentTo: '127.0.0.1:7002' }, [v1], false, /127\.0\.0\.1:7002/],
  ['disagrees if it went nowhere', { status: 200 }, [v1], false, /to no endpoint/],
  ['compares answers of proxies', { status: 301, headers: { location: '/new' } }, [moved], true, /301/],
  ['with where they send clients', { status: 301, headers: { location: '/old' } }, [moved], false, /301/],
  ['sees that there is no answer', 'none', [closed], true, /socket hang up/],
  ['and whether there should be one', 'none', [v1, moved], false, /socket hang up/],
])('%s', async (_, answer, outcomes, agrees, message) => {
  const seen = await verified(answer, outcomes);
  expect(seen.agrees).toBe(agrees);
  expect(seen.message).toMatch(message);
});

test('the request is sent as it was asked for', async () => {
  const { received } = await verified({ status: 200 }, [closed], {
    method: 'PUT',
    url: 'http://shop:80/a/../b?|',
    headers: [
      ['x-a', '1'],
      ['x-a', '2'],
    ],
  });
  expect(received).toMatchObject([
    { method: 'PUT', url: 'http://shop:80/a/../b?|', headers: { host: 'shop:80', 'x-a': '1, 2' } },
  ]);
});

test('TLS through a sidecar cannot be verified', async () => {
  const refused = verified({ status: 200 }, [v1], { url: 'https://shop/' });
  await expect(refused).rejects.toMatchObject({ code: 'LAT0562' });
});
