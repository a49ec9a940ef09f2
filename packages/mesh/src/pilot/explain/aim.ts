import { LateenError } from '@lateen/api/lateen-error.ts';
import type { VerdictHeader } from '@lateen/api/verdict.ts';
import { instanceKey, type WorkloadInstance } from '@lateen/api/workload-instance.ts';
import { resolveHost } from '../model/hostname.ts';
import type { Call, Payload, SocketAddress } from '../simulator/call.ts';

/** A request as a user writes it down. */
export interface AskedRequest {
  readonly method: string;
  /** `http`, `https` or `tcp`. */
  readonly url: string;
  readonly headers: readonly VerdictHeader[];
}

const DEFAULT_PORTS: Readonly<Record<string, number>> = { 'http:': 80, 'https:': 443 };

/** An application may offer these, whatever it then speaks. */
const CLIENT_ALPN = ['h2', 'http/1.1'];

/** How the request gets into the proxy of the workload that makes it, or into the gateway. Throws LAT0560, LAT0561. */
export function aim({ method, url, headers }: AskedRequest, instance: WorkloadInstance, clusterDomain: string): Call {
  const target = parseUrl(url);
  const port = target.port === '' ? (DEFAULT_PORTS[target.protocol] ?? 0) : Number(target.port);
  const named = headers.find(([name]) => name.toLowerCase() === 'host')?.[1];
  const request = {
    method,
    path: `${target.pathname}${target.search}`,
    headers: headers
      .filter(([name]) => name.toLowerCase() !== 'host')
      .map(([name, value]): VerdictHeader => [name.toLowerCase(), value]),
  };
  const http: Payload = { type: 'http', protocol: 'http1', request: { ...request, authority: named ?? target.host } };
  const inside: Payload =
    target.protocol === 'https:'
      ? { type: 'tls', serverName: target.hostname, applicationProtocols: CLIENT_ALPN, inside: http }
      : http;
  const { capture } = instance;
  const from = (at: number, payload: Payload): Call => {
    const source: SocketAddress = { host: instance.address, port: 0 };
    return { at: { host: instance.address, port: at }, source, payload };
  };
  if (capture.mode === 'gateway') {
    const at = capture.hostPorts[port] ?? Object.values(capture.hostPorts).find((hostPort) => hostPort === port);
    if (at === undefined) throw noPort(`the gateway ${instance.name}`, port, Object.keys(capture.hostPorts));
    return from(at, target.protocol === 'tcp:' ? { type: 'tcp' } : inside);
  }
  if (capture.mode !== 'explicit') {
    throw new LateenError(
      'LAT0561',
      `Calls of ${instanceKey(instance)} are redirected to its proxy, so where they go depends on the address.`,
      'Explain calls of workloads that Lateen runs, or of gateways.',
    );
  }
  if (target.protocol === 'tcp:') {
    const key = `${resolveHost(target.hostname, instance.namespace, clusterDomain)}:${port}`;
    const at = capture.servicePorts[key];
    if (at === undefined) throw noPort(`the sidecar of ${instance.name}`, port, Object.keys(capture.servicePorts));
    return from(at, { type: 'tcp' });
  }
  if (target.protocol === 'https:') {
    const authority = `${target.hostname}:${port}`;
    const connect = { method: 'CONNECT', authority, path: '', headers: [] };
    return from(capture.httpProxyPort, { type: 'http', protocol: 'http1', request: connect, inside });
  }
  // To a proxy the whole URL is said, which counts more than a Host header.
  const asked = { ...request, authority: target.host, scheme: 'http' };
  return from(capture.httpProxyPort, { type: 'http', protocol: 'http1', request: asked });
}

function parseUrl(text: string): URL {
  const url = URL.parse(text);
  if (url !== null && ['http:', 'https:', 'tcp:'].includes(url.protocol) && url.hostname !== '') return url;
  throw new LateenError(
    'LAT0560',
    `${JSON.stringify(text)} is not a URL that can be called.`,
    'Write it as http://HOST[:PORT]/PATH, https://... or tcp://HOST:PORT.',
  );
}

function noPort(who: string, port: number, known: readonly string[]): LateenError {
  return new LateenError(
    'LAT0561',
    `${who} does not listen for port ${port}.`,
    known.length === 0 ? 'It listens on no port.' : `It does for: ${known.join(', ')}`,
  );
}
