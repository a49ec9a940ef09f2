import { Agent, request } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import type {
  AnalysisResponse,
  ApplyRequest,
  ApplyResponse,
  DeleteRequest,
  ErrorResponse,
  ExplainRequest,
  MeshStatus,
  ObjectsQuery,
  ObjectsResponse,
  ProxyConfigResponse,
  WaitRequest,
  WaitResponse,
} from '@lateen/api/admin.ts';
import { DiagnosticError } from '@lateen/api/diagnostic.ts';
import { errorCodeOf, LateenError } from '@lateen/api/lateen-error.ts';
import type { ProxyScope } from '@lateen/api/proxy-scope.ts';
import type { Journey } from '@lateen/api/verdict.ts';

export interface AdminAddress {
  /** For messages. */
  readonly mesh: string;
  /** `http://localhost:19000`, or `unix:/path` */
  readonly admin: string;
  /** Empty where nothing can be changed. */
  readonly token: string;
}

export interface AdminClient {
  status(): Promise<MeshStatus>;
  objects(query: ObjectsQuery): Promise<ObjectsResponse>;
  analysis(): Promise<AnalysisResponse>;
  explain(request: ExplainRequest): Promise<Journey>;
  /** @param name `NAME.NAMESPACE`. Throws LAT0544 while that proxy is not connected. */
  proxyConfig(name: string): Promise<ProxyConfigResponse>;
  /** The same. */
  proxyScope(name: string): Promise<ProxyScope>;
  apply(request: ApplyRequest): Promise<ApplyResponse>;
  remove(request: DeleteRequest): Promise<ApplyResponse>;
  /** Answered when it is so, or when the request's own time is over. */
  wait(request: WaitRequest): Promise<WaitResponse>;
}

export interface ClientOptions {
  /**
   * How long to try again while nobody answers: the control plane of a running mesh comes back within moments. Changes
   * are tried again only if no connection was made, so that nothing is done twice. Default 5 s.
   */
  readonly patienceMs?: number;
  /** For one answer. Default 30 s. */
  readonly timeoutMs?: number;
}

/** An answer is a list of the user's own objects at most; this only bounds a program that is not ours. */
const maxAnswerBytes = 256 * 1024 * 1024;
const retryEveryMs = 50;
/** Until the answer that the time is over has come. */
const WAIT_GRACE_MS = 10_000;

/** Calls throw `DiagnosticError` for configuration that was refused, and `LateenError` otherwise. */
export function adminClient(address: AdminAddress, options: ClientOptions = {}): AdminClient {
  const call = <T>(method: 'GET' | 'POST', path: string, body?: unknown, timeoutMs = options.timeoutMs) =>
    send<T>(
      address,
      { ...options, ...(timeoutMs === undefined ? {} : { timeoutMs }) },
      method,
      path,
      body === undefined ? undefined : JSON.stringify(body),
    );
  return {
    status: () => call('GET', '/api/v1/status'),
    objects: (query) => call('GET', `/api/v1/objects?${new URLSearchParams({ ...query })}`),
    analysis: () => call('GET', '/api/v1/analysis'),
    explain: (request) => call('POST', '/api/v1/explain', request),
    proxyConfig: (name) => call('GET', `/api/v1/proxies/${encodeURIComponent(name)}/config`),
    proxyScope: (name) => call('GET', `/api/v1/proxies/${encodeURIComponent(name)}/scope`),
    apply: (request) => call('POST', '/api/v1/objects', request),
    remove: (request) => call('POST', '/api/v1/objects/delete', request),
    wait: (request) => call('POST', '/api/v1/wait', request, request.timeoutMs + WAIT_GRACE_MS),
  };
}

