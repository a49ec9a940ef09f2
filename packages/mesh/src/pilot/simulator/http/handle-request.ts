import type {
  ActionVerdict,
  Handling,
  HttpProtocol,
  HttpVerdict,
  RespondVerdict,
  RouteChoice,
  RouteTrial,
  Unknown,
} from '@lateen/api/verdict.ts';
import { VirtualHost_TlsRequirementType } from '@lateen/envoy-api/envoy/config/route/v3/route_components_pb.js';
import {
  HttpConnectionManager_CodecType,
  HttpConnectionManager_ForwardClientCertDetails,
} from '@lateen/envoy-api/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js';
import type { HttpPayload, SocketAddress } from '../call.ts';
import type { PreparedProxy } from '../proxy.ts';
import { chooseRoute } from '../route/route-action.ts';
import { asUnknowns, type PreparedTable, type PreparedVirtualHost, tryRoutes } from '../route/route-table.ts';
import type { RouteScope } from '../route/scope.ts';
import type { PreparedManager } from './connection-manager.ts';
import { asGrpcReplies } from './grpc-reply.ts';
import { normalizeHost, normalizePath } from './normalize.ts';
import {
  type DownstreamConnection,
  headerValue,
  type RoutedRequest,
  removeHeader,
  setHeader,
  viewOf,
} from './request.ts';

export interface ArrivedRequest {
  readonly payload: HttpPayload;
  readonly connection: DownstreamConnection;
  /** What TLS agreed on, if anything. */
  readonly applicationProtocol: string | undefined;
  readonly destination: SocketAddress;
}

export function handleHttp(
  proxy: PreparedProxy,
  prepared: PreparedManager,
  arrived: ArrivedRequest,
  unknowns: Unknown[],
): Handling {
  unknowns.push(...prepared.unknowns);
  const { payload, connection, destination } = arrived;
  const mismatch = codecMismatch(prepared, payload.protocol, arrived.applicationProtocol);
  if (mismatch !== undefined) return { type: 'closed', reason: mismatch };
  const request = receive(prepared, payload, connection);
  const decided = decide(proxy, prepared, request, destination, unknowns);
  const verdict = { ...decided, choices: asGrpcReplies(decided.choices, request) };
  noteLocalReplies(prepared, verdict, unknowns);
  return { type: 'http', http: { protocol: payload.protocol, ...verdict } };
}

function codecMismatch(
  { manager }: PreparedManager,
  protocol: HttpProtocol,
  agreed: string | undefined,
): string | undefined {
  const wanted =
    manager.codecType === HttpConnectionManager_CodecType.HTTP1
      ? 'http1'
      : manager.codecType === HttpConnectionManager_CodecType.HTTP2
        ? 'http2'
        : agreed === 'h2'
          ? 'http2'
          : agreed === 'http/1.1'
            ? 'http1'
            : protocol;
  return wanted === protocol ? undefined : `the client speaks ${protocol} where ${wanted} is expected`;
}

/** Headers that concern one connection only. */
const HOP_BY_HOP = ['connection', 'keep-alive', 'proxy-connection', 'transfer-encoding', 'upgrade', 'http2-settings'];

/** The request as the connection manager takes it in, before it looks for a route. */
function receive({ manager }: PreparedManager, payload: HttpPayload, connection: DownstreamConnection): RoutedRequest {
  const { method, authority, path, scheme, headers } = payload.request;
  const request: RoutedRequest = {
    method,
    scheme: scheme ?? '',
    authority,
    path,
    headers: headers.map(([name, value]) => [name.toLowerCase(), value]),
    madeUp: new Set(),
    connection,
  };
  const own = connection.tls ? 'https' : 'http';
  if (manager.useRemoteAddress === true) {
    if (manager.xffNumTrustedHops === 0) setHeader(request.headers, 'x-forwarded-proto', own);
    if (!manager.skipXffAppend) {
      const before = headerValue(request, 'x-forwarded-for');
      setHeader(
        request.headers,
        'x-forwarded-for',
        before === undefined ? connection.sourceHost : `${before},${connection.sourceHost}`,
      );
    }
  }
  if (headerValue(request, 'x-forwarded-proto') === undefined) setHeader(request.headers, 'x-forwarded-proto', own);
  if (request.scheme === '') {
    const forwarded = headerValue(request, 'x-forwarded-proto')?.toLowerCase();
    request.scheme = forwarded === 'http' || forwarded === 'https' ? forwarded : own;
  }
  forwardCertificate(manager.forwardClientCertDetails, request);
  if (
    manager.generateRequestId !== false &&
    (manager.useRemoteAddress === true || headerValue(request, 'x-request-id') === undefined)
  ) {
    request.madeUp.add('x-request-id');
  }
  return request;
}

function forwardCertificate(details: HttpConnectionManager_ForwardClientCertDetails, request: RoutedRequest): void {
  const name = 'x-forwarded-client-cert';
  const Details = HttpConnectionManager_ForwardClientCertDetails;
  if (details === Details.ALWAYS_FORWARD_ONLY) return;
  const shown = request.connection.certificate !== 'none';
  if (details === Details.SANITIZE || !shown) removeHeader(request.headers, name);
  else if (details !== Details.FORWARD_ONLY) {
    removeHeader(request.headers, name);
    request.madeUp.add(name);
  }
}

type Decided = Omit<HttpVerdict, 'protocol'>;

