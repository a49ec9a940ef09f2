import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { ExplainRequest, MeshStatus } from '@lateen/api/admin.ts';
import { LateenError, messageOf } from '@lateen/api/lateen-error.ts';
import { isIp } from '@lateen/api/names.ts';
import type { EndpointAddress, Journey, JourneyOutcome } from '@lateen/api/verdict.ts';
import { type CallUrl, parseCallUrl } from '#pilot/explain/call-url.ts';
import { endText } from './print-journey.ts';
import { requestCounts } from './request-counts.ts';

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
  /** Endpoints that the first proxy sent requests to in the meantime: those of other callers are among them. */
  readonly endpoints: readonly string[];
}

/** Sends the request through the proxy that it would go through, and compares what happens with what was said. */
export async function verify(request: ExplainRequest, journey: Journey, status: MeshStatus): Promise<Verification> {
  const proxy = entryOf(journey, status);
  const url = parseCallUrl(request.url);
  if (url.scheme !== 'http' && !(url.scheme === 'https' && proxy.isGateway)) {
    throw new LateenError(
      'LAT0562',
      'Only http requests, and https requests at gateways, can be verified.',
      'Leave out --verify, or use an http:// URL.',
    );
  }
  const before = await requestCounts(proxy.envoyAdmin);
  const answer = await send(request, url, proxy);
  const after = await requestCounts(proxy.envoyAdmin);
  const endpoints = [...after].filter(([each, count]) => count > (before.get(each) ?? 0)).map(([each]) => each);
  return compare(journey, { ...answer, endpoints });
}

function compare(journey: Journey, seen: Seen): Verification {
  const { failure, status, endpoints } = seen;
  const what = failure ?? `status ${status}`;
  const fitting = journey.outcomes.find((outcome) => fits(outcome, seen));
  if (fitting !== undefined) return { agrees: true, message: `sent, and ${what}: ${endText(fitting.end)}` };
  const way = endpoints.length === 0 ? 'to no endpoint' : `to ${endpoints.join(', ')}`;
  return { agrees: false, message: `sent, and ${what}, after requests ${way}, which is none of the ends above` };
}

/** What an application answers is its own affair: then only the way counts. */
function fits({ end, endpoints, responseHeaders, share }: JourneyOutcome, seen: Seen): boolean {
  if (share === 0) return false;
  switch (end.type) {
    case 'application':
    case 'outside':
      return seen.failure === undefined && endpoints[0] !== undefined && wentTo(endpoints[0], seen.endpoints);
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

/** Names are looked up by Envoy, so any address with the port may be theirs. */
function wentTo(address: EndpointAddress, reached: readonly string[]): boolean {
  if (address.type !== 'socket') return true;
  const { host, port } = address;
  return reached.some((each) => (isIp(host) ? each === `${host}:${port}` : each.endsWith(`:${port}`)));
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
  url: CallUrl,
  { address, isGateway }: Entry,
): Promise<Omit<Seen, 'endpoints'>> {
  const to = new URL(address);
  const names = [...new Set(headers.map(([name]) => name))].filter((name) => name !== 'host');
  const valuesOf = (wanted: string) => headers.filter(([name]) => name === wanted).map(([, value]) => value);
  const request = url.scheme === 'https' ? httpsRequest : httpRequest;
  return new Promise((resolve) => {
    const outgoing: ClientRequest = request({
      host: to.hostname,
      port: to.port,
      method,
      path: isGateway ? url.path : `http://${url.authority}${url.path}`,
      headers: {
        ...Object.fromEntries(names.map((name) => [name, valuesOf(name)])),
        host: isGateway ? (valuesOf('host')[0] ?? url.authority) : url.authority,
      },
      agent: false,
      signal: AbortSignal.timeout(TIMEOUT_MS),
      // Whose certificate it is does not matter here.
      ...(url.scheme === 'https' ? { rejectUnauthorized: false, servername: isIp(url.host) ? '' : url.host } : {}),
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
