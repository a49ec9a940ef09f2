import type {
  End,
  EndpointAddress,
  HeaderChange,
  Hop,
  HttpTarget,
  JourneyOutcome,
  RouteChoice,
  Step,
  TcpTarget,
  VerdictHeader,
} from '@lateen/api/verdict.ts';
import type { Payload } from '../call.ts';

type Outcome = JourneyOutcome;
type Delay = Outcome['delays'][number];

/** What is known of a call on its way to an end. */
interface Passed {
  readonly share: number;
  readonly proxies: readonly string[];
  readonly clusters: readonly string[];
  readonly endpoints: readonly EndpointAddress[];
  /** From the last proxy to the first: the order in which an answer passes them. */
  readonly changes: readonly HeaderChange[];
  readonly delays: readonly Delay[];
  readonly hashed: boolean;
  readonly protocol: Outcome['protocol'];
  readonly request: Outcome['request'];
  /** What was sent, without TLS around it. */
  readonly payload: Payload;
}

/** Every end of a journey, the most frequent first. */
export function outcomesOf(start: Hop, payload: Payload): Outcome[] {
  const outcomes: Outcome[] = [];
  const nothing = { share: 1, proxies: [], clusters: [], endpoints: [], changes: [], delays: [], hashed: false };
  collect(start, { ...nothing, ...carried(payload) }, outcomes);
  return outcomes.sort((a, b) => b.share - a.share);
}

/** What is sent, as the application at the end would understand it. */
function carried(payload: Payload): Pick<Passed, 'protocol' | 'request' | 'payload'> {
  switch (payload.type) {
    case 'tls':
      return carried(payload.inside);
    case 'http': {
      const { request, protocol } = payload;
      return { protocol, request: { scheme: 'http', ...request, madeUpHeaders: [] }, payload };
    }
    case 'tcp':
      return { protocol: 'tcp', request: undefined, payload };
  }
}

function collect({ proxy, verdict, next }: Hop, before: Passed, outcomes: Outcome[]): void {
  const { handling } = verdict;
  const here: Passed = {
    ...before,
    proxies: [...before.proxies, proxy],
    ...(handling.type === 'http' ? { request: handling.http.request, protocol: handling.http.protocol } : {}),
  };
  for (const step of next) {
    const choice = handling.type === 'http' ? handling.http.choices[step.choice ?? 0] : undefined;
    const passed = handling.type === 'tcp' ? passTcp(here, step, handling.tcp.targets) : passHttp(here, step, choice);
    if (step.to.type === 'hop') collect(step.to.hop, passed, outcomes);
    else outcomes.push(outcome(passed, step.to.end, choice));
  }
}

function passTcp(here: Passed, step: Step, targets: readonly TcpTarget[]): Passed {
  const target = targets[step.target ?? 0];
  const common = { ...here, ...along(here, step, target) };
  if (target?.tunnel === undefined) return common;
  const protocol = target.cluster.protocol === 'tcp' ? 'http1' : target.cluster.protocol;
  const request = { ...target.tunnel, headers: [] };
  return { ...common, ...carried({ type: 'http', protocol, request, inside: here.payload }) };
}

function along({ share, clusters, endpoints, hashed }: Passed, step: Step, target: HttpTarget | TcpTarget | undefined) {
  return {
    share: share * step.share,
    clusters: step.cluster === undefined ? clusters : [...clusters, step.cluster],
    endpoints: step.endpoint === undefined ? endpoints : [...endpoints, step.endpoint],
    hashed: hashed || (target !== undefined && isHashed(target)),
  };
}

/** Where nothing that is hashed is there, endpoints are chosen by chance. */
function isHashed({ cluster, hash }: HttpTarget | TcpTarget): boolean {
  return (
    HASHING.has(cluster.loadBalancer) && hash.some((each) => each.type === 'source' || ('value' in each && each.value))
  );
}

const HASHING = new Set(['ring-hash', 'maglev']);

function passHttp(here: Passed, step: Step, choice: RouteChoice | undefined): Passed {
  const action = choice?.action;
  const target = action?.type === 'forward' ? action.targets[step.target ?? 0] : undefined;
  const fault = target?.fault === undefined ? choice?.fault : (target.fault ?? undefined);
  const common = {
    ...here,
    ...along(here, step, target),
    delays: fault?.delay === undefined ? here.delays : [...here.delays, fault.delay],
  };
  // Answers of the proxy's own are changed as those of others are.
  const aborted = step.to.type === 'end' && step.to.end.type === 'answer' && step.to.end.by === 'fault';
  const ofTarget = aborted ? (target?.abortHeaders ?? target?.responseHeaders) : target?.responseHeaders;
  const changes = ofTarget ?? (action?.type === 'respond' ? action.responseHeaders : []);
  if (action?.type !== 'forward' || target === undefined || step.endpoint === undefined) {
    return { ...common, changes: [...changes, ...here.changes] };
  }
  if (action.endsTunnel === true) {
    // What is inside has headers of its own.
    return { ...common, changes: [], ...carried(insideOf(here.payload)) };
  }
  return {
    ...common,
    protocol: target.cluster.protocol,
    request: target.request,
    changes: [...changes, ...here.changes],
  };
}

function insideOf(payload: Payload): Payload {
  return (payload.type === 'http' ? payload.inside : undefined) ?? { type: 'tcp' };
}

function outcome(passed: Passed, end: End, choice: RouteChoice | undefined): Outcome {
  const answered = end.type === 'answer';
  const action = choice?.action;
  const own = answered && action?.type === 'respond' && end.by !== 'fault' ? action : undefined;
  const { share, proxies, clusters, endpoints, hashed, delays, protocol, request } = passed;
  return {
    share,
    end,
    proxies,
    clusters,
    endpoints,
    responseHeaders: own?.headers ?? grpcHeaders(end),
    ...(own?.body === undefined ? {} : { body: own.body }),
    responseChanges: passed.changes,
    protocol,
    ...(request === undefined ? {} : { request }),
    hashed,
    delays,
  };
}

function grpcHeaders(end: End): readonly VerdictHeader[] {
  const status = end.type === 'answer' ? end.grpcStatus : undefined;
  return status === undefined ? [] : [['grpc-status', String(status)]];
}
