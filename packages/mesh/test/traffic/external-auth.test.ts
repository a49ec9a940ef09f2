import { createServer, type IncomingHttpHeaders } from 'node:http';
import { createServer as createHttp2Server } from 'node:http2';
import { buffer, text } from 'node:stream/consumers';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { CheckRequestSchema, CheckResponseSchema } from '@lateen/envoy-api/envoy/service/auth/v3/external_auth_pb.js';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { serviceText } from '#pilot/testing/pilot-of.ts';
import { callHttp1 } from '../golden/client.ts';
import { LOOPBACK } from '../golden/instances.ts';
import { deploymentText, startTrafficMesh, type TrafficMesh } from './traffic-mesh.ts';

const NO_MESH_TLS =
  '---\n{apiVersion: security.istio.io/v1, kind: PeerAuthentication, metadata: {name: raw}, spec: {mtls: {mode: DISABLE}}}\n';

/** A question that an authorizer was asked. */
interface Question {
  readonly path: string;
  readonly headers: IncomingHttpHeaders | Readonly<Record<string, string>>;
  readonly body: string;
}

let mesh: TrafficMesh;
let questions: Question[] = [];
const servers: { close(done: () => void): unknown }[] = [];

const route = (name: string, filter: string) => `---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: ${name}}
spec:
  parentRefs: [{group: "", kind: Service, name: ${name}}]
  rules:
    - filters: [{type: ExternalAuth, externalAuth: {${filter}}}]
      backendRefs: [{name: ${name}, port: 80}]
`;

const HTTP = 'protocol: HTTP, backendRef: {name: authorizer, port: 80}';
const GRPC = 'protocol: GRPC, backendRef: {name: rpc-authorizer, port: 80}';

beforeAll(async () => {
  const routes = {
    plain: `${HTTP}, http: {path: /check, allowedHeaders: [X-Token]}`,
    narrow: `${HTTP}, http: {allowedHeaders: [x-token], allowedResponseHeaders: [x-role]}, forwardBody: {maxSize: 4}`,
    rpc: `${GRPC}, grpc: {}, forwardBody: {maxSize: 100}`,
    'rpc-narrow': `${GRPC}, grpc: {allowedHeaders: [x-token]}`,
    gone: 'protocol: HTTP, backendRef: {name: nowhere, port: 80}, http: {}',
    'not-rpc': 'protocol: GRPC, backendRef: {name: authorizer, port: 80}, grpc: {}',
  };
  mesh = await startTrafficMesh(
    NO_MESH_TLS +
      deploymentText('a') +
      Object.keys(routes)
        .map((name) => serviceText(name, '[{port: 80, name: http}]', { selector: '{app: a}' }))
        .join('') +
      serviceText('authorizer', '[{port: 80, name: http}]') +
      serviceText('rpc-authorizer', '[{port: 80, name: grpc}]') +
      Object.entries(routes)
        .map(([name, filter]) => route(name, filter))
        .join(''),
  );
  const [port, rpcPort] = [mesh.freePort(), mesh.freePort()];
  const http = createServer(async (request, response) => {
    questions.push({ path: request.url ?? '', headers: request.headers, body: await text(request) });
    const isAllowed = request.headers['x-token'] === 'good';
    response.writeHead(isAllowed ? 200 : 401, { 'x-user': 'ann', 'x-role': 'buyer' });
    response.end(isAllowed ? 'yes' : 'who are you?');
  });
  const rpc = createHttp2Server(async (request, response) => {
    const bytes = await buffer(request);
    const asked = fromBinary(CheckRequestSchema, bytes.subarray(5)).attributes?.request?.http;
    questions.push({ path: asked?.path ?? '', headers: asked?.headers ?? {}, body: asked?.body ?? '' });
    const isAllowed = asked?.headers['x-token'] === 'good';
    const answer = toBinary(
      CheckResponseSchema,
      create(CheckResponseSchema, {
        status: { code: isAllowed ? 0 : 7 },
        httpResponse: isAllowed
          ? { case: 'okResponse', value: { headers: [{ header: { key: 'x-user', value: 'ann' } }] } }
          : { case: 'deniedResponse', value: { status: { code: 401 }, body: 'who are you?' } },
      }),
    );
    const prefix = Buffer.alloc(5);
    prefix.writeUInt32BE(answer.length, 1);
    response.writeHead(200, { 'content-type': 'application/grpc' });
    response.addTrailers({ 'grpc-status': '0' });
    response.end(Buffer.concat([prefix, answer]));
  });
  for (const [server, at] of [[http, port] as const, [rpc, rpcPort] as const]) {
    await new Promise<void>((resolve) => server.listen({ port: at, host: LOOPBACK }, resolve));
    servers.push(server);
  }
  await mesh.addEndpoint('authorizer-0', 'authorizer', 80, port);
  await mesh.addEndpoint('rpc-authorizer-0', 'rpc-authorizer', 80, rpcPort);
});

