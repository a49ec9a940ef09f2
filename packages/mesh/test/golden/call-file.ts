import { bounds, count, fieldsOf, instant, listOf, mapOf, oneOf, optionalField, text, yes } from './read-fields.ts';

/** What the echo application does with one attempt of a call: a status, never answering, or breaking the connection. */
export type UpstreamStep = number | 'slow' | 'die';

const PROTOCOLS = [
  'http1',
  'http2',
  'http3',
  'tcp',
  'tcp-server-first',
  'udp',
  'grpc',
  'grpc-web',
  'websocket',
] as const;
export type CallProtocol = (typeof PROTOCOLS)[number];

/** One entry of `calls` in expect.yaml. */
export interface Call {
  readonly name: string;
  /**
   * A workload, whose sidecar the call goes through; `gateway`: a client of the ingress gateway; `outside`: a client
   * without a sidecar that connects to a sidecar's inbound port.
   */
  readonly from: string;
  readonly method: string;
  /** OUTSIDE_PORT stands for the port of a server that is not in the mesh. For `from: outside`: `http://WORKLOAD:PORT/`. */
  readonly url: string;
  /** With a `host`, that and not the URL's is sent. CALL_NUMBER stands for 0, 1, 2 ... of a call made several times. */
  readonly headers: ReadonlyMap<string, string>;
  /** Body, or for TCP what is sent. */
  readonly body?: string;
  /** How the call gets into the sidecar. */
  readonly via: 'http-proxy' | 'service-port' | 'connect';
  /**
   * With `udp` the body is one datagram, from a socket of its own. With `tcp-server-first` the client waits for the application's greeting before it sends. `grpc` sends the body as one
   * message over HTTP/2, `grpc-web` as browsers do, over HTTP/1; `websocket` sends it as a text.
   */
  readonly protocol: CallProtocol;
  /** The client speaks TLS with the server that the call goes to, as clients outside of the mesh do. */
  readonly tls?: ClientTls;
  /** For `from: outside`: the client's certificate, a ServiceAccount of the mesh or of another mesh. None: plaintext. */
  readonly certificate?: string;
  /** What the applications do with the attempts of this call, in order; then they answer. */
  readonly upstream: readonly UpstreamStep[];
  readonly count: number;
  /** The time at which it is made, in milliseconds since the epoch; default: the time of the case. */
  readonly atMs?: number;
  readonly expect: Expectation;
}

export interface ClientTls {
  /** Absent: the URL's host. Empty: none is sent. */
  readonly serverName?: string;
  /** One of the case's certificates; or of a ServiceAccount of the mesh, `mesh:NAME`, and then it speaks as sidecars do. */
  readonly certificate?: string;
  readonly versions?: readonly [lowest: TlsVersion, highest: TlsVersion];
}

/** As Node names them. */
export type TlsVersion = 'TLSv1' | 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3';

/** A value, a regular expression for all of it (`{matches: ...}`), or none. */
export type HeaderExpectation = string | RegExp | null;

/** What must hold for each answer; `instances` and `distribution` for all of them together. */
export interface Expectation {
  readonly status?: number;
  /** The connection must end without an answer. */
  readonly fails?: true;
  /** What the application saw. */
  readonly workload?: string;
  readonly instance?: string;
  /** The container port that the application stands for. */
  readonly port?: number;
  readonly path?: string;
  readonly method?: string;
  readonly host?: HeaderExpectation;
  readonly body?: string;
  readonly protocol?: string;
  /** First name in the client's certificate, such as `DNS:client.test`; null for none. */
  readonly clientCertificate?: string | null;
  readonly headers?: ReadonlyMap<string, HeaderExpectation>;
  /** What the caller got. */
  readonly answer?: string;
  readonly location?: string;
  readonly responseHeaders?: ReadonlyMap<string, HeaderExpectation>;
  /** SPIFFE ID of the server that the client shook hands with; or its first name, such as `DNS:shop.test`. */
  readonly peer?: string;
  /** How often applications saw the request. */
  readonly attempts?: number;
  /** How many different instances answered: least and most. */
  readonly instances?: readonly [number, number];
  /** Names of headers, spelt as the application, or the caller, got them. */
  readonly headerNames?: readonly string[];
  readonly responseHeaderNames?: readonly string[];
  /** How long the answer took, in milliseconds. */
  readonly atLeastMs?: number;
  readonly atMostMs?: number;
  /** A `statPrefix` under which the sidecar of the caller counts these requests, and no others. */
  readonly countedAs?: string;
  /** Share of the answers by workload. */
  readonly distribution?: ReadonlyMap<string, readonly [number, number]>;
  /** Share of the requests of which a workload got a copy. Copies are waited for, but for those that must not be there. */
  readonly mirrored?: ReadonlyMap<string, readonly [number, number]>;
}

const CALL_FIELDS = [
  ...(['name', 'from', 'get', 'post', 'method', 'url', 'headers', 'body', 'via', 'protocol'] as const),
  ...(['tls', 'certificate', 'upstream', 'count', 'at', 'expect'] as const),
];

