import type {
  ClientTlsVerdict,
  Destination,
  End,
  EndpointAddress,
  EndpointVerdict,
  FaultVerdict,
  ForwardVerdict,
  Handling,
  Hop,
  Journey,
  ProxyVerdict,
  RespondVerdict,
  RouteChoice,
  Step,
  TcpTarget,
  Unknown,
} from '@lateen/api/verdict.ts';
import type { ArrivalAddress, Call, Certificate, Payload, SocketAddress } from '../call.ts';
import { replyStatus } from '../http/grpc-reply.ts';
import { isPath } from '../http/handle-request.ts';
import { hasIdentity } from '../listener/server-tls.ts';
import type { PreparedProxy } from '../proxy.ts';
import { simulate } from '../simulate.ts';
import { distinct } from '../unknowns.ts';
import { outcomesOf } from './outcomes.ts';

/** A proxy in its mesh. */
export interface MeshProxy {
  /** `NAME.NAMESPACE` of the instance that it stands beside. */
  readonly name: string;
  /** The address that its own connections come from. */
  readonly address: string;
  readonly prepared: PreparedProxy;
  /** What it shows to clients and servers; absent: it has none. */
  readonly certificate?: Certificate;
}

/** What is at an address. */
export type Place =
  | {
      readonly type: 'proxy';
      readonly proxy: MeshProxy;
      readonly at: ArrivalAddress;
      readonly originalDestination?: SocketAddress;
    }
  | { readonly type: 'application'; readonly instance: string; readonly workload: string }
  | { readonly type: 'outside' }
  | { readonly type: 'nobody'; readonly reason: string };

/** The mesh around the proxies. */
export interface MeshView {
  /** What answers at an address that a proxy connects to. */
  readonly lookUp: (from: MeshProxy, address: Extract<EndpointAddress, { type: 'socket' }>) => Place;
  /** Who listens on a Unix socket; undefined: that is not known. */
  readonly lookUpPipe?: (path: string) => Place | undefined;
}

/** `Service Unavailable`. */
const UNAVAILABLE = 503;
/** `Bad Gateway`. */
const BAD_GATEWAY = 502;
/** More proxies one after the other are a circle. */
const MAX_HOPS = 10;

/** Follows a call from the proxy where it arrives, through all proxies, to every end that it can have. */
export function followCall(mesh: MeshView, proxy: MeshProxy, call: Call): Journey {
  const start = hop(mesh, proxy, call, 1);
  const unknowns: Unknown[] = [];
  collectUnknowns(start, unknowns);
  return { start, outcomes: outcomesOf(start, call.payload), unknowns: distinct(unknowns) };
}

function hop(mesh: MeshView, proxy: MeshProxy, call: Call, depth: number): Hop {
  const verdict = simulate(proxy.prepared, call);
  return { proxy: proxy.name, verdict, next: steps({ mesh, proxy, call, verdict, depth }, verdict.handling) };
}

interface Stand {
  readonly mesh: MeshView;
  readonly proxy: MeshProxy;
  readonly call: Call;
  readonly verdict: ProxyVerdict;
  readonly depth: number;
}

function steps(stand: Stand, handling: Handling): Step[] {
  switch (handling.type) {
    case 'closed':
    case 'undecided':
      return [{ share: 1, to: end({ type: handling.type, reason: handling.reason }) }];
    case 'tcp':
      return handling.tcp.targets.flatMap((target, index) => tcpSteps(stand, target, index));
    case 'http':
      return handling.http.choices.flatMap((choice, index) => choiceSteps(stand, choice, index));
  }
}

function choiceSteps(stand: Stand, { share, fault, action }: RouteChoice, choice: number): Step[] {
  switch (action.type) {
    case 'undecided':
      return [{ share, choice, to: end({ type: 'undecided', reason: action.reason }) }];
    case 'respond':
      return faulty(fault, { share, choice }, (left) => [respond(action, left, choice)]);
    case 'forward':
      return action.targets.flatMap((each, target) =>
        faulty(
          each.fault === undefined ? fault : (each.fault ?? undefined),
          { share: share * each.share, choice, target },
          (left) => httpSteps(stand, action, target, left, choice),
        ),
      );
  }
}

function end(value: End): Destination {
  return { type: 'end', end: value };
}

function respond({ by, status, reason }: RespondVerdict, share: number, choice: number): Step {
  return { share, choice, to: end({ type: 'answer', by, status, reason }) };
}

