import type { Service as ServiceObject } from '@lateen/api/kinds.ts';
import type { SourceRef } from '../proxy/ir/source.ts';
import { serviceHostname } from './hostname.ts';
import { type Protocol, protocolOf } from './protocol.ts';

/** A service of the mesh: a name and ports that clients call, and labels that say which instances answer. */
export interface Service {
  readonly hostname: string;
  readonly name: string;
  readonly namespace: string;
  readonly ports: readonly ServicePort[];
  /** Instances in the same namespace that carry all of these answer. Empty: none do. */
  readonly selector: Readonly<Record<string, string>>;
  readonly source: SourceRef;
}

export interface ServicePort {
  readonly port: number;
  readonly name?: string;
  readonly protocol: Protocol;
  /** A container port's number or name. */
  readonly targetPort: number | string;
}

export function buildService(object: ServiceObject, clusterDomain: string): Service {
  const { name, namespace } = object.metadata;
  return {
    hostname: serviceHostname(name, namespace, clusterDomain),
    name,
    namespace,
    ports: (object.spec.ports ?? []).map((port) => ({
      port: port.port,
      ...(port.name === undefined ? {} : { name: port.name }),
      protocol: protocolOf(port.name, port.appProtocol),
      targetPort: port.targetPort ?? port.port,
    })),
    selector: object.spec.selector ?? {},
    source: { kind: 'Service', namespace, name },
  };
}

export function byHostname(a: Service, b: Service): number {
  return a.hostname < b.hostname ? -1 : 1;
}

export function hasLabels(labels: Readonly<Record<string, string>>, wanted: Readonly<Record<string, string>>): boolean {
  return Object.entries(wanted).every(([key, value]) => labels[key] === value);
}
