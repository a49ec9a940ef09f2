import { spiffeIdOf } from '@lateen/api/spiffe-id.ts';
import type { HeaderChange, JourneyOutcome, VerdictHeader, VerdictRequest } from '@lateen/api/verdict.ts';
import { instanceKey } from '@lateen/api/workload-instance.ts';
import { DEFAULT_SETTINGS } from '#pilot/model/settings.ts';
import type { Payload, Call as SimulatedCall } from '#pilot/simulator/call.ts';
import { applyChange } from '#pilot/simulator/http/header-operations.ts';
import { followCall } from '#pilot/simulator/journey/journey.ts';
import { type AimedCall, aimCall, instanceOf } from './aim-call.ts';
import type { Call } from './call-file.ts';
import type { Answer } from './client.ts';
import { ALPN, OF_MESH } from './client-tls.ts';
import type { EchoReport } from './echo-application.ts';
import { isGrpc } from './grpc.ts';
import { LOOPBACK, workloadLabel } from './instances.ts';
import type { Outcome } from './judge.ts';
import { outsideName } from './placeholders.ts';
import type { SimulatedMesh } from './simulated-mesh.ts';

/** What the simulator says of a call: each way that it can end, with its weight. */
export interface SimulatedOutcome extends Outcome {
  readonly weight: number;
  /** Names of headers that the application or the caller gets with values which nobody knows before. */
  readonly madeUp: { readonly headers: readonly string[]; readonly responseHeaders: readonly string[] };
  /** Consistent hashing chooses one of these, always the same. */
  readonly hashed: boolean;
}

/** What the simulator says, or why it cannot say anything. */
export function simulateCall(call: Call, mesh: SimulatedMesh, ms: number): SimulatedOutcome[] | string {
  if (call.protocol === 'http3') return 'QUIC is not simulated';
  if (call.tls?.versions !== undefined) return 'versions of TLS are not simulated';
  if (call.tls?.certificate !== undefined && !call.tls.certificate.startsWith(OF_MESH)) {
    return 'which authorities a server knows is not simulated';
  }
  const aimed = aimCall(call, mesh, '1');
  const instance = instanceOf(mesh.instances, call.from === 'outside' ? aimed.url.hostname : call.from);
  const view = mesh.at(ms);
  const proxy = view.proxy(instanceKey(instance));
  if (proxy === undefined) throw new Error(`the proxy of ${call.from} has no configuration`);
  const { outcomes, unknowns } = followCall(view, proxy, simulated(call, aimed));
  const isBegunByProxy = call.tls === undefined && outcomes.some(({ end }) => endsTls(end, mesh));
  if (isBegunByProxy) return 'what an application makes of TLS is not simulated';
  if (unknowns.length > 0) return `not known to the simulator: ${JSON.stringify(unknowns)}`;
  // Nothing is tried again of a datagram.
  return (call.protocol === 'udp' ? outcomes : withoutRetried(outcomes)).map((outcome) => ({
    weight: outcome.share,
    hashed: outcome.hashed,
    madeUp: {
      headers: outcome.request?.madeUpHeaders ?? [],
      responseHeaders: outcome.responseChanges.flatMap(({ action, name, value }) =>
        action !== 'remove' && value === null ? [name] : [],
      ),
    },
    attempts: outcome.end.type === 'application' || outcome.end.type === 'outside' ? 1 : 0,
    answer: answerOf(outcome, call, mesh),
  }));
}

function endsTls(end: JourneyOutcome['end'], { speaksTls }: SimulatedMesh): boolean {
  return end.type === 'application' && speaksTls.has(end.instance);
}

function simulated(call: Call, aimed: AimedCall): SimulatedCall {
  const payload = payloadOf(call, aimed);
  return {
    at: { host: LOOPBACK, port: aimed.port },
    source: { host: LOOPBACK, port: 0 },
    payload: call.certificate === undefined ? payload : meshTls(call.certificate, undefined, payload),
  };
}

/** What the client speaks with the server that it means, perhaps in TLS. */
function payloadOf(call: Call, aimed: AimedCall): Payload {
  if (call.protocol === 'tcp') return inTls(call, aimed, { type: 'tcp' });
  if (call.protocol === 'udp') return { type: 'tcp', datagram: true };
  if (call.protocol === 'tcp-server-first') return inTls(call, aimed, { type: 'tcp', serverFirst: true });
  const { protocol, method = call.method, more } = WRITTEN_AS[call.protocol === 'http3' ? 'http1' : call.protocol];
  const { url, path, form, authority } = aimed;
  const headers = [...aimed.headers, ...more].filter(([name]) => name !== 'host');
  const request: Payload = {
    type: 'http',
    protocol,
    request: {
      method,
      path,
      headers,
      // The URL says it all, whatever the Host header is.
      ...(form === 'url' ? { authority: url.host, scheme: url.protocol.slice(0, -1) } : { authority: aimed.host }),
    },
  };
  if (form !== 'tunnel') return inTls(call, aimed, request);
  const connect = { method: 'CONNECT', authority, path: '', headers: [] };
  return { type: 'http', protocol: 'http1', request: connect, inside: inTls(call, aimed, request) };
}

function inTls({ tls, protocol }: Call, { url }: AimedCall, inside: Payload): Payload {
  if (tls === undefined) return inside;
  const { serverName = url.hostname, certificate } = tls;
  if (certificate !== undefined) return meshTls(certificate.slice(OF_MESH.length), serverName, inside);
  return {
    type: 'tls',
    ...(serverName === '' ? {} : { serverName }),
    applicationProtocols: ALPN[protocol],
    inside,
  };
}

