import type { Gateway as GatewayObject } from '@lateen/api/kinds.ts';
import type { SourceRef } from '../proxy/ir/source.ts';

/** Ports that gateway proxies open, and the hosts they take requests for. */
export interface Gateway {
  /** `NAMESPACE/NAME` */
  readonly key: string;
  /** Gateway proxies with all of these labels serve it, in whichever namespace they are. */
  readonly selector: Readonly<Record<string, string>>;
  readonly servers: readonly GatewayServer[];
  readonly source: SourceRef;
}

export interface GatewayServer {
  readonly port: number;
  /** What it takes, as the Gateway says it. */
  readonly protocol: ServerProtocol;
  readonly hosts: readonly ServerHost[];
  readonly source: SourceRef;
}

export type ServerProtocol = GatewayObject['spec']['servers'][number]['port']['protocol'];

export interface ServerHost {
  /** Only routes of this namespace may use the host; absent: those of any. */
  readonly namespace?: string;
  readonly host: string;
}

export function buildGateway(object: GatewayObject): Gateway {
  const { name, namespace } = object.metadata;
  const source = { kind: 'Gateway', namespace, name };
  return {
    key: `${namespace}/${name}`,
    selector: object.spec.selector ?? {},
    servers: (object.spec.servers ?? []).map((server, i) => ({
      port: server.port.number,
      protocol: server.port.protocol,
      hosts: (server.hosts ?? []).map((host) => buildHost(host, namespace)),
      source: { ...source, path: `spec.servers[${i}]` },
    })),
    source,
  };
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