function decide(
  proxy: PreparedProxy,
  prepared: PreparedManager,
  request: RoutedRequest,
  destination: SocketAddress,
  unknowns: Unknown[],
): Decided {
  const isConnect = request.method === 'CONNECT';
  const answered = (action: ActionVerdict, more: Partial<Decided> = {}): Decided => ({
    request: viewOf(request),
    table: null,
    virtualHost: null,
    routes: [],
    choices: [{ share: 1, action }],
    ...more,
  });
  if (request.authority === '') return answered(proxyAnswer(400, 'the request names no host'));
  request.authority = normalizeHost(request.authority, isConnect, prepared.manager, destination.port);
  if (!isPath(request)) {
    const reason = `the path ${request.path} does not start with a slash`;
    // The codec of HTTP/1 already refuses it.
    const isHttp1 = request.connection.protocol === 'http1';
    return answered(isHttp1 ? { ...proxyAnswer(400, reason), by: 'codec' } : proxyAnswer(404, reason));
  }
  const normalized = normalizePath(request.path, prepared.manager);
  if (normalized.type === 'refused') return answered(proxyAnswer(400, normalized.reason));
  request.path = normalized.path;
  if (normalized.type === 'redirect') {
    const reason = 'the path had escaped slashes';
    return answered(redirectAnswer(307, reason, normalized.path));
  }
  const upgrade = upgradeOf(request);
  removeHopByHop(request, upgrade !== undefined && upgrade !== 'CONNECT');

  const table = proxy.table(prepared);
  if (table === undefined) {
    unknowns.push({
      what: 'routes that the proxy does not hold',
      where: `connection manager ${prepared.manager.statPrefix}`,
    });
    return answered(proxyAnswer(404, `the route table ${prepared.tableName} is not there`));
  }
  const name = table.table.name;
  unknowns.push(...table.unknowns);
  const found = table.find(request.authority);
  if (found === undefined) return answered(proxyAnswer(404, 'no virtual host has this host'), { table: name });
  const { host, domain } = found;
  unknowns.push(...host.unknowns);
  const virtualHost = { name: host.host.name, domain, sources: host.sources };
  if (needsTls(host, request)) return answered(tlsRedirect(request), { table: name, virtualHost });
  const { trials, choices } = routed(proxy, prepared, table, host, request, destination, upgrade, unknowns);
  return { request: viewOf(request), table: name, virtualHost, routes: trials, choices };
}

function routed(
  proxy: PreparedProxy,
  prepared: PreparedManager,
  table: PreparedTable,
  host: PreparedVirtualHost,
  request: RoutedRequest,
  destination: SocketAddress,
  upgrade: string | undefined,
  unknowns: Unknown[],
): { trials: RouteTrial[]; choices: RouteChoice[] } {
  const { trials, taken } = tryRoutes(host, request);
  unknowns.push(...asUnknowns(taken, `virtual host ${host.host.name}`));
  const scope: RouteScope = { proxy, prepared, table, host, destination, upgrade };
  const choices = taken.map(({ share, index, route, undecidable }): RouteChoice => {
    if (undecidable !== undefined) {
      return {
        share,
        ...(index === undefined ? {} : { route: index }),
        action: { type: 'undecided', reason: undecidable },
      };
    }
    if (route === undefined || index === undefined) return { share, action: proxyAnswer(404, 'no route matches') };
    unknowns.push(...route.unknowns);
    return { share, route: index, ...chooseRoute(scope, route, request, unknowns) };
  });
  return { trials, choices };
}

export function proxyAnswer(status: number, reason: string): RespondVerdict {
  return { type: 'respond', by: 'proxy', status, reason, headers: [], responseHeaders: [] };
}

/** What may stand in `:path`. */
export function isPath({ method, path }: Pick<RoutedRequest, 'method' | 'path'>): boolean {
  return path.startsWith('/') || (path === '' && method === 'CONNECT') || (path === '*' && method === 'OPTIONS');
}

function redirectAnswer(status: number, reason: string, location: string): RespondVerdict {
  return { ...proxyAnswer(status, reason), by: 'redirect', headers: [['location', location]] };
}

function upgradeOf(request: RoutedRequest): string | undefined {
  if (request.method === 'CONNECT') return 'CONNECT';
  const connection = (headerValue(request, 'connection') ?? '').toLowerCase().split(/[\s,]+/);
  return connection.includes('upgrade') ? headerValue(request, 'upgrade')?.toLowerCase() : undefined;
}

function removeHopByHop(request: RoutedRequest, keepUpgrade: boolean): void {
  for (const name of HOP_BY_HOP) {
    if (!keepUpgrade || (name !== 'connection' && name !== 'upgrade')) removeHeader(request.headers, name);
  }
  if (headerValue(request, 'te') !== undefined && headerValue(request, 'te')?.toLowerCase() !== 'trailers') {
    removeHeader(request.headers, 'te');
  }
}

function needsTls({ host }: PreparedVirtualHost, request: RoutedRequest): boolean {
  if (host.requireTls === VirtualHost_TlsRequirementType.NONE) return false;
  return headerValue(request, 'x-forwarded-proto') !== 'https';
}

function tlsRedirect(request: RoutedRequest): RespondVerdict {
  const location = `https://${request.authority}${request.path}`;
  const reason = 'the virtual host is only for TLS';
  return redirectAnswer(301, reason, location);
}

/** A mapper can turn the proxy's own answers into others. */
function noteLocalReplies({ manager }: PreparedManager, { choices }: Decided, unknowns: Unknown[]): void {
  const changes = manager.localReplyConfig?.mappers.some(
    ({ statusCode, body, bodyFormatOverride }) =>
      statusCode !== undefined || body !== undefined || bodyFormatOverride !== undefined,
  );
  if (changes !== true || !choices.some(({ action }) => action.type === 'respond')) return;
  unknowns.push({ what: 'LocalReplyConfig.mappers', where: `connection manager ${manager.statPrefix}` });
}
