import type { ServiceEntry } from '@lateen/api/kinds.ts';
import { protocolOf } from '../../model/protocol.ts';
import { isVisible, type Visibility } from '../../model/visibility.ts';
import { AddressTree } from '../address-tree.ts';
import { type Check, type Problem, refOf, titleOf } from '../check.ts';
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
        const disagreements =
          first.namespace === view.namespace ? disagreementsOf(view, views.slice(0, index), hostname) : [];
        yield* disagreements;
        if (disagreements.length > 0) continue;
        const message =
          first.namespace === view.namespace
            ? `${titleOf(first.ref)} is for ${hostname}, too: both are one service`
            : `${titleOf(first.ref)} is for ${hostname}, too: callers in other namespaces than ${view.namespace} reach that one`;
        yield { code: 'LAT0640', object: view.ref, path: hostPath(view.object, hostname), message };
      }
    }
  },
};

/** Where a ServiceEntry says other things of a host than those of its namespace that come before it by name. */
function disagreementsOf(view: ServiceView, before: readonly ServiceView[], hostname: string): Problem[] {
  const [first] = before.filter(({ namespace }) => namespace === view.namespace);
  if (view.object?.kind !== 'ServiceEntry' || first?.object?.kind !== 'ServiceEntry') return [];
  const { spec } = view.object;
  const problem = (path: string, message: string): Problem => ({ code: 'LAT0690', object: view.ref, path, message });
  const told = (other: ServiceView, path: string, said: string, counts: string) =>
    `${titleOf(other.ref)} says ${said} for ${hostname} (${path}), and comes first by name: ${counts}`;
  const { resolution = 'NONE', location = 'MESH_EXTERNAL', ports: firstPorts = [] } = first.object.spec;
  if ((spec.resolution ?? 'NONE') !== resolution) {
    const message = told(first, 'spec.resolution', resolution, 'nothing of this one is used for the host');
    return [problem('spec.resolution', message)];
  }
  const found: Problem[] = [];
  if ((spec.location ?? 'MESH_EXTERNAL') !== location) {
    found.push(problem('spec.location', told(first, 'spec.location', location, 'that counts')));
  }
  for (const [index, { number, protocol = '' }] of (spec.ports ?? []).entries()) {
    const at = firstPorts.findIndex((port) => port.number === number);
    const said = firstPorts[at]?.protocol ?? '';
    if (at === -1 || protocolOf(undefined, said) === protocolOf(undefined, protocol)) continue;
    const path = `spec.ports[${at}].protocol`;
    const what = said === '' ? `nothing of the protocol of port ${number}` : `${said} of port ${number}`;
    found.push(problem(`spec.ports[${index}].protocol`, told(first, path, what, 'that counts')));
  }
  return found;
}

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

/** Subnets, where nobody learns the address that a caller means. */
export const unusedSubnets: Check = {
  about: 'ServiceEntries with subnets that connections are not told apart by',
  *run(mesh) {
    if (mesh.redirects) return;
    for (const entry of mesh.of('ServiceEntry')) {
      const { addresses = [], hosts } = entry.spec;
      const index = addresses.findIndex((address) => address.includes('/'));
      if (index === -1) continue;
      yield {
        code: 'LAT0692',
        object: refOf(entry),
        path: `spec.addresses[${index}]`,
        message: `the subnet ${addresses[index]} has an effect only where connections are redirected to the sidecar; on this machine, call ${hosts[0]} by its name or its variables, or list single addresses`,
      };
    }
  },
};
