// What the services share on the calling side: where a peer is, which headers go along, time limits.

// `node:http` and its global agent, not fetch(): requests in a row share one kept-alive connection, where fetch opens
// two. Under NODE_USE_ENV_PROXY both send absolute-form requests to the sidecar's proxy listener; an agent of our own
// would not.
import { type IncomingHttpHeaders, type OutgoingHttpHeaders, request } from 'node:http';
import { fatal } from './service.ts';

/** An answer from another service: its status and its JSON, if it has any. */
export interface Answer {
  readonly status: number;
  readonly body: unknown;
}

const maxAnswerBytes = 1024 * 1024;

// A proxy can only join its spans into one trace when the application copies these from each request to the calls that
// the request causes. The caller and its credentials travel too, so that routing and policy can look at them.
const passedOn = new Set([
  'x-request-id',
  'traceparent',
  'tracestate',
  'b3',
  'x-ot-span-context',
  'x-cloud-trace-context',
  'grpc-trace-bin',
  'sw8',
  'end-user',
  'user-agent',
  'authorization',
]);
const passedOnPrefixes = ['x-b3-', 'x-datadog-'];

export function propagatedHeaders(incoming: IncomingHttpHeaders): OutgoingHttpHeaders {
  const headers: OutgoingHttpHeaders = {};
  for (const [name, value] of Object.entries(incoming)) {
    if (passedOn.has(name) || passedOnPrefixes.some((prefix) => name.startsWith(prefix))) headers[name] = value;
  }
  return headers;
}

/** The base URL of a peer: from the environment, else its name and port in the mesh. */
export function upstreamUrl(envName: string, service: string): string {
  const text = process.env[envName];
  if (text === undefined || text === '') return `http://${service}:9080`;
  if (!URL.canParse(text) || new URL(text).protocol !== 'http:') {
    fatal(`${envName} is ${JSON.stringify(text)}, but it must be a URL such as http://${service}:9080.`);
  }
  return text.replace(/\/+$/, '');
}

/** GETs JSON. Any status is an answer (200 only with JSON). Throws when none comes within `timeoutMs`. */
export async function getJson(url: string, headers: OutgoingHttpHeaders, timeoutMs: number): Promise<Answer> {
  const deadline = Date.now() + timeoutMs;
  try {
    return await attempt(url, headers, timeoutMs);
  } catch (error) {
    // The peer closed a kept-alive connection just as we used it: it never saw the request, so send it again.
    if (!(error instanceof StaleConnection)) throw error;
    return await attempt(url, headers, Math.max(1, deadline - Date.now()));
  }
}

class StaleConnection extends Error {}

function attempt(url: string, headers: OutgoingHttpHeaders, timeoutMs: number): Promise<Answer> {
  return new Promise((resolve, reject) => {
    let answered = false;
    const call = request(url, { headers: { accept: 'application/json', ...headers } }, (res) => {
      answered = true;
      const chunks: Buffer[] = [];
      let size = 0;
      res.on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size > maxAnswerBytes) call.destroy(new Error(`the answer is larger than ${maxAnswerBytes} bytes`));
        else chunks.push(chunk);
      });
      res.on('error', fail);
      res.on('end', () => {
        clearTimeout(timer);
        const status = res.statusCode ?? 0;
        const body = parseJson(Buffer.concat(chunks).toString('utf8'));
        // A refusal by a proxy on the way is plain text; its status is what matters.
        if (body === undefined && status === 200) fail(new Error('the answer is not JSON'));
        else resolve({ status, body });
      });
    });
    const timer = setTimeout(() => call.destroy(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
    const fail = (error: NodeJS.ErrnoException) => {
      clearTimeout(timer);
      const stale = !answered && call.reusedSocket && (error.code === 'ECONNRESET' || error.code === 'EPIPE');
      reject(stale ? new StaleConnection(error.message) : error);
    };
    call.on('error', fail);
    call.end();
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
