import type { Sidecar } from '@lateen/api/kinds.ts';
import { hostCovers } from '../../model/hostname.ts';
import { isVisible } from '../../model/visibility.ts';
import { type Check, groupBy, type Problem, refOf, titleOf } from '../check.ts';
import type { MeshView } from '../mesh-view.ts';
import { gatewaysOf, MESH } from '../virtual-services.ts';

/** Several Sidecars for one workload, of which one counts. */
export const sidecarConflicts: Check = {
  about: 'several Sidecars for one workload',
  *run(mesh) {
    const byNamespace = groupBy(mesh.of('Sidecar'), ({ metadata }) => [metadata.namespace]);
    for (const [namespace, sidecars] of byNamespace) {
      const [first, ...others] = sidecars.filter((each) => Object.keys(labelsOf(each)).length === 0);
      for (const other of others) {
        if (first === undefined) break;
        yield conflict(other, first, 'every workload of the namespace');
      }
      const taken = new Map<string, Sidecar>();
      for (const sidecar of sidecars) {
        const labels = labelsOf(sidecar);
        if (Object.keys(labels).length === 0) continue;
        const selected = mesh.workloads.selected(labels, namespace);
        const shared = selected.find(({ ref }) => taken.has(ref.name));
        const before = shared === undefined ? undefined : taken.get(shared.ref.name);
        if (shared !== undefined && before !== undefined) yield conflict(sidecar, before, shared.ref.name);
        for (const { ref } of selected) if (!taken.has(ref.name)) taken.set(ref.name, sidecar);
      }
    }
  },
};

function conflict(sidecar: Sidecar, first: Sidecar, who: string): Problem {
  return {
    code: 'LAT0655',
    object: refOf(sidecar),
    path: Object.keys(labelsOf(sidecar)).length === 0 ? 'spec' : 'spec.workloadSelector.labels',
    message: `${titleOf(refOf(first))} is for ${who}, too, and counts first: this one does not hold there`,
  };
}

function labelsOf({ spec }: Sidecar): Readonly<Record<string, string>> {
  return spec.workloadSelector?.labels ?? {};
}

/** Hosts that Sidecars list and that do not exist. */
export const sidecarHosts: Check = {
  about: 'hosts of Sidecars that stand for no service',
  needsAll: true,
  *run(mesh) {
    const byNamespace = groupBy([...mesh.services.byHostname.values()].flat(), ({ namespace }) => [namespace]);
    for (const sidecar of mesh.of('Sidecar')) {
      const own = sidecar.metadata.namespace;
      for (const [at, { hosts }] of (sidecar.spec.egress ?? []).entries()) {
        for (const [index, text] of hosts.entries()) {
          const { namespace, host } = egressHost(text, own, mesh);
          if (namespace === '~' || (host === '*' && (namespace === '*' || namespace === own))) continue;
          const there = host === '*' ? (byNamespace.get(namespace) ?? []) : mesh.services.under(host);
          const sees = there.some(
            (view) => (namespace === '*' || view.namespace === namespace) && isVisible(view.visibility, own),
          );
          if (sees) continue;
          const where = namespace === '*' ? '' : ` in the namespace ${namespace}`;
          yield {
            code: 'LAT0658',
            object: refOf(sidecar),
            path: `spec.egress[${at}].hosts[${index}]`,
            message: `no service${where} that is visible here is called ${host}`,
          };
        }
      }
    }
  },
};

/** Rules of a namespace for hosts that its own workloads cannot call. Where rules lead to need not be known by name. */
export const hiddenHosts: Check = {
  about: 'Sidecars that hide what a VirtualService of the namespace is about',
  *run(mesh) {
    const byNamespace = groupBy(mesh.of('VirtualService'), ({ metadata }) => [metadata.namespace]);
    const forAll = groupBy(mesh.of('Sidecar'), (each) =>
      Object.keys(labelsOf(each)).length === 0 ? [each.metadata.namespace] : [],
    );
    for (const [namespace, objects] of byNamespace) {
      const [sidecar] = forAll.get(namespace) ?? forAll.get(mesh.rootNamespace) ?? [];
      const allowed = sidecar?.spec.egress?.flatMap(({ hosts }) =>
        hosts.map((text) => egressHost(text, namespace, mesh)),
      );
      if (sidecar === undefined || allowed === undefined) continue;
      const hides = (host: string) => {
        const views = mesh.services.reachedBy(host);
        return (
          views.length > 0 &&
          !views.some((view) =>
            allowed.some(
              (each) =>
                (each.namespace === '*' || each.namespace === view.namespace) &&
                (hostCovers(each.host, view.hostname) || hostCovers(view.hostname, each.host)),
            ),
          )
        );
      };
      for (const object of objects) {
        if (!gatewaysOf(object).includes(MESH)) continue;
        const why = `${titleOf(refOf(sidecar))} hides it from the workloads of ${namespace}: add it to an egress listener`;
        for (const [index, host] of (object.spec.hosts ?? []).entries()) {
          const hostname = mesh.resolve(host, namespace);
          if (!hides(hostname)) continue;
          const message = `the rules for ${hostname} do not hold here: ${why}`;
          yield { code: 'LAT0656', object: refOf(object), path: `spec.hosts[${index}]`, message };
        }
      }
    }
  },
};

function egressHost(text: string, own: string, mesh: MeshView): { namespace: string; host: string } {
  const slash = text.indexOf('/');
  const namespace = text.slice(0, slash) === '.' ? own : text.slice(0, slash);
  return { namespace, host: mesh.resolve(text.slice(slash + 1), namespace === '*' ? own : namespace) };
}