afterEach(() => {
  questions = [];
});

afterAll(async () => {
  await mesh.stop();
  await Promise.all(servers.map((server) => new Promise<void>((resolve) => server.close(() => resolve()))));
});

const headersSeen = (body: string) => (JSON.parse(body) as { headers: Record<string, string> }).headers;

describe('an authorizer that is asked by HTTP', () => {
  it('lets a request go on, with headers of its answer', async () => {
    const seen = await mesh.get('http://plain/a?b=c', { 'x-token': 'good', authorization: 'me', 'x-other': 'secret' });
    expect(seen).toMatchObject({ status: 200, instance: 'a-0' });
    expect(headersSeen(seen.body)).toMatchObject({ 'x-user': 'ann', 'x-role': 'buyer', 'x-other': 'secret' });
    expect(questions).toMatchObject([{ path: '/check/a?b=c', headers: { 'x-token': 'good', authorization: 'me' } }]);
    expect(questions[0]?.headers['x-other']).toBeUndefined();
  });

  it('answers in the place of the application', async () => {
    const seen = await mesh.get('http://plain/', { 'x-token': 'bad' });
    expect(seen).toMatchObject({ status: 401, body: 'who are you?' });
  });

  it('gets a part of the body, and only some of its headers go on', async () => {
    const answer = await callHttp1({
      port: mesh.portOf('narrow.default.svc.cluster.local:80'),
      method: 'POST',
      target: '/',
      host: 'narrow',
      headers: { 'x-token': 'good', 'content-length': '10' },
      body: '0123456789',
    });
    if (answer.type === 'failure') throw new Error(answer.reason);
    const headers = headersSeen(answer.body);
    expect(headers).toMatchObject({ 'x-role': 'buyer' });
    expect(headers['x-user']).toBeUndefined();
    expect(questions).toMatchObject([{ body: '0123' }]);
  });
});

describe('an authorizer that is asked by gRPC', () => {
  it('sees all headers, and lets a request go on', async () => {
    const seen = await mesh.get('http://rpc/a', { 'x-token': 'good', 'x-other': 'seen' });
    expect(seen).toMatchObject({ status: 200, instance: 'a-0' });
    expect(headersSeen(seen.body)).toMatchObject({ 'x-user': 'ann' });
    expect(questions).toMatchObject([{ path: '/a', headers: { 'x-token': 'good', 'x-other': 'seen' } }]);
  });

  it('sees only headers that it may', async () => {
    await mesh.get('http://rpc-narrow/', { 'x-token': 'good', 'x-other': 'unseen' });
    expect(questions).toHaveLength(1);
    expect(questions[0]?.headers).toMatchObject({ 'x-token': 'good' });
    expect(questions[0]?.headers['x-other']).toBeUndefined();
  });

  it('answers in the place of the application', async () => {
    expect(await mesh.get('http://rpc/', {})).toMatchObject({ status: 401, body: 'who are you?' });
  });
});

describe('an authorizer that cannot be asked', () => {
  it.each(['gone', 'not-rpc'])('lets no request go on: %s', async (name) => {
    expect((await mesh.get(`http://${name}/`, { 'x-token': 'good' })).status).toBe(500);
    expect(questions).toEqual([]);
  });
});
