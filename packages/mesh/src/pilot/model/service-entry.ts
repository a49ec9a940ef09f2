import type { ServiceEntry } from '@lateen/api/kinds.ts';
import { defined } from './defined.ts';
import { shortNamesOf } from './hostname.ts';
import { isGrpcWeb, protocolOf } from './protocol.ts';
import { type Resolution, type ServiceDeclaration, type ServicePort, serviceKey } from './service.ts';
import { buildVisibility, said } from './visibility.ts';
import { buildWorkloadAddress, type WorkloadAddress } from './workload-address.ts';

type Spec = ServiceEntry['spec'];

const RESOLUTIONS: Readonly<Record<NonNullable<Spec['resolution']>, Resolution>> = {
  NONE: 'original',
  STATIC: 'endpoints',
  DNS: 'dns',
  DNS_ROUND_ROBIN: 'dns-round-robin',
  DYNAMIC_DNS: 'by-name',
};

/** Istio's label that says `false` where no address should be chosen. */
const ALLOCATES = 'networking.istio.io/enable-autoallocate-ip';

/**
 * A service for each host.
 *
 * @param exportedTo where the object does not say it
 */
export function declareServiceEntry(
  object: ServiceEntry,
  clusterDomain: string,
  exportedTo?: readonly string[],
): readonly ServiceDeclaration[] {
  const { name, namespace, labels = {} } = object.metadata;
  const { spec } = object;
  const { addresses = [], workloadSelector, resolution = 'NONE' } = spec;
  const ports = (spec.ports ?? []).map(buildPort);
  const endpoints = (spec.endpoints ?? []).flatMap((fields) => buildWorkloadAddress(fields, namespace) ?? []);
  const visibility = buildVisibility(said(spec.exportTo) ?? exportedTo, namespace);
  return spec.hosts.map((hostname, i): ServiceDeclaration => {
    const isNamed = !hostname.startsWith('*');
    return defined({
      key: serviceKey(namespace, hostname),
      hostname,
      name: hostname,
      namespace,
      registry: 'service-entry' as const,
      ports,
      resolution: RESOLUTIONS[resolution],
      isExternal: (spec.location ?? 'MESH_EXTERNAL') === 'MESH_EXTERNAL',
      addresses,
      subjectAltNames: spec.subjectAltNames ?? [],
      shortNames: shortNamesOf(hostname, clusterDomain),
      backing: defined({
        ports,
        selector: workloadSelector === undefined ? undefined : (workloadSelector.labels ?? {}),
        addresses:
          endpoints.length === 0 && workloadSelector === undefined
            ? implied(resolution, hostname, namespace)
            : endpoints,
        notReadyToo: false,
      }),
      isHeadless: false,
      wantsAddress: addresses.length === 0 && isNamed && resolution !== 'NONE' && labels[ALLOCATES] !== 'false',
      visibility,
      source: { kind: 'ServiceEntry', namespace, name, path: `spec.hosts[${i}]` },
    });
  });
}

/** Without other endpoints, those of DNS are at the host itself; and so is the address that a caller of it means. */
function implied(resolution: NonNullable<Spec['resolution']>, hostname: string, namespace: string): WorkloadAddress[] {
  if (resolution === 'STATIC' || resolution === 'DYNAMIC_DNS' || hostname.startsWith('*')) return [];
  return [{ namespace, address: hostname, ports: {}, labels: {}, hasSidecar: false, ready: true }];
}

function buildPort({ number, name, protocol = '', targetPort = 0 }: NonNullable<Spec['ports']>[number]): ServicePort {
  const spoken = protocol === '' ? undefined : protocol;
  return {
    port: number,
    name,
    protocol: protocolOf(undefined, spoken),
    ...(isGrpcWeb(undefined, spoken) ? { grpcWeb: true as const } : {}),
    targetPort: name,
    otherwisePort: targetPort === 0 ? number : targetPort,
  };
}