interface Written {
  readonly protocol: 'http1' | 'http2';
  readonly method?: string;
  readonly more: readonly VerdictHeader[];
}

/** What the clients of protocols over HTTP send. */
const WRITTEN_AS: Readonly<Record<Exclude<Call['protocol'], 'tcp' | 'tcp-server-first' | 'http3' | 'udp'>, Written>> = {
  http1: { protocol: 'http1', more: [] },
  http2: { protocol: 'http2', more: [] },
  grpc: {
    protocol: 'http2',
    method: 'POST',
    more: [
      ['content-type', 'application/grpc'],
      ['te', 'trailers'],
    ],
  },
  'grpc-web': {
    protocol: 'http1',
    method: 'POST',
    more: [
      ['content-type', 'application/grpc-web-text'],
      ['accept', 'application/grpc-web-text'],
      ['x-grpc-web', '1'],
    ],
  },
  websocket: {
    protocol: 'http1',
    more: [
      ['connection', 'Upgrade'],
      ['upgrade', 'websocket'],
    ],
  },
};

function meshTls(certificate: string, serverName: string | undefined, inside: Payload): Payload {
  const isForeign = certificate.startsWith('foreign:');
  const serviceAccount = certificate.replace(/^foreign:/, '');
  const { trustDomain } = DEFAULT_SETTINGS;
  return {
    type: 'tls',
    ...(serverName === undefined ? {} : { serverName }),
    applicationProtocols: ['istio'],
    certificate: {
      names: [spiffeIdOf({ trustDomain, namespace: 'default', serviceAccount })],
      trusted: !isForeign,
    },
    inside,
  };
}

/** Who gives answers that nothing is tried again after. */
const FINAL: ReadonlySet<string> = new Set(['fault', 'route']);

/**
 * An endpoint that cannot be connected to is not the end where another can: the request is tried again there. A cluster that
 * has none is the end.
 */
function withoutRetried(outcomes: readonly JourneyOutcome[]): readonly JourneyOutcome[] {
  const isReached = ({ end }: JourneyOutcome) => end.type === 'application' || end.type === 'outside';
  if (!outcomes.some(isReached)) return outcomes;
  return outcomes.filter(
    (outcome) =>
      isReached(outcome) ||
      outcome.clusters.length > outcome.endpoints.length ||
      (outcome.end.type === 'answer' && FINAL.has(outcome.end.by)),
  );
}

function answerOf(outcome: JourneyOutcome, call: Call, mesh: SimulatedMesh): Answer {
  const { end, request, responseHeaders, responseChanges } = outcome;
  switch (end.type) {
    case 'application': {
      const instance = mesh.instances.find((each) => instanceKey(each) === end.instance);
      if (instance === undefined) throw new Error(`there is no instance ${end.instance}`);
      const ports = [...instance.ports, ...(instance.datagramPorts ?? [])];
      const at = ports.find(({ appPort }) => appPort === end.port);
      const port = at === undefined ? {} : { port: at.containerPort };
      return echo(outcome, { workload: workloadLabel(instance), instance: instance.name, ...port }, request, call);
    }
    case 'outside': {
      const name = outsideName(mesh.outside, end.port);
      return echo(outcome, { workload: name, instance: name }, request, call);
    }
    case 'answer':
      return {
        type: 'response',
        status: end.status,
        headers: changed(responseHeaders, responseChanges),
        body: outcome.body ?? '',
      };
    case 'closed':
    case 'undecided':
      return { type: 'failure', reason: end.reason };
  }
}

const PROTOCOLS = { http1: 'HTTP/1.1', http2: 'HTTP/2.0', http3: 'HTTP/3.0', tcp: 'TCP' } as const;

/** What the echo application answers. */
function echo(
  { protocol, responseChanges }: JourneyOutcome,
  who: Pick<EchoReport, 'workload' | 'instance' | 'port'>,
  request: VerdictRequest | undefined,
  call: Call,
): Answer {
  const body = call.body ?? '';
  if (request === undefined) {
    const report: EchoReport = { ...who, protocol: call.protocol === 'udp' ? 'UDP' : 'TCP', body };
    return { type: 'response', headers: {}, body: JSON.stringify(report) };
  }
  const seen = requestSeen(request);
  const isUpgraded = seen.headers.upgrade !== undefined;
  const report: EchoReport = { ...who, ...seen, protocol: isUpgraded ? 'WebSocket' : PROTOCOLS[protocol], body };
  return {
    type: 'response',
    status: isUpgraded ? 101 : 200,
    headers: changed(ownHeaders(seen.headers['content-type']), responseChanges),
    body: JSON.stringify(report),
  };
}

function ownHeaders(contentType: string | undefined): VerdictHeader[] {
  if (!isGrpc(contentType)) {
    return [
      ['content-type', 'application/json'],
      ['server', 'echo'],
    ];
  }
  return [
    ['content-type', 'application/grpc'],
    ['grpc-status', '0'],
  ];
}

function requestSeen({ method, path, authority, headers }: VerdictRequest) {
  return { method, path, host: authority, headers: joined(headers) };
}

/** As Node.js gives headers that are there several times. */
function joined(headers: readonly VerdictHeader[]): Record<string, string> {
  const values: Record<string, string> = {};
  for (const [name, value] of headers) values[name] = values[name] === undefined ? value : `${values[name]}, ${value}`;
  return values;
}

function changed(headers: readonly VerdictHeader[], changes: readonly HeaderChange[]): Record<string, string> {
  const left = [...headers];
  for (const change of changes) applyChange(left, new Set(), change);
  return joined(left);
}
