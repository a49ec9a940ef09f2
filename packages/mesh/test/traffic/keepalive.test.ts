import { readFileSync } from 'node:fs';
import { createServer as createHttp2Server, type ServerHttp2Session } from 'node:http2';
import { connect, type Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { serviceText } from '#pilot/testing/pilot-of.ts';
import { LOOPBACK } from '../golden/instances.ts';
import { type RawServer, startRawTcp } from './raw-server.ts';
import { ruleText, startTrafficMesh, type TrafficMesh, until } from './traffic-mesh.ts';

const NO_MESH_TLS =
  '---\n{apiVersion: security.istio.io/v1, kind: PeerAuthentication, metadata: {name: raw}, spec: {mtls: {mode: DISABLE}}}\n';

let mesh: TrafficMesh;

beforeAll(async () => {
  const http2 = (name: string) => serviceText(name, '[{port: 80, name: http2}]', { selector: '{app: h2}' });
  const tcp = (name: string) => serviceText(name, '[{port: 80, name: tcp}]', { selector: '{app: raw}' });
  mesh = await startTrafficMesh(
    NO_MESH_TLS +
      ['pinged', 'quiet', 'narrow'].map(http2).join('') +
      ['kept', 'by-default'].map(tcp).join('') +
      ruleText('pinged', pool('http: {http2KeepAlive: {interval: 100ms, timeout: 300ms}}')) +
      ruleText('narrow', pool('http: {maxConcurrentStreams: 2}')) +
      ruleText('kept', pool('tcp: {tcpKeepalive: {time: 300s, interval: 20s, probes: 5}}')),
  );
});

afterAll(() => mesh.stop());

describe('an HTTP/2 connection', () => {
  /** Of each connection: pings that came, and most requests at a time. */
  interface Seen {
    pings: number;
    open: number;
    most: number;
    readonly session: ServerHttp2Session;
  }

  let seen: Seen[] = [];
  let answers = true;
  let unanswered = false;
  let close: () => Promise<void>;

  beforeAll(async () => {
    const server = createHttp2Server();
    server.on('session', (session) => {
      const each: Seen = { pings: 0, open: 0, most: 0, session };
      seen.push(each);
      session.on('error', () => {}).on('ping', () => each.pings++);
      session.on('stream', (stream) => {
        each.most = Math.max(each.most, ++each.open);
        stream.on('error', () => {}).on('close', () => each.open--);
        if (!answers) return;
        stream.respond({ ':status': 200 });
        stream.end('{}');
      });
    });
    const [port, http2Port] = [mesh.freePort(), mesh.freePort()];
    await new Promise<void>((resolve) => server.listen({ port: http2Port, host: LOOPBACK }, resolve));
    // Something in between that can keep answers back: a server in HTTP/2 answers pings by itself.
    const raw = await startRawTcp(port, (client) => {
      const inner = connect({ port: http2Port, host: LOOPBACK });
      inner.on('data', (bytes) => unanswered || client.write(bytes)).on('error', () => {});
      inner.on('close', () => client.destroy());
      client.on('data', (bytes) => inner.write(bytes)).on('close', () => inner.destroy());
    });
    close = async () => {
      await raw.close();
      server.close();
    };
    await mesh.addEndpoint('h2-0', 'h2', 80, port);
  });

  beforeEach(() => {
    for (const { session } of seen) session.destroy();
    seen = [];
    answers = true;
  });

  afterAll(() => close());

  it('is pinged while nothing goes over it', async () => {
    expect((await mesh.get('http://pinged/')).status).toBe(200);
    expect((await mesh.get('http://quiet/')).status).toBe(200);
    const [pinged, quiet] = seen;
    await until(() => (pinged?.pings ?? 0) >= 3, 'three pings');
    expect(quiet?.pings).toBe(0);
    expect([pinged, quiet].map((each) => each?.session.closed)).toEqual([false, false]);
  });

  it('ends when a ping is not answered', async () => {
    expect((await mesh.get('http://pinged/')).status).toBe(200);
    unanswered = true;
    await until(() => seen[0]?.session.closed === true, 'Envoy gives it up');
    unanswered = false;
    expect((await mesh.get('http://pinged/')).status).toBe(200);
    expect(seen).toHaveLength(2);
  });

  it('has no more requests at a time than it may', async () => {
    answers = false;
    const open = () => seen.reduce((sum, each) => sum + each.open, 0);
    for (let i = 0; i < 6; i++) void mesh.get('http://narrow/');
    await until(() => open() === 6, 'all six have come');
    expect(seen.map(({ most }) => most)).toEqual([2, 2, 2]);
    for (let i = 0; i < 6; i++) void mesh.get('http://quiet/');
    await until(() => open() === 12, 'all others have come');
    expect(seen.slice(3).map(({ most }) => most)).toEqual([6]);
  });
});

/**
 * Interval and number of probes show only where a machine is silent, and no process may ask for the options of another's
 * socket: the configuration is all that tests see of them (`testdata/traffic-policy/every-setting`).
 */
describe.runIf(process.platform === 'linux')('a TCP connection', () => {
  let raw: RawServer;
  let port: number;
  const clients: Socket[] = [];

  beforeAll(async () => {
    port = mesh.freePort();
    raw = await startRawTcp(port, (socket) => socket.resume());
    await mesh.addEndpoint('raw-0', 'raw', 80, port);
  });

  afterEach(async () => {
    for (const client of clients.splice(0)) client.destroy();
    await until(() => raw.sockets.size === 0, 'the connection is closed');
  });

  afterAll(() => raw.close());

  const open = async (service: string) => {
    const client = connect({ port: mesh.portOf(`${service}.default.svc.cluster.local:80`), host: LOOPBACK });
    clients.push(client.on('error', () => {}));
    await until(() => raw.sockets.size === 1, 'the connection is made');
  };

  it('is probed by the system when nothing went over it for the time', async () => {
    await open('kept');
    await until(() => timerOf(port)?.type === 'keepalive', 'the system has set the timer');
    const { expiresS = 0 } = timerOf(port) ?? {};
    expect(expiresS).toBeGreaterThan(290);
    expect(expiresS).toBeLessThanOrEqual(300);
  });

  it('is not probed where nothing says so', async () => {
    await open('by-default');
    await until(() => timerOf(port) !== undefined, 'the connection is in the list');
    expect(timerOf(port)).toEqual({ type: 'none', expiresS: 0 });
  });
});

/** What the system waits for on the one connection to a port, as its list of connections says (proc(5)). */
function timerOf(port: number): { readonly type: string; readonly expiresS: number } | undefined {
  const remote = `0100007F:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const ESTABLISHED = '01';
  for (const line of readFileSync('/proc/net/tcp', 'latin1').split('\n')) {
    const [, , to, state, , timer = ''] = line.trim().split(/\s+/);
    if (to !== remote || state !== ESTABLISHED) continue;
    const [type = '', ticks = ''] = timer.split(':');
    return { type: { '00': 'none', '02': 'keepalive' }[type] ?? type, expiresS: Number.parseInt(ticks, 16) / 100 };
  }
  return undefined;
}

function pool(connectionPool: string): string {
  return `trafficPolicy: {connectionPool: {${connectionPool}}}`;
}
