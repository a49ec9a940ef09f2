import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http';
import type { ExplainRequest, MeshStatus } from '@lateen/api/admin.ts';
import { LateenError, messageOf } from '@lateen/api/lateen-error.ts';
import type { Journey, JourneyOutcome } from '@lateen/api/verdict.ts';
import { endText } from './print-journey.ts';

export interface Verification {
  readonly agrees: boolean;
  readonly message: string;
}

const TIMEOUT_MS = 30_000;
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;

interface Seen {
  readonly status?: number;
  readonly location?: string;
  readonly failure?: string;
  /** Clusters of the first proxy that a request more went to. */
  readonly clusters: ReadonlySet<string>;
}

/** Sends the request through the proxy that it would go through, and compares what happens with what was said. */
export async function verify(request: ExplainRequest, journey: Journey, status: MeshStatus): Promise<Verification> {
  const proxy = entryOf(journey, status);
  const url = new URL(request.url);
  if (url.protocol !== 'http:') {
    throw new LateenError(
      'LAT0562',
      'Only http requests can be verified.',
      'Leave out --verify, or use an http:// URL.',
    );
  }
  const clusters = [...new Set(journey.outcomes.map(({ clusters: passed }) => passed[0]))].filter(
    (name) => name !== undefined,
  );
  const before = await requestsOf(proxy.envoyAdmin, clusters);
  const answer = await send(request, url, proxy);
  const after = await requestsOf(proxy.envoyAdmin, clusters);
  const used = new Set(clusters.filter((name) => (after.get(name) ?? 0) > (before.get(name) ?? 0)));
  return compare(journey, { ...answer, clusters: used });
}

function compare(journey: Journey, seen: Seen): Verification {
  const what = seen.failure ?? `status ${seen.status}`;
  const fitting = journey.outcomes.find((outcome) => fits(outcome, seen));
  if (fitting !== undefined) return { agrees: true, message: `sent, and ${what}: ${endText(fitting.end)}` };
  return { agrees: false, message: `sent, and ${what}, which is none of the ends above` };
}

/** What an application answers is its own affair: then only the way counts. */
function fits({ end, clusters, responseHeaders, share }: JourneyOutcome, seen: Seen): boolean {
  if (share === 0) return false;
  switch (end.type) {
    case 'application':
    case 'outside':
      return seen.failure === undefined && clusters[0] !== undefined && seen.clusters.has(clusters[0]);
    case 'answer': {
      const location = responseHeaders.find(([name]) => name === 'location')?.[1];
      return seen.status === end.status && (location === undefined || seen.location === location);
    }
    case 'closed':
      return seen.failure !== undefined;
    case 'undecided':
      return true;
  }
}

interface Entry {
  readonly envoyAdmin: string;
  /** Where the request is sent to. */
  readonly address: string;
  readonly isGateway: boolean;
}

function entryOf(journey: Journey, status: MeshStatus): Entry {
  const key = journey.start.proxy;
  const is = (each: { readonly name: string; readonly namespace: string }) => `${each.name}.${each.namespace}` === key;
  const workload = status.workloads.find(is);
  if (workload !== undefined) {
    return { envoyAdmin: workload.envoyAdmin, address: workload.outboundProxy, isGateway: false };
  }
  const gateway = status.gateways.find(is);
  if (gateway === undefined) throw new LateenError('LAT0562', `${key} does not run.`, 'lateen status shows what does.');
  return { envoyAdmin: gateway.envoyAdmin, address: `http://${journey.start.verdict.at}`, isGateway: true };
}

function send(
  { method, headers }: ExplainRequest,
  url: URL,
  { address, isGateway }: Entry,
): Promise<Omit<Seen, 'clusters'>> {
  const to = new URL(address);
  const named = Object.fromEntries(headers);
  return new Promise((resolve) => {
    const outgoing: ClientRequest = httpRequest({
      host: to.hostname,
      port: to.port,
      method,
      path: isGateway ? `${url.pathname}${url.search}` : url.href,
      headers: { ...named, host: isGateway ? (named.host ?? url.host) : url.host },
      agent: false,
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    outgoing.once('response', (response: IncomingMessage) => {
      let bytes = 0;
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > MAX_ANSWER_BYTES) response.destroy();
      });
      const { statusCode: status = 0, headers: answered } = response;
      const seen = { status, ...(answered.location === undefined ? {} : { location: answered.location }) };
      response.once('close', () => resolve(seen));
    });
    outgoing.once('error', (error) => resolve({ failure: messageOf(error) }));
    outgoing.end();
  });
}

/** Envoy's count of requests that it sent to clusters, by name. */
async function requestsOf(envoyAdmin: string, clusters: readonly string[]): Promise<ReadonlyMap<string, number>> {
  if (clusters.length === 0) return new Map();
  const response = await fetch(`${envoyAdmin}/stats?filter=upstream_rq_total$&format=json`);
  const { stats } = (await response.json()) as { stats: readonly { name?: string; value?: number }[] };
  const counts = new Map(stats.map(({ name = '', value = 0 }) => [name, value]));
  return new Map(clusters.map((name) => [name, counts.get(`cluster.${name}.upstream_rq_total`) ?? 0]));
}
