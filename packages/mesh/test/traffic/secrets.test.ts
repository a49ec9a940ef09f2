import { once } from 'node:events';
import { type ClientHttp2Session, connect } from 'node:http2';
import { text } from 'node:stream/consumers';
import type { TLSSocket } from 'node:tls';
import { hostPortOf } from '@lateen/api/workload-instance.ts';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { serviceText } from '#pilot/testing/pilot-of.ts';
import { instanceOf } from '../golden/aim-call.ts';
import { LOOPBACK } from '../golden/instances.ts';
import { deploymentText, startTrafficMesh, type TrafficMesh, until } from './traffic-mesh.ts';

const LISTENER_CHANGES = 'listener_manager.listener_modified';

let mesh: TrafficMesh;
let port: number;
const sessions: ClientHttp2Session[] = [];

beforeAll(async () => {
  mesh = await startTrafficMesh(
    deploymentText('shop') +
      serviceText('shop', '[{port: 80, name: http}]') +
      secretText('always', 'always', 'always') +
      gatewayText('front', 'always', 'credentialName: always') +
      gatewayText('other', 'late', 'credentialName: late') +
      `---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: front}
spec:
  hosts: ["*"]
  gateways: [front, other, files]
  http: [{route: [{destination: {host: shop}}]}]
`,
    { certificates: new Map(['always', 'first', 'second', 'third'].map((name) => [name, certificateOf(name)])) },
  );
  const { capture } = instanceOf(mesh.instances, 'gateway');
  if (capture.mode !== 'gateway') throw new Error('this is no gateway');
  port = hostPortOf(capture, 443) ?? 0;
});

afterAll(async () => {
  for (const session of sessions) session.destroy();
  await mesh.stop();
});

it('a Secret that comes late is used as soon as it is there; till then only its own server refuses connections', async () => {
  expect(await served('always.test')).toBe('always');
  await expect(connectTo('late.test')).rejects.toThrow();
  const changes = await mesh.statistic('gateway', LISTENER_CHANGES);

  mesh.apply(secretText('late', 'first', 'first'));
  await mesh.settled();
  expect(await served('late.test')).toBe('first');
  expect(await mesh.statistic('gateway', LISTENER_CHANGES)).toBe(changes);
});

it('a Secret that changes is used for new connections, and old ones live on', async () => {
  const changes = await mesh.statistic('gateway', LISTENER_CHANGES);
  const old = await connectTo('late.test');
  expect(certificateNameOf(old)).toBe('first');

  mesh.apply(secretText('late', 'second', 'second'));
  await mesh.settled();
  expect(await served('late.test')).toBe('second');
  expect(await statusOn(old, 'late.test')).toBe(200);
  expect(await mesh.statistic('gateway', LISTENER_CHANGES)).toBe(changes);
});

it('a Secret that Envoy refuses changes nothing, and is named', async () => {
  mesh.apply(secretText('late', 'second', 'third') + secretText('always', 'third', 'third'));
  await until(() => mesh.refused().length > 0, 'Envoy has refused the Secret');
  expect(mesh.refused()).toEqual(['secret kubernetes://late']);
  expect(await served('late.test')).toBe('second');
  // What came in the same message is not concerned.
  expect(await served('always.test')).toBe('third');

  mesh.apply(secretText('late', 'third', 'third'));
  await until(() => mesh.refused().length === 0, 'Envoy takes it');
  expect(await served('late.test')).toBe('third');
});

it('a Secret that goes is still used: Envoy keeps what it had', async () => {
  mesh.pilot.objects.delete('Secret/istio-system/late');
  await mesh.settled();
  expect(await served('late.test')).toBe('third');

  mesh.apply(secretText('late', 'first', 'first'));
  await mesh.settled();
  expect(await served('late.test')).toBe('first');
});

it('files that are not there keep nobody else from serving, and are named', async () => {
  const [certificate, key] = ['/does/not/exist.crt', '/does/not/exist.key'];
  mesh.apply(gatewayText('files', 'files', `serverCertificate: ${certificate}, privateKey: ${key}`));
  await until(() => mesh.refused().length > 0, 'Envoy has refused the files');
  expect(mesh.refused()).toEqual([`secret file-cert:${certificate}~${key}`]);
  expect(await served('always.test')).toBe('third');
  await expect(connectTo('files.test')).rejects.toThrow();
});

function certificateOf(name: string) {
  return { names: [`${name}.cert`], authority: 'test', algorithm: 'ecdsa' } as const;
}

function gatewayText(name: string, host: string, certificate: string): string {
  return `---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: ${name}}
spec:
  selector: {istio: ingressgateway}
  servers:
    - {port: {number: 443, name: https, protocol: HTTPS}, hosts: [${host}.test], tls: {mode: SIMPLE, ${certificate}}}
`;
}

function secretText(name: string, certificate: string, key: string): string {
  return `---
apiVersion: v1
kind: Secret
metadata: {name: ${name}, namespace: istio-system}
type: kubernetes.io/tls
stringData: {tls.crt: $CERTIFICATE(${certificate}), tls.key: $KEY(${key})}
`;
}

/** Makes a connection of its own and one request on it. Returns whose certificate the gateway showed. */
async function served(host: string): Promise<string> {
  const session = await connectTo(host);
  expect(await statusOn(session, host)).toBe(200);
  session.close();
  return certificateNameOf(session);
}

async function connectTo(host: string): Promise<ClientHttp2Session> {
  const session = connect(`https://${LOOPBACK}:${port}`, { servername: host, rejectUnauthorized: false });
  sessions.push(session);
  await once(session, 'connect');
  return session;
}

function certificateNameOf({ socket }: ClientHttp2Session): string {
  const { subjectaltname = '' } = (socket as TLSSocket).getPeerCertificate();
  return subjectaltname.replace(/^DNS:(.*)\.cert$/, '$1');
}

async function statusOn(session: ClientHttp2Session, host: string): Promise<number | undefined> {
  const stream = session.request({ ':authority': host, ':path': '/' });
  const [headers] = (await once(stream, 'response')) as [Record<string, unknown>];
  await text(stream);
  return headers[':status'] as number;
}
