import { createServer as createHttpServer } from 'node:http';
import { connect, type Socket } from 'node:net';
import { connect as connectTls, createServer as createTlsServer } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { serviceText } from '#pilot/testing/pilot-of.ts';
import { LOOPBACK } from '../golden/instances.ts';
import { startRawTcp } from './raw-server.ts';
import { deploymentText, ruleText, startTrafficMesh, type TrafficMesh } from './traffic-mesh.ts';

const NO_MESH_TLS =
  '---\n{apiVersion: security.istio.io/v1, kind: PeerAuthentication, metadata: {name: raw}, spec: {mtls: {mode: DISABLE}}}\n';

/** PROXY protocol 2: signature, version 2 and command PROXY, TCP over IPv4, 12 bytes of addresses. */
const V2_HEADER = Buffer.from('0d0a0d0a000d0a515549540a2111000c', 'hex');

let mesh: TrafficMesh;

beforeAll(async () => {
  const tcp = (name: string, selector: string) => serviceText(name, '[{port: 80, name: tcp}]', { selector });
  mesh = await startTrafficMesh(
    NO_MESH_TLS +
      tcp('v1', '{app: raw}') +
      tcp('v2', '{app: raw}') +
      tcp('tunnel', '{app: proxy}') +
      tcp('post', '{app: poster}') +
      deploymentText('sidecar') +
      deploymentText('secure') +
      serviceText('secure', '[{port: 80}]') +
      '---\n{apiVersion: security.istio.io/v1, kind: PeerAuthentication, metadata: {name: secure}, spec: {selector: {matchLabels: {app: secure}}, mtls: {mode: PERMISSIVE}}}\n' +
      tcp('both', '{app: sidecar}') +
      ruleText('v1', 'trafficPolicy: {proxyProtocol: {}}') +
      ruleText('v2', 'trafficPolicy: {proxyProtocol: {version: V2}}') +
      ruleText('both', 'trafficPolicy: {proxyProtocol: {version: V1}, tls: {mode: DISABLE}}') +
      ruleText('tunnel', 'trafficPolicy: {tunnel: {targetHost: db.example.com, targetPort: 5432}}') +
      ruleText('post', 'trafficPolicy: {tunnel: {protocol: POST, targetHost: db.example.com, targetPort: 5432}}'),
    { down: ['secure-0'] },
  );
});

afterAll(() => mesh.stop());

describe('the PROXY header', () => {
  /** The first bytes that a server gets when the client says `hello`. */
  const firstBytes = async (service: string): Promise<{ bytes: Buffer; clientPort: number }> => {
    const socket = dial(service);
    try {
      const arrived = new Promise<Buffer>((resolve) => {
        let bytes = Buffer.alloc(0);
        onConnection = (server) =>
          server.on('data', (chunk: Buffer) => {
            bytes = Buffer.concat([bytes, chunk]);
            if (bytes.includes('hello')) resolve(bytes);
          });
      });
      socket.write('hello');
      const bytes = await arrived;
      return { bytes, clientPort: socket.localPort ?? 0 };
    } finally {
      socket.destroy();
    }
  };
  let onConnection: (socket: Socket) => void;
  let close: () => Promise<void>;

  beforeAll(async () => {
    const port = mesh.freePort();
    ({ close } = await startRawTcp(port, (socket) => onConnection(socket)));
    await mesh.addEndpoint('raw-0', 'raw', 80, port);
  });

  afterAll(() => close());

  it('in version 1 is a line that tells who calls', async () => {
    const { bytes, clientPort } = await firstBytes('v1');
    const listener = mesh.portOf('v1.default.svc.cluster.local:80');
    expect(String(bytes)).toBe(`PROXY TCP4 ${LOOPBACK} ${LOOPBACK} ${clientPort} ${listener}\r\nhello`);
  });

  it('in version 2 is binary', async () => {
    const { bytes, clientPort } = await firstBytes('v2');
    expect(bytes.subarray(0, V2_HEADER.length)).toEqual(V2_HEADER);
    expect(bytes.readUInt16BE(V2_HEADER.length + 8)).toBe(clientPort);
  });

  it('gets to an application by way of its sidecar, where the mesh does not speak TLS', async () => {
    const socket = dial('both');
    socket.write('hello\n');
    const answer = await new Promise<string>((resolve, reject) => {
      let text = '';
      socket.on('data', (chunk) => {
        text += String(chunk);
      });
      socket.once('end', () => resolve(text)).once('error', reject);
    });
    expect(JSON.parse(answer).body).toMatch(/^PROXY TCP4 127\.0\.0\.1 127\.0\.0\.1 \d+ \d+\r\nhello$/);
  });
});

