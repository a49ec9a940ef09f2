import { setTimeout } from 'node:timers/promises';
import { aimCall } from './aim-call.ts';
import type { Call, ClientTls } from './call-file.ts';
import {
  type Answer,
  type ClientIdentity,
  type ClientRequestOptions,
  callHttp1,
  callHttp2,
  callTcp,
  callThroughTunnel,
  type TlsOptions,
} from './client.ts';
import { ALPN, OF_MESH } from './client-tls.ts';
import { CALL_ID_HEADER, GREETING, UPSTREAM_HEADER } from './echo-application.ts';
import { callGrpc, callGrpcWeb } from './grpc.ts';
import type { Outcome } from './judge.ts';
import type { LiveMesh } from './live-mesh.ts';
import type { TestAuthority } from './test-authority.ts';
import { callUdp } from './udp.ts';
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
    ...(call.tls === undefined ? {} : { tls: await tlsOptions(call, call.tls, aimed.url, mesh, authorities) }),
  };
  if (aimed.form === 'tunnel') return callThroughTunnel(request, aimed.authority);
  if (call.protocol === 'http3') return callHttp1({ ...request, port: await mesh.http3Client(aimed.port) });
  if (call.certificate === undefined) return send(call, request);
  // As sidecars speak it.
  const identity = await identityOf(call.certificate, authorities);
  const tls: TlsOptions = { serverName: '', alpn: ['istio'], identity, versions: ['TLSv1.3', 'TLSv1.3'] };
  return callHttp1({ ...request, tls });
}

function identityOf(certificate: string, { mesh, foreign }: Authorities): Promise<ClientIdentity> {
  const [authority, serviceAccount] = certificate.startsWith('foreign:')
    ? [foreign, certificate.slice('foreign:'.length)]
    : [mesh, certificate];
  return authority.issue({ namespace: 'default', serviceAccount });
}

async function tlsOptions(
  call: Call,
  { serverName, certificate, versions }: ClientTls,
  url: URL,
  mesh: LiveMesh,
  authorities: Authorities,
): Promise<TlsOptions> {
  if (certificate?.startsWith(OF_MESH)) {
    const serviceAccount = certificate.slice(OF_MESH.length);
    const identity = await identityOf(serviceAccount, authorities);
    return { serverName: serverName ?? url.hostname, alpn: ['istio'], identity };
  }
  const own = certificate === undefined ? undefined : mesh.certificates.get(certificate);
  return {
    serverName: serverName ?? url.hostname,
    alpn: ALPN[call.protocol],
    ...(own === undefined ? {} : { identity: { chain: own.certificate, privateKey: own.privateKey } }),
    ...(versions === undefined ? {} : { versions }),
  };
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
    case 'http3':
      throw new Error('HTTP/3 is for gateways');
    case 'tcp':
      return callTcp(request.port, call.body ?? '', '', request.tls);
    case 'tcp-server-first':
      return callTcp(request.port, call.body ?? '', GREETING, request.tls);
    case 'udp':
      return callUdp(request.port, call.body ?? '');
  }
}
