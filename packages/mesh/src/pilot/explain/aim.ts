import { LateenError } from '@lateen/api/lateen-error.ts';
import { isIp } from '@lateen/api/names.ts';
import type { VerdictHeader } from '@lateen/api/verdict.ts';
import type { ExplicitCapture, GatewayCapture, WorkloadInstance } from '@lateen/api/workload-instance.ts';
import { serviceHostname } from '../model/hostname.ts';
import type { Call, HttpPayload, Payload, SocketAddress } from '../simulator/call.ts';
import { addressOf, type NamedServices } from './address-of.ts';
import { type CallUrl, parseCallUrl } from './call-url.ts';

/** A request as a user writes it down. */
export interface AskedRequest {
  readonly method: string;
  /** `http`, `https` or `tcp`. */
  readonly url: string;
  readonly headers: readonly VerdictHeader[];
}

/** What callers know of the mesh around them. */
export interface Surroundings extends NamedServices {
  readonly clusterDomain: string;
  /** Where the kernel redirects calls to. */
  readonly outboundPort: number;
}

/** An application may offer these, whatever it then speaks. */
const CLIENT_ALPN = ['h2', 'http/1.1'];
const TCP: Payload = { type: 'tcp' };

/**
 * How the request gets into the proxy of the workload that makes it, or into the gateway. Throws LAT0505, LAT0560, LAT0561.
 */
export function aim(asked: AskedRequest, instance: WorkloadInstance, mesh: Surroundings): Call {
  const url = parseCallUrl(asked.url);
  checkRequest(asked);
  const { capture } = instance;
  switch (capture.mode) {
    case 'gateway':
      return call(instance, gatewayPort(instance, capture, url), toServer(asked, url));
    case 'explicit':
      if (url.scheme === 'tcp') return call(instance, servicePort(instance, capture, url, mesh.clusterDomain), TCP);
      return call(instance, capture.httpProxyPort, toHttpProxy(asked, url));
    case 'redirect': {
      const payload = toServer(asked, url);
      if (capture.interception === 'none') return { ...call(instance, url.port, payload), at: onLoopback(url.port) };
      const originalDestination = { host: addressOf(url.host, url.port, instance, mesh), port: url.port };
      return { ...call(instance, mesh.outboundPort, payload), originalDestination };
    }
  }
}

function call({ address }: WorkloadInstance, port: number, payload: Payload): Call {
  return { at: { host: address, port }, source: { host: address, port: 0 }, payload };
}

function onLoopback(port: number): SocketAddress {
  return { host: '127.0.0.1', port };
}

function checkRequest({ method, headers }: AskedRequest): void {
  const wrong =
    !TOKEN.test(method) || method === 'CONNECT'
      ? `the method ${JSON.stringify(method)}`
      : headers
          .filter(([name, value]) => !TOKEN.test(name) || CONTROL.test(value))
          .map(([name]) => `the header ${JSON.stringify(name)}`)[0];
  if (wrong === undefined) return;
  const remedy = method === 'CONNECT' ? 'Tunnels are made for https:// and tcp://, with any method.' : '';
  throw new LateenError('LAT0505', `Requests cannot have ${wrong}.`, remedy);
}

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
const CONTROL = /[\u0000-\u0008\u000a-\u001f\u007f]/;

/** To whoever is at the URL. The Host header may name another one, as `curl --connect-to` has it. */
function toServer(asked: AskedRequest, url: CallUrl): Payload {
  const named = asked.headers.find(([name]) => isHost(name))?.[1];
  const http = httpPayload(asked, url, named ?? url.authority);
  const host = named !== undefined && isIp(url.host) ? named.replace(/:\d+$/, '') : url.host;
  return { http, https: tls({ host }, http), tcp: TCP }[url.scheme];
}

function toHttpProxy(asked: AskedRequest, url: CallUrl): Payload {
  const http = httpPayload(asked, url, url.authority);
  if (url.scheme === 'https') {
    const authority = `${url.host.includes(':') ? `[${url.host}]` : url.host}:${url.port}`;
    const connect = { method: 'CONNECT', authority, path: '', headers: [] };
    return { type: 'http', protocol: 'http1', request: connect, inside: tls(url, http) };
  }
  // To a proxy the whole URL is said, which counts more than a Host header.
  return { ...http, request: { ...http.request, scheme: 'http' } };
}

function httpPayload({ method, headers }: AskedRequest, { path }: CallUrl, authority: string): HttpPayload {
  const others = headers
    .filter(([name]) => !isHost(name))
    .map(([name, value]): VerdictHeader => [name.toLowerCase(), value]);
  return { type: 'http', protocol: 'http1', request: { method, authority, path, headers: others } };
}

function isHost(name: string): boolean {
  return name.toLowerCase() === 'host';
}

/** Clients name the server that they want, but not where it is an address. */
function tls({ host }: Pick<CallUrl, 'host'>, inside: Payload): Payload {
  const named = isIp(host) ? {} : { serverName: host };
  return { type: 'tls', ...named, applicationProtocols: CLIENT_ALPN, inside };
}

function gatewayPort({ name }: WorkloadInstance, { hostPorts }: GatewayCapture, { port }: CallUrl): number {
  // The port of a Gateway, or the one of this machine that it is opened on.
  const at = hostPorts[port] ?? Object.values(hostPorts).find((hostPort) => hostPort === port);
  if (at === undefined) throw noPort(`The gateway ${name}`, String(port), Object.keys(hostPorts));
  return at;
}

function servicePort(
  { name, namespace }: WorkloadInstance,
  { servicePorts }: ExplicitCapture,
  { host, port }: CallUrl,
  clusterDomain: string,
): number {
  // Names as applications write them: in full, short, with the namespace, or up to svc.
  const names = [host, serviceHostname(host, namespace, clusterDomain), `${host}.svc.${clusterDomain}`];
  for (const full of [...names, `${host}.${clusterDomain}`]) {
    const at = servicePorts[`${full}:${port}`];
    if (at !== undefined) return at;
  }
  throw noPort(`The sidecar of ${name}`, `${host}:${port}`, Object.keys(servicePorts));
}

function noPort(who: string, wanted: string, known: readonly string[]): LateenError {
  return new LateenError(
    'LAT0561',
    `${who} does not listen for ${wanted}.`,
    known.length === 0 ? 'It listens on no port.' : `It does for: ${known.join(', ')}`,
  );
}