describe('a tunnel', () => {
  it('leads through the proxy to the target', async () => {
    const port = mesh.freePort();
    const database = mesh.freePort();
    const asked: string[] = [];
    const { close: closeDatabase } = await startRawTcp(database, (socket) => socket.end('I am the database'));
    const proxy = createHttpServer();
    proxy.on('connect', (request, client: Socket) => {
      asked.push(`${request.method} ${request.url}`);
      const server = connect({ port: database, host: LOOPBACK }, () => {
        client.write('HTTP/1.1 200 OK\r\n\r\n');
        server.pipe(client).pipe(server);
      });
    });
    await new Promise<void>((resolve) => proxy.listen({ port, host: LOOPBACK }, resolve));
    try {
      await mesh.addEndpoint('proxy-0', 'proxy', 80, port);
      expect(await readAll(dial('tunnel'))).toBe('I am the database');
      expect(asked).toEqual(['CONNECT db.example.com:5432']);
    } finally {
      proxy.closeAllConnections();
      proxy.close();
      await closeDatabase();
    }
  });

  it('can be asked for with POST', async () => {
    const port = mesh.freePort();
    const asked: string[] = [];
    const poster = createHttpServer((request, response) => {
      asked.push(`${request.method} ${request.headers.host}`);
      response.end('I am behind the proxy');
    });
    await new Promise<void>((resolve) => poster.listen({ port, host: LOOPBACK }, resolve));
    try {
      await mesh.addEndpoint('poster-0', 'poster', 80, port);
      expect(await readAll(dial('post'))).toBe('I am behind the proxy');
      expect(asked).toEqual(['POST db.example.com:5432']);
    } finally {
      poster.closeAllConnections();
      poster.close();
    }
  });
});

describe('an application that speaks TLS itself', () => {
  it('is called by way of its sidecar, whatever protocol is offered within', async () => {
    const { chain, privateKey } = await mesh.certificate();
    const { ports = [] } = mesh.instances.find(({ workload }) => workload === 'secure') ?? {};
    const server = createTlsServer({ cert: chain, key: privateKey, ALPNProtocols: ['http/1.1'] }, (socket) =>
      socket.end(`we speak ${socket.alpnProtocol}`),
    );
    await new Promise<void>((resolve) => server.listen({ port: ports[0]?.appPort, host: LOOPBACK }, resolve));
    try {
      const tls = { port: ports[0]?.inboundPort ?? 0, host: LOOPBACK, rejectUnauthorized: false };
      expect(await readAll(connectTls({ ...tls, ALPNProtocols: ['http/1.1'] }))).toBe('we speak http/1.1');
      expect(await readAll(connectTls(tls))).toBe('we speak false');
    } finally {
      server.close();
    }
  });
});

function dial(service: string): Socket {
  return connect({ port: mesh.portOf(`${service}.default.svc.cluster.local:80`), host: LOOPBACK });
}

function readAll(socket: Socket): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    socket.on('data', (chunk) => {
      text += String(chunk);
    });
    socket.once('end', () => {
      socket.destroy();
      resolve(text);
    });
    socket.once('error', reject);
  });
}
