import { setTimeout } from 'node:timers/promises';
import type { Call } from './call-file.ts';
import { type Answer, type ClientRequestOptions, callHttp1, callHttp2, callTcp, callThroughTunnel } from './client.ts';
import { CALL_ID_HEADER, GREETING, UPSTREAM_HEADER } from './echo-application.ts';
import { callGrpc, callGrpcWeb } from './grpc.ts';
import type { Outcome } from './judge.ts';
import type { LiveMesh } from './live-mesh.ts';
import type { TestAuthority } from './test-authority.ts';
import { callWebSocket } from './websocket.ts';

/** Enough at once to be quick, few enough that two processors keep up. */
const CONCURRENCY = 8;
const COPIES_TIMEOUT_MS = 5_000;
const COPIES_INTERVAL_MS = 20;

export interface Authorities {
  readonly mesh: TestAuthority;
  readonly foreign: TestAuthority;
}

let calls = 0;

/** Makes a call through the real Envoys, as often as it says. */
export async function makeCall(call: Call, mesh: LiveMesh, authorities: Authorities): Promise<Outcome[]> {
  const made: { id: string; answer: Answer; durationMs: number }[] = [];
  const { mirrored, countedAs } = call.expect;
  const countBefore = countedAs === undefined ? 0 : await mesh.requestsCounted(call.from, countedAs);
  let next = 0;
  const work = async () => {
    while (next < call.count) {
      const number = String(next++);
      const id = `call-${++calls}`;
      const start = performance.now();
      const answer = await makeOnce(call, id, number, mesh, authorities);
      made.push({ id, answer, durationMs: performance.now() - start });
    }
  };
  await Promise.all(Array.from({ length: Math.min(call.count, CONCURRENCY) }, work));
  const counted =
    countedAs === undefined || (await mesh.requestsCounted(call.from, countedAs)) === countBefore + call.count;
  if (mirrored !== undefined) await copiesArrive(mirrored, made, mesh);
  return made.map(({ id, ...rest }) => {
    const seen = mesh.attempts.get(id);
    return { ...rest, attempts: seen?.count ?? 0, mirrored: seen?.mirrored ?? new Set(), counted };
  });
}

/** Copies may come after the answer; those that never come are missed when this gives up. */
async function copiesArrive(
  mirrored: NonNullable<Call['expect']['mirrored']>,
  made: readonly { readonly id: string }[],
  { attempts }: LiveMesh,
): Promise<void> {
  const deadline = performance.now() + COPIES_TIMEOUT_MS;
  const isThere = ([workload, [least]]: readonly [string, readonly [number, number]]) =>
    made.filter(({ id }) => attempts.get(id)?.mirrored.has(workload)).length >= least * made.length;
  while (![...mirrored].every(isThere) && performance.now() < deadline) await setTimeout(COPIES_INTERVAL_MS);
}

async function makeOnce(
  call: Call,
  id: string,
  number: string,
  mesh: LiveMesh,
  authorities: Authorities,
): Promise<Answer> {
  const filledIn = (text: string) =>
    text.replace('OUTSIDE_PORT', String(mesh.outsidePort)).replace('CALL_NUMBER', number);
  const url = new URL(filledIn(call.url));
  const headers = {
    ...Object.fromEntries([...call.headers].map(([name, value]) => [name, filledIn(value)])),
    [CALL_ID_HEADER]: id,
    ...(call.upstream.length === 0 ? {} : { [UPSTREAM_HEADER]: JSON.stringify(call.upstream) }),
  };
  const request = {
    method: call.method,
    target: `${url.pathname}${url.search}`,
    host: call.headers.get('host') ?? url.host,
    headers,
    ...(call.body === undefined ? {} : { body: call.body }),
  };
  if (call.from === 'outside') return callInbound(call, url, request, mesh, authorities);
  const { capture, namespace } = mesh.instanceOf(call.from);
  if (capture.mode === 'gateway') {
    const port = capture.hostPorts[portOf(url)];
    if (port === undefined) throw new Error(`no Gateway opens port ${portOf(url)} on ${call.from}`);
    return send(call, { ...request, port });
  }
  if (capture.mode !== 'explicit') throw new Error(`${call.from} is not told where its proxy listens`);
  if (call.via === 'connect') {
    return callThroughTunnel({ ...request, port: capture.httpProxyPort }, `${url.hostname}:${portOf(url)}`);
  }
  if (call.via === 'http-proxy') {
    // HTTP/2 has no form for proxies: the authority says it all.
    const target = call.protocol === 'http2' || call.protocol === 'grpc' ? request.target : url.href;
    return send(call, { ...request, target, port: capture.httpProxyPort });
  }
  const key = `${fullName(url.hostname, namespace)}:${portOf(url)}`;
  const port = capture.servicePorts[key];
  if (port === undefined) throw new Error(`${call.from} has no listener for ${key}`);
  return send(call, { ...request, port });
}

async function callInbound(
  call: Call,
  url: URL,
  request: Omit<ClientRequestOptions, 'port'>,
  mesh: LiveMesh,
  { mesh: own, foreign }: Authorities,
): Promise<Answer> {
  const inbound = mesh.instanceOf(url.hostname).ports.find(({ containerPort }) => containerPort === portOf(url));
  if (inbound === undefined) throw new Error(`${url.hostname} has no container port ${portOf(url)}`);
  if (call.certificate === undefined) return send(call, { ...request, port: inbound.inboundPort });
  const [authority, serviceAccount] = call.certificate.startsWith('foreign:')
    ? [foreign, call.certificate.slice('foreign:'.length)]
    : [own, call.certificate];
  const identity = await authority.issue({ namespace: 'default', serviceAccount });
  return callHttp1({ ...request, port: inbound.inboundPort, identity });
}

function send(call: Call, request: ClientRequestOptions): Promise<Answer> {
  switch (call.protocol) {
    case 'http1':
      return callHttp1(request);
    case 'http2':
      return callHttp2(request);
    case 'grpc':
      return callGrpc(request);
    case 'grpc-web':
      return callGrpcWeb(request);
    case 'websocket':
      return callWebSocket(request);
    case 'tcp':
      return callTcp(request.port, call.body ?? '');
    case 'tcp-server-first':
      return callTcp(request.port, call.body ?? '', GREETING);
  }
}

function portOf(url: URL): number {
  return url.port === '' ? 80 : Number(url.port);
}

function fullName(host: string, namespace: string): string {
  if (host.endsWith('.svc.cluster.local')) return host;
  return host.includes('.') ? `${host}.svc.cluster.local` : `${host}.${namespace}.svc.cluster.local`;
}
