import { isSelected } from '@lateen/api/gateway-workload.ts';
import type { DestinationRule, Service, ServiceEntry } from '@lateen/api/kinds.ts';
import { type Check, labelText, type Problem, refOf } from '../check.ts';
import type { MeshView } from '../mesh-view.ts';
import type { ServiceView } from '../service-index.ts';
import { destinationsOf } from '../virtual-services.ts';

/** Of those that a wildcard stands for. */
const MAX_SERVICES = 100;

/** Subsets without instances, and those that no route asks for. */
export const subsets: Check = {
  about: 'subsets without workloads, and without routes',
  needsAll: true,
  *run(mesh) {
    const used = usedSubsets(mesh);
    for (const rule of mesh.of('DestinationRule')) {
      const host = mesh.resolve(rule.spec.host, rule.metadata.namespace);
      const known = mesh.services
        .under(host)
        .slice(0, MAX_SERVICES)
        .map((service) => instancesOf(service, mesh));
      const instances = known.every((each) => each !== undefined) ? known.flat() : [];
      for (const [index, subset] of (rule.spec.subsets ?? []).entries()) {
        const path = `spec.subsets[${index}]`;
        const labels = subset.labels ?? {};
        // Of a service without any workloads, another check tells.
        if (instances.length > 0 && !instances.some((each) => isSelected(each, labels))) {
          yield noInstances(rule, path, host, subset.name, labels, instances);
        }
        if (!used.has(subsetKey(host, subset.name))) {
          const message = `no VirtualService sends requests to the subset ${subset.name} of ${host}`;
          yield { code: 'LAT0622', object: refOf(rule), path: `${path}.name`, message };
        }
      }
    }
  },
};

function noInstances(
  rule: DestinationRule,
  path: string,
  host: string,
  name: string,
  labels: Readonly<Record<string, string>>,
  instances: readonly Readonly<Record<string, string>>[],
): Problem {
  const key = Object.keys(labels).find((each) => !instances.some((have) => have[each] === labels[each])) ?? '';
  const values = [...new Set(instances.flatMap((each) => each[key] ?? []))].sort();
  const hint = values.length === 0 ? '' : `; their ${key} is ${values.slice(0, 10).join(', ')}`;
  return {
    code: 'LAT0621',
    object: refOf(rule),
    path: `${path}.labels`,
    message: `no workload of ${host} has the labels ${labelText(labels)} of the subset ${name}${hint}: requests to it would fail`,
  };
}

/** Labels of the workloads of a service; undefined where they are not known: behind names that DNS resolves. */
function instancesOf({ object, namespace }: ServiceView, mesh: MeshView): readonly Labels[] | undefined {
  if (object === undefined) return undefined;
  return object.kind === 'Service' ? ofService(object, namespace, mesh) : ofEntry(object, namespace, mesh);
}

type Labels = Readonly<Record<string, string>>;

function ofService({ spec }: Service, namespace: string, mesh: MeshView): readonly Labels[] | undefined {
  const { selector = {}, type } = spec;
  if (type === 'ExternalName' || Object.keys(selector).length === 0) return undefined;
  return mesh.workloads.selected(selector, namespace).map(({ labels }) => labels);
}

function ofEntry({ spec }: ServiceEntry, namespace: string, mesh: MeshView): readonly Labels[] | undefined {
  const selector = spec.workloadSelector?.labels;
  if (selector !== undefined) return mesh.workloads.selected(selector, namespace).map(({ labels }) => labels);
  return spec.endpoints === undefined ? undefined : spec.endpoints.map(({ labels = {} }) => labels);
}

/** Keys of every subset that is asked for. */
function usedSubsets(mesh: MeshView): ReadonlySet<string> {
  const used = new Set<string>();
  const add = (host: string, subset: string) => used.add(subsetKey(host, subset)).add(subsetKey('*', subset));
  for (const object of mesh.of('VirtualService')) {
    for (const { host, subset } of destinationsOf(object, mesh)) if (subset !== undefined) add(host, subset);
  }
  for (const { metadata, spec } of mesh.of('Sidecar')) {
    const { host, subset } = spec.outboundTrafficPolicy?.egressProxy ?? {};
    if (host !== undefined && subset !== undefined) add(mesh.resolve(host, metadata.namespace), subset);
  }
  return used;
}

/** Rules with a wildcard give subsets to any host that they cover, so for those any host counts. */
function subsetKey(host: string, subset: string): string {
  return `${host.startsWith('*') ? '*' : host} ${subset}`;
}