/** An injected fault takes its share; the rest goes on. */
function faulty(
  fault: FaultVerdict | undefined,
  step: Pick<Step, 'share' | 'choice' | 'target'>,
  rest: (left: number) => Step[],
): Step[] {
  if (fault?.abort === undefined) return rest(step.share);
  const { share: aborts, ...status } = fault.abort;
  const aborted: Step = {
    ...step,
    share: step.share * aborts,
    to: end({ type: 'answer', by: 'fault', ...status, reason: 'a fault is injected' }),
  };
  return aborts >= 1 ? [aborted] : [aborted, ...rest(step.share * (1 - aborts))];
}

function httpSteps(stand: Stand, action: ForwardVerdict, target: number, share: number, choice: number): Step[] {
  const chosen = action.targets[target];
  if (chosen === undefined) return [];
  const { cluster, request } = chosen;
  const answered = (reason: string): End => ({
    type: 'answer',
    by: 'proxy',
    reason,
    ...replyStatus(request.headers, UNAVAILABLE),
  });
  const answer = (reason: string): Step => ({
    share,
    choice,
    target,
    cluster: cluster.name,
    to: end(answered(reason)),
  });
  if (cluster.kind === 'missing') {
    // What the route says of it, and nothing that could be tried again.
    const status = replyStatus(request.headers, action.noClusterStatus ?? UNAVAILABLE);
    const reason = `the proxy has no cluster ${cluster.name}`;
    const to = end({ type: 'answer', by: 'route', reason, ...status });
    return [{ share, choice, target, cluster: cluster.name, to }];
  }
  if (cluster.endpoints.length === 0) return [answer(`the cluster ${cluster.name} has no endpoint that is ready`)];
  const { payload } = stand.call;
  const inside = innermost(payload);
  const protocol = cluster.protocol === 'tcp' ? 'http1' : cluster.protocol;
  const sent: Payload =
    action.endsTunnel === true
      ? (inside ?? { type: 'tcp' })
      : { type: 'http', protocol, request, ...(inside === undefined ? {} : { inside }) };
  const isViolation = protocol === 'http2' && sent.type === 'http' && !isPath(request);
  return cluster.endpoints.map((endpoint) => ({
    share: share * endpoint.share,
    choice,
    target,
    cluster: cluster.name,
    endpoint: endpoint.address,
    to:
      isViolation && placeOf(stand, endpoint.address)?.type === 'proxy'
        ? end(violation(request.headers))
        : // The tunnel is there before it turns out that nobody wants what comes through it.
          connect(stand, endpoint, sent, answered, action.endsTunnel === true ? closed : answered),
  }));
}

/** The next proxy ends the stream, where it would answer a request of HTTP/1.1 (RFC 9113, section 8.3.1). */
function violation(headers: Parameters<typeof replyStatus>[0]): End {
  const reason = 'HTTP/2 has no paths that do not begin with /';
  return { type: 'answer', by: 'proxy', reason, ...replyStatus(headers, BAD_GATEWAY) };
}

function closed(reason: string): End {
  return { type: 'closed', reason };
}

/** What is sent through the tunnel that the request asks for. */
function innermost(payload: Payload): Payload | undefined {
  if (payload.type === 'tls') return innermost(payload.inside);
  return payload.type === 'http' ? payload.inside : undefined;
}

function tcpSteps(stand: Stand, { share, cluster, tunnel }: TcpTarget, target: number): Step[] {
  const nowhere = (reason: string): Step => ({
    share,
    target,
    cluster: cluster.name,
    to: end(closed(reason)),
  });
  if (cluster.kind === 'missing') return [nowhere(`the proxy has no cluster ${cluster.name}`)];
  if (cluster.endpoints.length === 0) return [nowhere(`the cluster ${cluster.name} has no endpoint that is ready`)];
  const passedOn = withoutTls(stand);
  const sent: Payload =
    tunnel === undefined
      ? passedOn
      : {
          type: 'http',
          protocol: cluster.protocol === 'tcp' ? 'http1' : cluster.protocol,
          request: { ...tunnel, headers: [] },
          inside: passedOn,
        };
  return cluster.endpoints.map((endpoint) => ({
    share: share * endpoint.share,
    target,
    cluster: cluster.name,
    endpoint: endpoint.address,
    to: connect(stand, endpoint, sent, closed, closed),
  }));
}

