import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { networkingText, serviceText } from '#pilot/testing/pilot-of.ts';
import { LOOPBACK } from '../golden/instances.ts';
import { type RawServer, startRawHttp, startRawTcp } from './raw-server.ts';
import {
  countOf,
  deploymentText,
  ruleText,
  type Seen,
  startTrafficMesh,
  type TrafficMesh,
  until,
} from './traffic-mesh.ts';

/** Requests that are never answered keep what a limit counts in use. */
const NEVER = ['slow'];

const NO_MESH_TLS =
  '---\n{apiVersion: security.istio.io/v1, kind: PeerAuthentication, metadata: {name: raw}, spec: {mtls: {mode: DISABLE}}}\n';

let mesh: TrafficMesh;

beforeAll(async () => {
  const services = (app: string, protocol: string, ...names: string[]) =>
    names.map((name) => serviceText(name, `[{port: 80, name: ${protocol}}]`, { selector: `{app: ${app}}` })).join('');
  mesh = await startTrafficMesh(
    NO_MESH_TLS +
      deploymentText('a') +
      services('a', 'http', 'pending', 'requests', 'budget', 'retries') +
      services('raw', 'http', 'one-each', 'idle', 'aged') +
      services('stuck', 'http', 'stuck') +
      services('rawtcp', 'tcp', 'tcp-few', 'tcp-idle', 'tcp-aged') +
      ruleText('pending', pool('{tcp: {maxConnections: 1}, http: {http1MaxPendingRequests: 1}}')) +
      ruleText('requests', pool('{http: {h2UpgradePolicy: UPGRADE, http2MaxRequests: 2}}')) +
      ruleText('budget', 'trafficPolicy: {retryBudget: {percent: 0, minRetryConcurrency: 0}}') +
      ruleText('one-each', pool('{http: {maxRequestsPerConnection: 1}}')) +
      ruleText('idle', pool('{http: {idleTimeout: 200ms}}')) +
      ruleText('aged', pool('{tcp: {maxConnectionDuration: 300ms}}')) +
      ruleText('stuck', pool('{tcp: {connectTimeout: 100ms}}')) +
      ruleText('tcp-few', pool('{tcp: {maxConnections: 2}}')) +
      ruleText('tcp-idle', pool('{tcp: {idleTimeout: 200ms}}')) +
      ruleText('tcp-aged', pool('{tcp: {maxConnectionDuration: 300ms}}')) +
      ['budget', 'retries']
        .map((host) =>
          networkingText(
            'VirtualService',
            host,
            `{hosts: [${host}], http: [{retries: {attempts: 3, retryOn: "503"}, route: [{destination: {host: ${host}}}]}]}`,
          ),
        )
        .join(''),
  );
});

afterAll(() => mesh.stop());

describe('limits on requests', () => {
  it('send those away for which there is no connection and no place to wait', async () => {
    const answers = start(10, 'http://pending/');
    // Each of Envoy's threads may have a connection of its own, however few there may be.
    await until(() => answers.length >= 6, 'requests are sent away');
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([503]));
    expect(answers.length).toBeLessThan(10);
  });

  it('send those away that are too many at a time', async () => {
    const answers = start(6, 'http://requests/');
    await until(() => answers.length === 4, 'four of six are sent away');
    expect(countOf(answers.map(({ status }) => status))).toEqual(new Map([[503, 4]]));
  });

  it('let retries be no more than their budget', async () => {
    const steps = [503, 503];
    expect((await mesh.get('http://retries/', {}, steps)).status).toBe(200);
    expect((await mesh.get('http://budget/', {}, steps)).status).toBe(503);
  });
});

describe('an HTTP connection', () => {
  let raw: RawServer;

  beforeAll(async () => {
    const port = mesh.freePort();
    raw = await startRawHttp(port, (response) => response.end('{}'));
    await mesh.addEndpoint('raw-0', 'raw', 80, port);
  });

  afterAll(() => raw.close());

  it('takes no more requests than it may', async () => {
    const before = raw.connections;
    for (let i = 0; i < 3; i++) expect((await mesh.get('http://one-each/')).status).toBe(200);
    expect(raw.connections - before).toBe(3);
  });

  it('ends when it was idle for long enough', async () => {
    expect((await mesh.get('http://idle/')).status).toBe(200);
    await until(() => raw.sockets.size === 0, 'the connection is closed');
  });

  it('ends when it is old', async () => {
    const before = raw.connections;
    await until(async () => {
      await mesh.get('http://aged/');
      return raw.connections - before > 1;
    }, 'a second connection is made, though the first is never idle');
  });
});

describe('a TCP connection', () => {
  let raw: RawServer;
  const clients: Socket[] = [];

  beforeAll(async () => {
    const port = mesh.freePort();
    raw = await startRawTcp(port, (socket) => socket.write('hello'));
    await mesh.addEndpoint('rawtcp-0', 'rawtcp', 80, port);
  });

  afterAll(async () => {
    for (const client of clients) client.destroy();
    await raw.close();
  });

  const open = (service: string): Socket => {
    const socket = connect({ port: mesh.portOf(`${service}.default.svc.cluster.local:80`), host: LOOPBACK });
    clients.push(socket.on('error', () => {}).resume());
    return socket;
  };

  it('is refused where there are as many as there may be', async () => {
    const first = [open('tcp-few'), open('tcp-few')];
    await Promise.all(first.map((socket) => once(socket, 'data')));
    await once(open('tcp-few'), 'close');
    first[0]?.destroy();
    await until(() => raw.sockets.size === 1, 'the first is gone');
    await until(async () => {
      const next = open('tcp-few');
      return (await Promise.race([once(next, 'data'), once(next, 'close')]))[0] instanceof Buffer;
    }, 'there is a place again');
  });

  it('ends when nothing went over it for long enough', async () => {
    const idle = open('tcp-idle');
    await once(idle, 'data');
    await once(idle, 'close');
  });

  it('ends when it is old', async () => {
    const aged = open('tcp-aged');
    const talk = setInterval(() => aged.write('.'), 20);
    await once(aged, 'close');
    clearInterval(talk);
  });
});

describe('an endpoint that does not answer', () => {
  it('is given up after the time to connect', async () => {
    const port = mesh.freePort();
    // Stopped, so that nobody takes connections; after the first ones the system does not even acknowledge them.
    const stuck = spawn(process.execPath, [
      '-e',
      `require('net').createServer().listen({ port: ${port}, host: '${LOOPBACK}', backlog: 1 }, () => console.log('ready'))`,
    ]);
    const fillers: Socket[] = [];
    try {
      await once(stuck.stdout, 'data');
      stuck.kill('SIGSTOP');
      for (let i = 0; i < 4; i++) fillers.push(connect({ port, host: LOOPBACK }).on('error', () => {}));
      await mesh.addEndpoint('stuck-0', 'stuck', 80, port);
      await until(async () => {
        const { status, body } = await mesh.get('http://stuck/');
        return status === 503 && body.includes('connection timeout');
      }, 'the connection times out');
    } finally {
      for (const filler of fillers) filler.destroy();
      stuck.kill('SIGKILL');
    }
  });
});

/** Answers as they come. */
function start(count: number, url: string): Seen[] {
  const answers: Seen[] = [];
  for (let i = 0; i < count; i++) void mesh.get(url, {}, NEVER).then((answer) => answers.push(answer));
  return answers;
}

function pool(connectionPool: string): string {
  return `trafficPolicy: {connectionPool: ${connectionPool}}`;
}
