import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { networkingText, serviceText } from '#pilot/testing/pilot-of.ts';
import { callHttp1 } from '../golden/client.ts';
import { LOOPBACK } from '../golden/instances.ts';
import { deploymentText, ruleText, startTrafficMesh, type TrafficMesh, until } from './traffic-mesh.ts';

const SERVICE = 'a.default.svc.cluster.local';
const MIB = 1024 * 1024;

let mesh: TrafficMesh;

beforeAll(async () => {
  mesh = await startTrafficMesh(
    deploymentText('a') +
      ['a', 'as-it-is']
        .map((name) => serviceText(name, '[{port: 80, name: http}]', { selector: '{app: a}' }))
        .join('') +
      networkingText(
        'VirtualService',
        'a',
        '{hosts: [a], http: [{match: [{uri: {prefix: /broken}}], rewrite: {uri: none}, route: [{destination: {host: a}}]}, {route: [{destination: {host: a}}]}]}',
      ) +
      ruleText('as-it-is', 'trafficPolicy: {connectionPool: {http: {h2UpgradePolicy: DO_NOT_UPGRADE}}}'),
  );
});

afterAll(() => mesh.stop());

const connectionsTo = (service: string) =>
  mesh.statistic('client', `cluster.outbound|80||${service}.default.svc.cluster.local.upstream_cx_total`);

it('lets requests to a sidecar share a connection, and the application sees HTTP/1.1', async () => {
  const answers = await Promise.all(
    Array.from({ length: 20 }, () =>
      callHttp1({ port: mesh.portOf(`${SERVICE}:80`), method: 'GET', target: '/', host: 'a', headers: {} }),
    ),
  );
  for (const answer of answers)
    expect(answer).toMatchObject({ status: 200, body: expect.stringContaining('HTTP/1.1') });
  expect(await connectionsTo('a')).toBe(1);
});

it('leaves HTTP/1.1 as it is where a rule says so', async () => {
  expect((await mesh.get('http://as-it-is/')).status).toBe(200);
  const sockets = [0, 1].map(() => stalled('as-it-is.default.svc.cluster.local', 16 * MIB));
  await until(async () => (await connectionsTo('as-it-is')) >= 2, 'each request has a connection of its own');
  for (const socket of sockets) socket.destroy();
});

it.each(['HEAD', 'GET', 'POST', 'PATCH', 'DELETE', 'OPTIONS', 'PURGE'])('passes %s', async (method) => {
  expect(
    await callHttp1({ port: mesh.portOf(`${SERVICE}:80`), method, target: '/x', host: 'a', headers: {} }),
  ).toMatchObject({ status: 200 });
});

it.each(['/a|b', '/{x}', '/%7Bx%7D?q=%20&r=a+b', '/a;b=c/d', "/it's", '/[1]', '/a"b', '/?q=<x>', '/x?a=^`'])(
  'passes the path %s as HTTP/1.1 would',
  async (target) => {
    const seen = async (service: string) => {
      const port = mesh.portOf(`${service}.default.svc.cluster.local:80`);
      const answer = await callHttp1({ port, method: 'GET', target, host: service, headers: {} });
      if (answer.type === 'failure') return answer.reason;
      return answer.status === 200 ? (JSON.parse(answer.body) as { path: string }).path : answer.status;
    };
    expect(await seen('a')).toEqual(await seen('as-it-is'));
  },
);

it('lets a request that HTTP/2 does not know break none but itself', async () => {
  const slow = Array.from({ length: 3 }, () => mesh.get('http://a/', {}, ['slow']).catch(() => undefined));
  let ended = 0;
  for (const each of slow) void each.then(() => ended++);
  await until(
    async () =>
      (await mesh.statistic('client', 'cluster.outbound|80||a.default.svc.cluster.local.upstream_rq_active')) >= 3,
    'three requests wait for their answers',
  );
  expect((await mesh.get('http://a/broken')).status).toBe(502);
  expect((await mesh.get('http://a/')).status).toBe(200);
  expect(ended).toBe(0);
});

it('answers others while slow readers leave much unread', async () => {
  const slow = Array.from({ length: 8 }, () => stalled(SERVICE, 8 * MIB));
  try {
    await until(() => slow.every((socket) => socket.bytesRead > 0), 'all answers have begun');
    const late = new Promise((resolve) => setTimeout(resolve, 5_000, 'late'));
    expect(await Promise.race([mesh.get('http://a/'), late])).toMatchObject({ status: 200 });
    expect(await connectionsTo('a')).toBe(1);
  } finally {
    for (const socket of slow) socket.destroy();
  }
});

/** Asks for an answer of at least so many bytes, and stops reading when it begins. */
function stalled(service: string, bytes: number): Socket {
  const socket = connect({ host: LOOPBACK, port: mesh.portOf(`${service}:80`) });
  socket.on('error', () => {}).once('data', () => socket.pause());
  socket.write(`POST / HTTP/1.1\r\nhost: a\r\ncontent-length: ${bytes}\r\n\r\n`);
  socket.write(Buffer.alloc(bytes, 'x'));
  return socket;
}