/** The bytes as they leave the chain: without the TLS that ended there. */
function withoutTls({ verdict, call: { payload } }: Stand): Payload {
  return payload.type === 'tls' && verdict.chain?.tls != null ? payload.inside : payload;
}

/**
 * Where a connection to an endpoint leads. `failed` is how this proxy ends the call if there is no connection, and `ended` if
 * the other proxy ends it.
 */
function connect(
  stand: Stand,
  { address, tls }: EndpointVerdict,
  sent: Payload,
  failed: (reason: string) => End,
  ended: (reason: string) => End,
): Destination {
  if (stand.depth >= MAX_HOPS)
    return end({ type: 'undecided', reason: `the call goes through more than ${MAX_HOPS} proxies` });
  const place = placeOf(stand, address);
  if (place === undefined) return end({ type: 'undecided', reason: `who listens at ${hostOf(address)} is not known` });
  switch (place.type) {
    case 'nobody':
      return end(failed(place.reason));
    case 'application':
      if (tls !== null) return end({ type: 'undecided', reason: 'how the application ends TLS is not known' });
      return end({ ...place, port: address.type === 'socket' ? address.port : 0 });
    case 'outside':
      return end({ type: 'outside', host: hostOf(address), port: address.type === 'socket' ? address.port : 0 });
    case 'proxy':
      return arriveAt(stand, place, tls, sent, failed, ended);
  }
}

function placeOf({ mesh, proxy }: Stand, address: EndpointAddress): Place | undefined {
  switch (address.type) {
    case 'internal':
      return { type: 'proxy', proxy, at: { listener: address.listener } };
    case 'pipe':
      return mesh.lookUpPipe?.(address.path);
    case 'socket':
      return mesh.lookUp(proxy, address);
  }
}

function hostOf(address: EndpointAddress): string {
  return address.type === 'socket' ? address.host : address.type === 'pipe' ? address.path : '';
}

function arriveAt(
  { mesh, proxy, depth }: Stand,
  place: Extract<Place, { type: 'proxy' }>,
  tls: ClientTlsVerdict | null,
  sent: Payload,
  failed: (reason: string) => End,
  ended: (reason: string) => End,
): Destination {
  const { certificate } = proxy;
  const payload: Payload =
    tls === null
      ? sent
      : {
          type: 'tls',
          ...(tls.serverName === '' ? {} : { serverName: tls.serverName }),
          applicationProtocols: tls.applicationProtocols.length > 0 ? tls.applicationProtocols : offered(sent),
          ...(tls.clientCertificate && certificate !== undefined ? { certificate } : {}),
          inside: sent,
        };
  const next = hop(
    mesh,
    place.proxy,
    {
      at: place.at,
      source: { host: proxy.address, port: 0 },
      payload,
      ...(place.originalDestination === undefined ? {} : { originalDestination: place.originalDestination }),
    },
    depth + 1,
  );
  const { handling } = next.verdict;
  if (handling.type === 'closed') {
    const reason = `${place.proxy.name} ends the connection: ${handling.reason}`;
    return { type: 'end', end: tls === null ? ended(reason) : failed(reason), refusedBy: next };
  }
  const refused = refusal(next.verdict, tls, place.proxy);
  return refused === undefined ? { type: 'hop', hop: next } : { type: 'end', end: failed(refused), refusedBy: next };
}

/** What a connection pool offers where the configuration does not say. */
function offered(sent: Payload): readonly string[] {
  return sent.type === 'http' ? [sent.protocol === 'http1' ? 'http/1.1' : 'h2'] : [];
}

/** Why there is no connection to the next proxy, from the client's side. */
function refusal({ chain }: ProxyVerdict, tls: ClientTlsVerdict | null, server: MeshProxy): string | undefined {
  if (tls === null || chain?.tls == null || !tls.verified) return undefined;
  const { certificate } = server;
  if (certificate === undefined) return `${server.name} has no certificate`;
  if (!certificate.trusted) return `the certificate of ${server.name} is not signed by a root of the client`;
  if (!hasIdentity(certificate, tls.identities))
    return `${server.name} is ${certificate.names.join(', ')}, which is not who the client wants`;
  return undefined;
}

function collectUnknowns({ verdict, next }: Hop, unknowns: Unknown[]): void {
  unknowns.push(...verdict.unknowns);
  for (const { to } of next) {
    if (to.type === 'hop') collectUnknowns(to.hop, unknowns);
    else if (to.refusedBy !== undefined) collectUnknowns(to.refusedBy, unknowns);
  }
}
