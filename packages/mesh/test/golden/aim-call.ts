import type { WorkloadInstance } from '@lateen/api/workload-instance.ts';
import type { Call } from './call-file.ts';
import { workloadLabel } from './instances.ts';
import { fillInOutside, type Outside } from './placeholders.ts';

/** What must be known of a mesh to say where a call enters it. */
export interface CallTarget {
  readonly instances: readonly WorkloadInstance[];
  readonly outside: Outside;
}

export interface AimedCall {
  readonly url: URL;
  /** With `host`, if the call has it. */
  readonly headers: ReadonlyMap<string, string>;
  /** The socket that the client connects to. */
  readonly port: number;
  /** What the client names in its request: a path; the whole URL, as proxies want it; or a CONNECT before the request. */
  readonly form: 'path' | 'url' | 'tunnel';
  /** `/path?query` */
  readonly path: string;
  readonly host: string;
  /** `HOST:PORT`, also where the port is HTTP's own. */
  readonly authority: string;
}

/** Where a call enters the mesh, and in which form. `number` tells calls of one `count` apart. */
export function aimCall(call: Call, mesh: CallTarget, number: string): AimedCall {
  const filledIn = (text: string) => fillInOutside(text, mesh.outside).replace('CALL_NUMBER', number);
  const url = new URL(filledIn(call.url));
  const headers = new Map([...call.headers].map(([name, value]) => [name, filledIn(value)]));
  const port = url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port);
  const aimed = (at: number, form: AimedCall['form'] = 'path'): AimedCall => ({
    url,
    headers,
    port: at,
    form,
    path: `${url.pathname}${url.search}`,
    host: headers.get('host') ?? url.host,
    authority: `${url.hostname}:${port}`,
  });
  if (call.from === 'outside') {
    const inbound = instanceOf(mesh.instances, url.hostname).ports.find(({ containerPort }) => containerPort === port);
    if (inbound === undefined) throw new Error(`${url.hostname} has no container port ${port}`);
    return aimed(inbound.inboundPort);
  }
  const { capture, namespace } = instanceOf(mesh.instances, call.from);
  if (capture.mode === 'gateway') {
    const at = capture.hostPorts[port];
    if (at === undefined) throw new Error(`no Gateway opens port ${port} on ${call.from}`);
    return aimed(at);
  }
  if (capture.mode !== 'explicit') throw new Error(`${call.from} is not told where its proxy listens`);
  if (call.via === 'connect') return aimed(capture.httpProxyPort, 'tunnel');
  // HTTP/2 has no form for proxies: the authority says it all.
  const speaksHttp2 = call.protocol === 'http2' || call.protocol === 'grpc';
  if (call.via === 'http-proxy') return aimed(capture.httpProxyPort, speaksHttp2 ? 'path' : 'url');
  const key = `${fullName(url.hostname, namespace)}:${port}`;
  const at = capture.servicePorts[`${url.hostname}:${port}`] ?? capture.servicePorts[key];
  if (at === undefined) throw new Error(`${call.from} has no listener for ${key}`);
  return aimed(at);
}

/** Throws if there is none. */
export function instanceOf(instances: readonly WorkloadInstance[], workload: string): WorkloadInstance {
  const found = instances.find((instance) => workloadLabel(instance) === workload);
  if (found === undefined) throw new Error(`there is no workload ${workload}`);
  return found;
}

function fullName(host: string, namespace: string): string {
  if (host.endsWith('.svc.cluster.local')) return host;
  return host.includes('.') ? `${host}.svc.cluster.local` : `${host}.${namespace}.svc.cluster.local`;
}
