import type { WorkloadEntry } from '@lateen/api/kinds.ts';
import type { LocalityIr } from '../proxy/ir/endpoints.ts';
import { defined } from './defined.ts';
import { localityOf, parseLocality } from './locality.ts';
import type { ServicePort } from './service.ts';

/** A workload that is not an instance: an endpoint written down in a ServiceEntry, or a WorkloadEntry. */
export interface WorkloadAddress {
  /** `NAME.NAMESPACE` of a WorkloadEntry. */
  readonly name?: string;
  readonly namespace: string;
  /** An IP address, a name that DNS knows, or `unix://` and the path of a socket. */
  readonly address: string;
  /** By name. */
  readonly ports: Readonly<Record<string, number>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly locality?: LocalityIr;
  readonly network?: string;
  readonly weight?: number;
  readonly serviceAccount?: string;
  /** A sidecar is there, which takes the mesh's mutual TLS. */
  readonly hasSidecar: boolean;
  readonly ready: boolean;
}

type Fields = WorkloadEntry['spec'];

const TLS_MODE = 'security.istio.io/tlsMode';

/** A WorkloadEntry's spec, which a ServiceEntry's endpoints are as well. Undefined if it cannot be reached. */
export function buildWorkloadAddress(fields: Fields, namespace: string, name?: string): WorkloadAddress | undefined {
  const { address = '', ports = {}, labels = {}, network, locality, weight, serviceAccount = '' } = fields;
  if (address === '') return undefined;
  return defined({
    name: name === undefined ? undefined : `${name}.${namespace}`,
    namespace,
    address,
    ports,
    labels,
    locality: locality === undefined || locality === '' ? localityOf(labels) : parseLocality(locality),
    network: network === '' ? undefined : network,
    weight: weight === 0 ? undefined : weight,
    serviceAccount: serviceAccount === '' ? undefined : serviceAccount,
    // As Istio: who has an identity has a sidecar, unless a label says otherwise.
    hasSidecar: (labels[TLS_MODE] ?? (serviceAccount === '' ? 'disabled' : 'istio')) === 'istio',
    ready: true,
  });
}

/** Where a service port is found on a workload; undefined if it has none such. */
export function portAt(
  { port, name, targetPort, otherwisePort }: ServicePort,
  { ports }: WorkloadAddress,
): number | undefined {
  if (typeof targetPort === 'string') return ports[targetPort] ?? otherwisePort;
  return ports[name ?? String(port)] ?? targetPort;
}
