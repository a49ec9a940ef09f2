import type { SourceRef } from '../proxy/ir/source.ts';
import type { ClientTls } from './client-tls.ts';
import type { BackendTraffic } from './gateway-api/backend-traffic.ts';
import type { ShortNames } from './hostname.ts';
import type { LoadBalancing } from './load-balancer.ts';
import type { Protocol } from './protocol.ts';
import { isVisible, type Visibility } from './visibility.ts';
import type { WorkloadAddress } from './workload-address.ts';

/** A service of the mesh: a name and ports that clients call, and where those who answer are found. */
export interface Service {
  /** `NAMESPACE/HOSTNAME`: several namespaces may have a service of one name. */
  readonly key: string;
  /** May be a wildcard, `*.example.com`. */
  readonly hostname: string;
  /** As people call it: the name of a Kubernetes Service, or else the hostname. */
  readonly name: string;
  readonly namespace: string;
  readonly registry: Registry;
  readonly ports: readonly ServicePort[];
  /** Of UDP, which only gateways pass on. */
  readonly datagramPorts?: readonly DatagramPort[];
  readonly resolution: Resolution;
  /** Who answers is not of the mesh: no identities of the mesh, no mutual TLS. */
  readonly isExternal: boolean;
  /** Addresses and subnets, beside the hostname, that clients may call it by. */
  readonly addresses: readonly string[];
  /** An address that was chosen for it, because it has none. Only those know it who ask the mesh. */
  readonly allocatedAddress?: string;
  /** Names that the certificates of those who answer may have, beside their identities. */
  readonly subjectAltNames: readonly string[];
  readonly shortNames?: ShortNames;
  /** For the resolution `alias`: the key of the service that is meant. */
  readonly aliasOf?: string;
  /** Without the addresses that come and go behind them: a service is the same whoever answers for it just now. */
  readonly backings: readonly Backing[];
  /** How endpoints are chosen, where no policy says it. */
  readonly loadBalancing?: LoadBalancing;
  /** By port: which TLS those who answer want, in the place of what policies say of it. */
  readonly backendTls?: Readonly<Record<number, BackendTls>>;
  /** As an XBackendTrafficPolicy has it. */
  readonly backendTraffic?: BackendTraffic;
  readonly visibility: Visibility;
  /** Of a gateway that Lateen runs by itself; nobody declared it. */
  readonly builtIn?: true;
  /** The object that decides; of all that say something, the first. */
  readonly source: SourceRef;
  readonly sources: readonly SourceRef[];
}

/** As a BackendTLSPolicy has it. */
export interface BackendTls {
  readonly tls: ClientTls;
  readonly source: SourceRef;
}

/** Where services come from. A `pod` is one of a headless Service, with a name of its own. */
export type Registry = 'kubernetes' | 'service-entry' | 'pod';

/**
 * How an address is found for a call.
 *
 * - `endpoints`: those known to be behind it
 * - `dns`, `dns-round-robin`: by looking up the names of its endpoints; all that are found, or one after the other
 * - `by-name`: by looking up the very name that was asked for
 * - `original`: the one that the caller meant, before the mesh took the call
 * - `alias`: as another service
 */
export type Resolution = 'endpoints' | 'dns' | 'dns-round-robin' | 'by-name' | 'original' | 'alias';

export interface ServicePort {
  readonly port: number;
  readonly name?: string;
  readonly protocol: Protocol;
  /** Its clients may speak gRPC-Web, as browsers do. */
  readonly grpcWeb?: true;
  /** A container port's number or name. */
  readonly targetPort: number | string;
  /** Where a workload has no port with the name `targetPort`. */
  readonly otherwisePort?: number;
}

/** A port for UDP. */
export type DatagramPort = Pick<ServicePort, 'port' | 'name' | 'targetPort'>;

/** Where those who answer are found, as one object says it. */
export interface Backing {
  readonly ports: readonly ServicePort[];
  /** Workloads of the namespace with all of these labels. Absent: none. */
  readonly selector?: Readonly<Record<string, string>>;
  /** One instance, `NAME.NAMESPACE`. */
  readonly instance?: string;
  /** `NAMESPACE/NAME` of a Service whose EndpointSlices count as well. */
  readonly slicesOf?: string;
  /** Workloads that are not ready count as if they were. */
  readonly notReadyToo: boolean;
}

