import type { Gateway as GatewayObject } from '@lateen/api/kinds.ts';
import type { SourceRef } from '../proxy/ir/source.ts';
import { buildServerTls, type ServerTls } from './server-tls.ts';
import { hasLabels } from './service.ts';

/** Ports that gateway proxies open, and the hosts they take requests for: a Gateway, or what an Ingress stands for. */
export interface Gateway {
  /** `NAMESPACE/NAME`, or the key of a listener of the Gateway API. */
  readonly key: string;
  /** Only proxies of this namespace serve it; absent: those of any. */
  readonly namespace?: string;
  /** Gateway proxies with all of these labels serve it. */
  readonly selector: Readonly<Record<string, string>>;
  readonly servers: readonly GatewayServer[];
  readonly source: SourceRef;
}

export interface GatewayServer {
  readonly port: number;
  /** Of the port; each server of a Gateway has another. */
  readonly portName: string;
  /** Of the server itself, for people. */
  readonly name?: string;
  /** What it takes, as the Gateway says it. */
  readonly protocol: ServerProtocol;
  /** Address to listen on; absent: the proxy's own. */
  readonly bind?: string;
  readonly hosts: readonly ServerHost[];
  /** Absent: plaintext. */
  readonly tls?: ServerTls;
  /** Plain HTTP is answered with a redirect. */
  readonly httpsRedirect: boolean;
  /** HTTP/3 is offered as well. */
  readonly http3: boolean;
  /** Hosts that it covers best are its own: rules of servers with wider hosts do not hold for them. */
  readonly isolated?: true;
  readonly source: SourceRef;
}

/** UDP is for listeners of the Gateway API only. */
export type ServerProtocol = GatewayObject['spec']['servers'][number]['port']['protocol'] | 'UDP';

export interface ServerHost {
  /** Only routes of this namespace may use the host; absent: those of any. */
  readonly namespace?: string;
  readonly host: string;
}

/** Annotation of a Gateway: `true` opens its HTTPS ports for QUIC as well. */
export const HTTP3 = 'lateen.dev/http3';

export function buildGateway(object: GatewayObject): Gateway {
  const { name, namespace, annotations = {} } = object.metadata;
  const source = { kind: 'Gateway', namespace, name };
  return {
    key: `${namespace}/${name}`,
    selector: object.spec.selector ?? {},
    servers: object.spec.servers.map((server, i) =>
      buildServer(server, { ...source, path: `spec.servers[${i}]` }, annotations[HTTP3] === 'true'),
    ),
    source,
  };
}

/** The order in which gateways have ports and hosts: Gateways before all others, each by namespace and name. */
export function byPreference(a: Gateway, b: Gateway): number {
  const place = ({ key, source: { kind, namespace, name } }: Gateway) =>
    kind === 'Gateway' ? `0 ${key}` : `1 ${namespace}/${name} ${key}`;
  return place(a) < place(b) ? -1 : 1;
}

type ServerObject = GatewayObject['spec']['servers'][number];

function buildServer(server: ServerObject, source: SourceRef, http3: boolean): GatewayServer {
  const { number, name: portName, protocol } = server.port;
  const { httpsRedirect = false, ...ending } = server.tls ?? {};
  const tls =
    server.tls === undefined || isPlainHttp(protocol)
      ? undefined
      : buildServerTls(ending, { ...source, path: `${source.path}.tls` });
  return {
    port: number,
    portName,
    ...(server.name === undefined ? {} : { name: server.name }),
    protocol,
    ...(server.bind === undefined ? {} : { bind: server.bind }),
    hosts: server.hosts.map((host) => buildHost(host, source.namespace)),
    ...(tls === undefined ? {} : { tls }),
    httpsRedirect,
    // QUIC has no older version of TLS.
    http3: http3 && protocol === 'HTTPS' && tls?.type === 'terminate' && (tls.parameters.maxVersion ?? '1.3') === '1.3',
    source,
  };
}

/** Whether a gateway proxy serves it. */
export function isServedBy(
  { selector, namespace }: Pick<Gateway, 'selector' | 'namespace'>,
  proxy: { readonly labels: Readonly<Record<string, string>>; readonly namespace: string },
): boolean {
  return (namespace === undefined || namespace === proxy.namespace) && hasLabels(proxy.labels, selector);
}

/** HTTP that is not in TLS. */
export function isPlainHttp(protocol: ServerProtocol): boolean {
  return protocol === 'HTTP' || protocol === 'HTTP2' || protocol === 'GRPC' || protocol === 'GRPC-WEB';
}

/** `host`, `*` + `/host` (any namespace), `./host` (the Gateway's own) or `NAMESPACE/host`. */
function buildHost(text: string, ownNamespace: string): ServerHost {
  const slash = text.indexOf('/');
  if (slash < 0) return { host: text };
  const namespace = text.slice(0, slash);
  const host = text.slice(slash + 1);
  if (namespace === '*') return { host };
  return { namespace: namespace === '.' ? ownNamespace : namespace, host };
}