async function send<T>(
  address: AdminAddress,
  { patienceMs = 5_000, timeoutMs = 30_000 }: ClientOptions,
  method: string,
  path: string,
  body: string | undefined,
): Promise<T> {
  const deadline = performance.now() + patienceMs;
  for (;;) {
    try {
      const answer = await exchange(address, timeoutMs, method, path, body);
      return parseAnswer<T>(address, answer);
    } catch (error) {
      if (error instanceof LateenError || error instanceof DiagnosticError) throw error;
      // What may have been done already must not be done again.
      if (method !== 'GET' && !isUnreachable(error)) throw brokenOff(address, error);
      if (performance.now() >= deadline || isTimeout(error)) throw notAnswering(address, error);
      await delay(retryEveryMs);
    }
  }
}

interface Answer {
  readonly status: number;
  readonly text: string;
}

function exchange(
  { admin, token }: AdminAddress,
  timeoutMs: number,
  method: string,
  path: string,
  body: string | undefined,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      admin.startsWith('unix:') ? new URL(path, 'http://localhost') : new URL(path, admin),
      {
        ...(admin.startsWith('unix:') ? { socketPath: admin.slice('unix:'.length) } : {}),
        method,
        // An agent of our own: the one that all share goes through HTTP_PROXY when NODE_USE_ENV_PROXY is set.
        agent: new Agent({ keepAlive: false }),
        signal: AbortSignal.timeout(timeoutMs),
        headers: {
          Authorization: `Bearer ${token}`,
          Accept: 'application/json',
          ...(body === undefined
            ? {}
            : { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) }),
        },
      },
      (incoming) => {
        const chunks: Buffer[] = [];
        let bytes = 0;
        incoming.on('data', (chunk: Buffer) => {
          bytes += chunk.length;
          if (bytes > maxAnswerBytes) incoming.destroy(new Error('the answer is too large'));
          else chunks.push(chunk);
        });
        incoming.on('end', () => {
          resolve({ status: incoming.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') });
        });
        incoming.on('error', reject);
      },
    );
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

function parseAnswer<T>(address: AdminAddress, { status, text }: Answer): T {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw strange(address, status);
  }
  if (status === 200) return value as T;
  if (!isErrorResponse(value)) throw strange(address, status);
  if (value.diagnostics !== undefined && value.diagnostics.length > 0) throw new DiagnosticError(value.diagnostics);
  throw new LateenError(value.code, value.message, value.remedy ?? '');
}

function isErrorResponse(value: unknown): value is ErrorResponse {
  if (typeof value !== 'object' || value === null) return false;
  const { code, message } = value as Partial<ErrorResponse>;
  return typeof code === 'string' && typeof message === 'string';
}

/** Nobody listened, so nothing was done. */
function isUnreachable(error: unknown): boolean {
  if (error instanceof AggregateError) return error.errors.every(isUnreachable);
  return errorCodeOf(error) === 'ECONNREFUSED';
}

function isTimeout(error: unknown): boolean {
  return error instanceof Error && (error.name === 'TimeoutError' || error.name === 'AbortError');
}

function brokenOff({ mesh }: AdminAddress, cause: unknown): LateenError {
  return new LateenError(
    'LAT0504',
    `The control plane of the mesh ${mesh} broke off while it answered, so it is not known whether the change was made.`,
    'Run the command again: what has been done already stays "unchanged".',
    { cause },
  );
}

function notAnswering({ mesh, admin, token }: AdminAddress, cause: unknown): LateenError {
  if (token === '') {
    return new LateenError(
      'LAT0502',
      `No control plane answers at ${mesh}.`,
      `Start it with lateen pilot --admin-address ${mesh}.`,
      { cause },
    );
  }
  return new LateenError(
    'LAT0502',
    `The control plane of the mesh ${mesh} does not answer at ${admin}.`,
    `See why: lateen logs control-plane --mesh ${mesh}`,
    { cause },
  );
}

function strange({ mesh, admin }: AdminAddress, status: number): LateenError {
  return new LateenError(
    'LAT0503',
    `What answers at ${admin} is not the control plane of the mesh ${mesh} (HTTP status ${status}).`,
    `Start the mesh again: lateen down --mesh ${mesh}, then lateen up DIR`,
  );
}
