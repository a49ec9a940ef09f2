import type { ServiceEntry } from '@lateen/api/kinds.ts';
import { isVisible, type Visibility } from '../../model/visibility.ts';
import { AddressTree } from '../address-tree.ts';
import { type Check, refOf, titleOf } from '../check.ts';
import type { MeshView } from '../mesh-view.ts';
import type { ServiceView } from '../service-index.ts';

/** Several services under one name. */
export const sameHosts: Check = {
  about: 'several services with one host',
  *run(mesh) {
    for (const [hostname, views] of mesh.services.byHostname) {
      for (const [index, view] of views.slice(0, 50).entries()) {
        const first = views.slice(0, index).find((other) => shares(other.visibility, view.visibility));
        if (first === undefined || first.ref === view.ref) continue;
        const message =
          first.namespace === view.namespace
            ? `${titleOf(first.ref)} is for ${hostname}, too: both are one service, and where they disagree the other one counts`
            : `${titleOf(first.ref)} is for ${hostname}, too: callers in other namespaces than ${view.namespace} reach that one`;
        yield { code: 'LAT0640', object: view.ref, path: hostPath(view.object, hostname), message };
      }
    }
  },
};

function hostPath(object: ServiceView['object'], hostname: string): string {
  return object?.kind === 'ServiceEntry' ? `spec.hosts[${object.spec.hosts.indexOf(hostname)}]` : 'metadata.name';
}

/** Addresses of which not each belongs to one service only. */
export const sameAddresses: Check = {
  about: 'ServiceEntries with overlapping addresses',
  *run(mesh) {
    const trees = new Map<string, AddressTree<ServiceEntry>>();
    for (const entry of mesh.of('ServiceEntry')) {
      for (const [index, address] of (entry.spec.addresses ?? []).entries()) {
        const clash = firstClash(entry, address, trees, mesh);
        if (clash !== undefined) {
          yield {
            code: 'LAT0641',
            object: refOf(entry),
            path: `spec.addresses[${index}]`,
            message: `${titleOf(refOf(clash.other))} has ${clash.address === address ? 'the same address' : clash.address} for port ${clash.port}: connections can go to one of the two only`,
          };
        }
      }
      for (const address of entry.spec.addresses ?? []) {
        for (const { number } of entry.spec.ports ?? []) {
          const tree = trees.get(String(number)) ?? new AddressTree<ServiceEntry>();
          trees.set(String(number), tree);
          tree.add(address, entry);
        }
      }
    }
  },
};

function firstClash(
  entry: ServiceEntry,
  address: string,
  trees: ReadonlyMap<string, AddressTree<ServiceEntry>>,
  mesh: MeshView,
) {
  for (const { number, protocol = '' } of entry.spec.ports ?? []) {
    // HTTP and TLS tell their host, so an address may have several.
    if (/^(http|https|http2|grpc|grpc-web|tls|http_proxy)$/i.test(protocol)) continue;
    const found = trees.get(String(number))?.overlapping(address) ?? [];
    const other = found.find(
      ({ value }) => value !== entry && shares(mesh.visibilityOf(value), mesh.visibilityOf(entry)),
    );
    if (other !== undefined) return { other: other.value, address: other.address, port: number };
  }
  return undefined;
}

/** Whether some namespace sees both. */
function shares(a: Visibility, b: Visibility): boolean {
  if (a === 'all') return b === 'all' || b.length > 0;
  return b === 'all' ? a.length > 0 : a.some((namespace) => isVisible(b, namespace));
}

/** WorkloadEntries that no service leads to. */
export const unusedWorkloadEntries: Check = {
  about: 'WorkloadEntries that nothing selects',
  needsAll: true,
  *run(mesh) {
    for (const entry of mesh.of('WorkloadEntry')) {
      const { namespace } = entry.metadata;
      const labels = entry.spec.labels ?? {};
      if (mesh.entriesSelecting(labels, namespace).length > 0) continue;
      if (mesh.servicesSelecting(labels, namespace).length > 0) continue;
      const message = 'no ServiceEntry and no Service of the namespace selects it, so it gets no requests';
      yield { code: 'LAT0652', object: refOf(entry), path: 'spec.labels', message };
    }
  },
};
