import type { Service as ServiceObject } from '@lateen/api/kinds.ts';
import { isIp } from '@lateen/api/names.ts';
import type { SourceRef } from '../proxy/ir/source.ts';
import { serviceHostname } from './hostname.ts';
import { isGrpcWeb, type Protocol, protocolOf } from './protocol.ts';
import { buildVisibility, isVisible, type Visibility } from './visibility.ts';

/** A service of the mesh: a name and ports that clients call, and labels that say which instances answer. */
export interface Service {
  /** `NAMESPACE/HOSTNAME`: several namespaces may have a service of one name. */
  readonly key: string;
  readonly hostname: string;
  readonly name: string;
  readonly namespace: string;
  readonly ports: readonly ServicePort[];
  /** IP addresses, and ranges of them such as `10.1.0.0/16`, that callers may use in place of the name. */
  readonly addresses: readonly string[];
  /** Instances in the same namespace that carry all of these answer. Empty: none do. */
  readonly selector: Readonly<Record<string, string>>;
  readonly visibility: Visibility;
  /** Of a gateway that Lateen runs by itself; nobody declared it. */
  readonly builtIn?: true;
  readonly source: SourceRef;
}

export interface ServicePort {
  readonly port: number;
  readonly name?: string;
  readonly protocol: Protocol;
  /** Its clients may speak gRPC-Web, as browsers do. */
  readonly grpcWeb?: true;
  /** A container port's number or name. */
  readonly targetPort: number | string;
}

/** Istio's annotation of Services, with commas between the namespaces. */
const EXPORT_TO = 'networking.istio.io/exportTo';

export function serviceKey(namespace: string, hostname: string): string {
  return `${namespace}/${hostname}`;
}

/** @param exportedTo where the object does not say it */
export function buildService(object: ServiceObject, clusterDomain: string, exportedTo?: readonly string[]): Service {
  const { name, namespace, annotations = {} } = object.metadata;
  const hostname = serviceHostname(name, namespace, clusterDomain);
  return {
    key: serviceKey(namespace, hostname),
    hostname,
    name,
    namespace,
    ports: (object.spec.ports ?? []).map((port) => ({
      port: port.port,
      ...(port.name === undefined ? {} : { name: port.name }),
      protocol: protocolOf(port.name, port.appProtocol),
      ...(isGrpcWeb(port.name, port.appProtocol) ? { grpcWeb: true as const } : {}),
      targetPort: port.targetPort ?? port.port,
    })),
    addresses: addressesOf(object),
    selector: object.spec.selector ?? {},
    visibility: buildVisibility(annotations[EXPORT_TO]?.split(',').map((each) => each.trim()) ?? exportedTo, namespace),
    source: { kind: 'Service', namespace, name },
  };
}

/** A file says them only where somebody has chosen them, or where it was read from a cluster. */
function addressesOf({ spec: { clusterIP, clusterIPs = [] } }: ServiceObject): readonly string[] {
  return [...new Set([...(clusterIP === undefined ? [] : [clusterIP]), ...clusterIPs])].filter(isIp);
}

/** Of the services with one hostname, the one that clients of a namespace mean: their own, or the first that they see. */
export function serviceSeenFrom(services: readonly Service[] | undefined, namespace: string): Service | undefined {
  const seen = (services ?? []).filter(({ visibility }) => isVisible(visibility, namespace));
  return seen.find((service) => service.namespace === namespace) ?? seen[0];
}

export function byHostname(a: Service, b: Service): number {
  return a.hostname === b.hostname ? (a.namespace < b.namespace ? -1 : 1) : a.hostname < b.hostname ? -1 : 1;
}

export function hasLabels(labels: Readonly<Record<string, string>>, wanted: Readonly<Record<string, string>>): boolean {
  return Object.entries(wanted).every(([key, value]) => labels[key] === value);
}
