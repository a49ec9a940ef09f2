import { Agent, createServer, type IncomingMessage, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { connect as connectPlain } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { DEFAULT_TRUST_DOMAIN } from '@lateen/api/spiffe-id.ts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { stopEnvoy } from '../envoy/run.ts';
import { requestCertificate } from './certificate-client.ts';
import { createTestAuthority, type TestAuthority, type TestWorkload } from './testing/certified-workload.ts';
import { startClientEnvoy, startServerEnvoy, type TestEnvoy } from './testing/mtls-envoy.ts';
import type { WorkloadCertificate } from './workload-certificate.ts';

const clientId = 'spiffe://cluster.local/ns/default/sa/productpage';
const serverId = 'spiffe://cluster.local/ns/default/sa/reviews';
const lifetimeMs = 3000;

let authority: TestAuthority;
let foreign: TestAuthority;
let app: Server;
let serverWorkload: TestWorkload;
let serverEnvoy: TestEnvoy;
let clientEnvoy: TestEnvoy;
let streaming: IncomingMessage | undefined;

/** Answers with the client's verified identity; `/stream` stays open until the test ends it. */
function startApp(): Promise<Server> {
  const server = createServer((incoming, response) => {
    if (incoming.url === '/stream') {
      response.write('begun');
      incoming.on('data', (chunk) => response.write(chunk));
      incoming.on('end', () => response.end());
      return;
    }
    response.end(String(incoming.headers['x-forwarded-client-cert']));
  });
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)));
}

beforeAll(async () => {
  [authority, foreign, app] = await Promise.all([createTestAuthority(), createTestAuthority(), startApp()]);
  serverWorkload = authority.workload('reviews', { lifetimeMs });
  const clientWorkload = authority.workload('productpage', { lifetimeMs });
  await Promise.all([serverWorkload.secrets.start(), clientWorkload.secrets.start()]);
  serverEnvoy = await startServerEnvoy(authority.dir, serverWorkload.sdsSocket, (app.address() as AddressInfo).port);
  const [serverPort = 0] = serverEnvoy.ports;
  const notTheServer = serverId.replace('reviews', 'ratings');
  clientEnvoy = await startClientEnvoy(authority.dir, clientWorkload.sdsSocket, serverPort, [serverId, notTheServer]);
}, 60_000);

afterAll(async () => {
  streaming?.destroy();
  await Promise.all([serverEnvoy, clientEnvoy].map((envoy) => envoy && stopEnvoy(envoy.process)));
  app.closeAllConnections();
  await new Promise((resolve) => app.close(resolve));
  await Promise.all([authority.close(), foreign.close()]);
});

function get(port: number | undefined, agent?: Agent): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const outgoing = request({ host: '127.0.0.1', port, path: '/', agent: agent ?? false }, (response) => {
      let body = '';
      response.on('data', (chunk) => {
        body += chunk;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
    });
    outgoing.on('error', reject);
    outgoing.end();
  });
}

/** What comes back for a request over TLS straight to the server's sidecar, or the error in its place. */
function callOverTls(certificate: WorkloadCertificate | null): Promise<string> {
  return new Promise((resolve) => {
    const socket = openTls(certificate);
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk;
    });
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    socket.on('close', () => resolve(text));
    socket.write('GET / HTTP/1.1\r\nhost: reviews\r\nconnection: close\r\n\r\n');
  });
}

function openTls(certificate: WorkloadCertificate | null): TLSSocket {
  return connectTls({
    host: '127.0.0.1',
    port: serverEnvoy.ports[0],
    // The peer is looked at by its SPIFFE ID, which has no host name.
    ca: authority.citadel().trustBundle(),
    checkServerIdentity: () => undefined,
    ...(certificate ? { cert: certificate.chain, key: certificate.privateKey } : {}),
  });
}

function certificateFrom(from: TestAuthority): Promise<WorkloadCertificate> {
  const identity = { trustDomain: DEFAULT_TRUST_DOMAIN, namespace: 'default', serviceAccount: 'productpage' };
  const { csrSocket, tokens } = from;
  return requestCertificate({ identity, csrSocket, token: () => tokens.issue(identity) }, new AbortController().signal);
}

test('each side sees the identity of the other', async () => {
  const { status, body } = await get(clientEnvoy.ports[0]);
  expect(status).toBe(200);
  expect(body.replace(/Hash=[0-9a-f]{64};/, '')).toBe(`By=${serverId};URI=${clientId}`);
});

test('a server that is somebody else is not called', async () => {
  expect((await get(clientEnvoy.ports[1])).status).toBe(503);
  const stats = await fetch(`${clientEnvoy.admin}/stats?filter=cluster.server-1.ssl.fail_verify_san`);
  expect(await stats.text()).toMatch(/fail_verify_san: [1-9]/);
});

test('a certificate of this root is accepted, one of another root, none, and plaintext are not', async () => {
  expect(await callOverTls(await certificateFrom(authority))).toMatch(/^HTTP\/1.1 200 OK.*sa\/productpage/s);
  expect(await callOverTls(await certificateFrom(foreign))).toBe('ERR_SSL_TLSV1_ALERT_UNKNOWN_CA');
  expect(await callOverTls(null)).toBe('ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED');

  const plain = await new Promise<string>((resolve) => {
    const socket = connectPlain(serverEnvoy.ports[0] ?? 0, '127.0.0.1');
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk;
    });
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(text));
    socket.write('GET / HTTP/1.1\r\nhost: reviews\r\n\r\n');
  });
  expect(plain).not.toContain('HTTP/');
});

test('certificates are renewed under traffic without a failed request or a lost connection', async () => {
  const stream = request({
    host: '127.0.0.1',
    port: clientEnvoy.ports[0],
    path: '/stream',
    method: 'POST',
    agent: false,
  });
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    stream.on('response', resolve);
    stream.on('error', reject);
    stream.write('a');
  });
  streaming = response;
  let streamed = '';
  response.on('data', (chunk) => {
    streamed += chunk;
  });

  const own = await certificateFrom(authority);
  const served = new Set<string>();
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const statuses = new Map<number, number>();
  const begun = performance.now();
  // Longer than a certificate lasts, so that none of the first can be in use at the end.
  while (served.size < 4 || performance.now() - begun < 1.5 * lifetimeMs) {
    const { status } = await get(clientEnvoy.ports[0], agent);
    statuses.set(status, (statuses.get(status) ?? 0) + 1);
    served.add(await servedSerial(own));
  }
  agent.destroy();
  expect([...statuses.keys()]).toEqual([200]);
  expect(statuses.get(200)).toBeGreaterThan(100);

  stream.end('z');
  await new Promise((resolve) => response.on('end', resolve));
  expect(streamed).toBe('begunaz');
  expect(serverWorkload.secrets.status().lastError).toBeNull();
}, 30_000);

/** The serial number of the certificate that the server's sidecar shows in a new handshake. */
function servedSerial(own: WorkloadCertificate): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = openTls(own);
    socket.on('error', reject);
    socket.on('secureConnect', () => {
      const { serialNumber } = socket.getPeerCertificate();
      socket.destroy();
      resolve(serialNumber);
    });
  });
}