const EXPECT_FIELDS = [
  ...([
    'status',
    'fails',
    'workload',
    'instance',
    'port',
    'path',
    'method',
    'host',
    'body',
    'protocol',
    'headers',
    'clientCertificate',
  ] as const),
  ...(['answer', 'location', 'responseHeaders', 'peer', 'attempts', 'instances', 'distribution', 'mirrored'] as const),
  ...(['headerNames', 'responseHeaderNames', 'atLeastMs', 'atMostMs', 'countedAs'] as const),
];

export function readCall(value: unknown, where: string): Call {
  const call = fieldsOf(value, where, CALL_FIELDS);
  const { method, url } = target(call, where);
  return {
    name: text(call.name, `${where}.name`),
    from: text(call.from, `${where}.from`),
    method,
    url,
    headers: mapOf(call.headers ?? {}, `${where}.headers`, text),
    ...optionalField('body', call.body, where, text),
    via: oneOf('http-proxy', 'service-port', 'connect')(call.via ?? 'http-proxy', `${where}.via`),
    protocol: oneOf(...PROTOCOLS)(call.protocol ?? 'http1', `${where}.protocol`),
    ...optionalField('tls', call.tls, where, readTls),
    ...optionalField('certificate', call.certificate, where, text),
    upstream: listOf(call.upstream ?? [], `${where}.upstream`, readStep),
    count: count(call.count ?? 1, `${where}.count`),
    ...(call.at === undefined ? {} : { atMs: instant(call.at, `${where}.at`) }),
    expect: readExpectation(call.expect, `${where}.expect`),
  };
}

function target(call: { get?: unknown; post?: unknown; method?: unknown; url?: unknown }, where: string) {
  if (call.get !== undefined) return { method: 'GET', url: text(call.get, `${where}.get`) };
  if (call.post !== undefined) return { method: 'POST', url: text(call.post, `${where}.post`) };
  return { method: text(call.method ?? 'GET', `${where}.method`), url: text(call.url, `${where}.url`) };
}

function readTls(value: unknown, where: string): ClientTls {
  const fields = fieldsOf(value, where, ['serverName', 'certificate', 'versions']);
  return {
    ...optionalField('serverName', fields.serverName, where, text),
    ...optionalField('certificate', fields.certificate, where, text),
    ...optionalField('versions', fields.versions, where, readVersions),
  };
}

function readVersions(value: unknown, where: string): readonly [TlsVersion, TlsVersion] {
  const [lowest, highest] = listOf(value, where, oneOf('TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'));
  if (lowest === undefined || highest === undefined) throw new Error(`${where} must be [lowest, highest]`);
  return [lowest, highest];
}

function readStep(value: unknown, where: string): UpstreamStep {
  return typeof value === 'number' ? value : oneOf('slow', 'die')(value, where);
}

function readHeader(value: unknown, where: string): HeaderExpectation {
  if (value === null || typeof value === 'string') return value;
  const { matches } = fieldsOf(value, where, ['matches']);
  return new RegExp(`^(?:${text(matches, `${where}.matches`)})$`);
}

function textOrNull(value: unknown, where: string): string | null {
  return value === null ? null : text(value, where);
}

function readExpectation(value: unknown, where: string): Expectation {
  const fields = fieldsOf(value, where, EXPECT_FIELDS);
  if (Object.keys(fields).length === 0) throw new Error(`${where} expects nothing`);
  const { headers, responseHeaders, headerNames, responseHeaderNames, instances, distribution, mirrored } = fields;
  return {
    ...optionalField('status', fields.status, where, count),
    ...optionalField('fails', fields.fails, where, yes),
    ...optionalField('workload', fields.workload, where, text),
    ...optionalField('instance', fields.instance, where, text),
    ...optionalField('port', fields.port, where, count),
    ...optionalField('path', fields.path, where, text),
    ...optionalField('method', fields.method, where, text),
    ...optionalField('host', fields.host, where, readHeader),
    ...optionalField('body', fields.body, where, text),
    ...optionalField('protocol', fields.protocol, where, text),
    ...optionalField('clientCertificate', fields.clientCertificate, where, textOrNull),
    ...optionalField('headers', headers, where, (map, at) => mapOf(map, at, readHeader)),
    ...optionalField('answer', fields.answer, where, text),
    ...optionalField('location', fields.location, where, text),
    ...optionalField('responseHeaders', responseHeaders, where, (map, at) => mapOf(map, at, readHeader)),
    ...optionalField('peer', fields.peer, where, text),
    ...optionalField('attempts', fields.attempts, where, count),
    ...optionalField('instances', instances, where, bounds),
    ...optionalField('headerNames', headerNames, where, (list, at) => listOf(list, at, text)),
    ...optionalField('responseHeaderNames', responseHeaderNames, where, (list, at) => listOf(list, at, text)),
    ...optionalField('atLeastMs', fields.atLeastMs, where, count),
    ...optionalField('atMostMs', fields.atMostMs, where, count),
    ...optionalField('countedAs', fields.countedAs, where, text),
    ...optionalField('distribution', distribution, where, (map, at) => mapOf(map, at, bounds)),
    ...optionalField('mirrored', mirrored, where, (map, at) => mapOf(map, at, bounds)),
  };
}