/** A backing as it is declared, with the addresses that are written down with it. */
export interface DeclaredBacking extends Backing {
  readonly addresses: readonly WorkloadAddress[];
}

/** What one object says of a service. */
export interface ServiceDeclaration
  extends Omit<Service, 'backings' | 'sources' | 'allocatedAddress' | 'aliasOf' | 'backendTraffic'> {
  readonly backing: DeclaredBacking;
  /** The name that an ExternalName Service stands for. */
  readonly externalName?: string;
  /** Its pods have names of their own. */
  readonly isHeadless: boolean;
  /** An address may be chosen for it. */
  readonly wantsAddress: boolean;
}

export function serviceKey(namespace: string, hostname: string): string {
  return `${namespace}/${hostname}`;
}

export function hostnameOfKey(key: string): string {
  return key.slice(key.indexOf('/') + 1);
}

const PRECEDENCE: readonly Registry[] = ['kubernetes', 'service-entry', 'pod'];

/** In which order declarations count: those of Kubernetes first, then by name. */
export function byPrecedence(a: Pick<Service, 'registry' | 'source'>, b: Pick<Service, 'registry' | 'source'>): number {
  const order = PRECEDENCE.indexOf(a.registry) - PRECEDENCE.indexOf(b.registry);
  if (order !== 0) return order;
  return a.source.name === b.source.name ? 0 : a.source.name < b.source.name ? -1 : 1;
}

/** What the mesh knows of a service before other services are looked at. */
export interface MergedService extends Omit<Service, 'allocatedAddress' | 'aliasOf' | 'backings'> {
  readonly backings: readonly DeclaredBacking[];
  readonly externalName?: string;
  readonly wantsAddress: boolean;
}

/**
 * One service of all that is declared for one hostname in one namespace. The first decides; others add endpoints and
 * names of certificates, and to the host of a ServiceEntry also ports and addresses; but a ServiceEntry whose addresses are
 * found in another way than those of the first adds nothing. (As Istio: a ServiceEntry for the host of a Kubernetes Service
 * only decorates it.)
 */
export function mergeDeclarations(declarations: readonly ServiceDeclaration[]): MergedService | undefined {
  const [first, ...others] = [...declarations].sort(byPrecedence);
  if (first === undefined) return undefined;
  const { backing: _, isHeadless: __, ...decided } = first;
  const all = [
    first,
    ...others.filter(({ registry, resolution }) => registry !== first.registry || resolution === first.resolution),
  ];
  const equals = all.filter(({ registry }) => registry === first.registry);
  return {
    ...decided,
    ports: uniqueBy(
      equals.flatMap(({ ports }) => ports),
      ({ port }) => port,
    ),
    addresses: [...new Set(equals.flatMap(({ addresses }) => addresses))],
    subjectAltNames: [...new Set(all.flatMap(({ subjectAltNames }) => subjectAltNames))].sort(),
    backings: all.map(({ backing }) => backing),
    sources: all.map(({ source }) => source),
  };
}

function uniqueBy<T>(list: readonly T[], keyOf: (value: T) => unknown): readonly T[] {
  const seen = new Set<unknown>();
  return list.filter((value) => {
    const key = keyOf(value);
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}

/**
 * Of the services with one hostname, the one that clients of a namespace mean: their own, or the first that they see,
 * those of Kubernetes before others.
 */
export function serviceSeenFrom<S extends Pick<Service, 'namespace' | 'registry' | 'visibility'>>(
  services: readonly S[] | undefined,
  namespace: string,
): S | undefined {
  const seen = (services ?? []).filter(({ visibility }) => isVisible(visibility, namespace));
  return (
    seen.find((service) => service.namespace === namespace) ??
    seen.find(({ registry }) => registry === 'kubernetes') ??
    seen[0]
  );
}

/** Clients call names that only some part of the hostname is given of. */
export function isWildcard({ hostname }: Pick<Service, 'hostname'>): boolean {
  return hostname.startsWith('*');
}

export function byHostname(a: Service, b: Service): number {
  return a.hostname === b.hostname ? (a.namespace < b.namespace ? -1 : 1) : a.hostname < b.hostname ? -1 : 1;
}

export function hasLabels(labels: Readonly<Record<string, string>>, wanted: Readonly<Record<string, string>>): boolean {
  return Object.entries(wanted).every(([key, value]) => labels[key] === value);
}
