import { setTimeout } from 'node:timers/promises';
import { aimCall } from './aim-call.ts';
import type { Call } from './call-file.ts';
import {
  type Answer,
  type ClientIdentity,
  type ClientRequestOptions,
  callHttp1,
  callHttp2,
  callTcp,
  callThroughTunnel,
} from './client.ts';
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
  const aimed = aimCall(call, mesh, number);
  const headers = {
    ...Object.fromEntries(aimed.headers),
    [CALL_ID_HEADER]: id,
    ...(call.upstream.length === 0 ? {} : { [UPSTREAM_HEADER]: JSON.stringify(call.upstream) }),
  };
  const request = {
    port: aimed.port,
    method: call.method,
    target: aimed.form === 'url' ? aimed.url.href : aimed.path,
    host: aimed.host,
    headers,
    ...(call.body === undefined ? {} : { body: call.body }),
  };
  if (aimed.form === 'tunnel') return callThroughTunnel(request, aimed.authority);
  if (call.certificate === undefined) return send(call, request);
  return callHttp1({ ...request, identity: await identityOf(call.certificate, authorities) });
}

function identityOf(certificate: string, { mesh, foreign }: Authorities): Promise<ClientIdentity> {
  const [authority, serviceAccount] = certificate.startsWith('foreign:')
    ? [foreign, certificate.slice('foreign:'.length)]
    : [mesh, certificate];
  return authority.issue({ namespace: 'default', serviceAccount });
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
