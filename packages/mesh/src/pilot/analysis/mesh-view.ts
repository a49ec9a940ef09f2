import type { MeshConfig } from '@lateen/api/istio/mesh-config.ts';
import type { ConfigObject, KindName, ObjectByKind, Service, ServiceEntry } from '@lateen/api/kinds.ts';
import { keyOfRef } from '@lateen/api/object-key.ts';
import type { WorkloadInstance } from '@lateen/api/workload-instance.ts';
import { isMeshConfig, readMeshConfig } from '../config/mesh-config.ts';
import { resolveHost } from '../model/hostname.ts';
import { buildVisibility, type Visibility } from '../model/visibility.ts';
import { refOf } from './check.ts';
import { SelectorIndex } from './selector-index.ts';
import { ServiceIndex } from './service-index.ts';
import { WorkloadIndex } from './workload-index.ts';

export interface ViewSettings {
  /** `cluster.local` */
  readonly clusterDomain: string;
  /** `istio-system` */
  readonly rootNamespace: string;
  /** What runs, beside what the objects declare. */
  readonly instances?: Iterable<WorkloadInstance>;
}

/** The whole configuration, laid out so that each check finds what it needs without a search. */
export interface MeshView extends Omit<ViewSettings, 'instances'> {
  /** In order of namespace and name. */
  readonly all: readonly ConfigObject[];
  /** The same of one kind. */
  of<K extends KindName>(kind: K): readonly ObjectByKind[K][];
  get<K extends KindName>(kind: K, namespace: string, name: string): ObjectByKind[K] | undefined;
  readonly config: MeshConfig;
  /** Connections of some workload are redirected to its sidecar, which learns what they are meant for. */
  readonly redirects: boolean;
  /** Those that are declared, and those that objects are in. */
  readonly namespaces: ReadonlySet<string>;
  readonly services: ServiceIndex;
  readonly workloads: WorkloadIndex;
  /** Services of the namespace that select a workload with these labels. */
  servicesSelecting(labels: Readonly<Record<string, string>>, namespace: string): readonly Service[];
  /** The same for ServiceEntries. */
  entriesSelecting(labels: Readonly<Record<string, string>>, namespace: string): readonly ServiceEntry[];
  /** A host as an object of the namespace means it. */
  resolve(host: string, namespace: string): string;
  /** In which namespaces an object is seen; by default, as the mesh's configuration says for its kind. */
  visibilityOf(object: ExportedObject): Visibility;
}

type ExportedObject = ObjectByKind['VirtualService' | 'DestinationRule' | 'ServiceEntry'];

export function viewOf(objects: Iterable<ConfigObject>, settings: ViewSettings): MeshView {
  const { clusterDomain, rootNamespace } = settings;
  const instances = [...(settings.instances ?? [])];
  const sorted = [...objects].sort(byNamespaceAndName);
  const byKind = new Map<KindName, ConfigObject[]>();
  const byKey = new Map<string, ConfigObject>();
  const namespaces = new Set(['default', rootNamespace]);
  const services = new SelectorIndex<Service>();
  const entries = new SelectorIndex<ServiceEntry>();
  let config: MeshConfig = {};
  for (const object of sorted) {
    const ref = refOf(object);
    const same = byKind.get(object.kind);
    if (same === undefined) byKind.set(object.kind, [object]);
    else same.push(object);
    byKey.set(keyOfRef(ref), object);
    if (object.kind === 'Namespace') namespaces.add(ref.name);
    else if (ref.namespace !== '') namespaces.add(ref.namespace);
    const { selector = {} } = object.kind === 'Service' ? object.spec : {};
    if (object.kind === 'Service' && Object.keys(selector).length > 0) services.add(ref.namespace, selector, object);
    if (object.kind === 'ServiceEntry' && object.spec.workloadSelector !== undefined) {
      entries.add(ref.namespace, object.spec.workloadSelector.labels ?? {}, object);
    }
    if (isMeshConfig(object)) config = readMeshConfig(object).value ?? {};
  }
  const defaults = {
    VirtualService: config.defaultVirtualServiceExportTo,
    DestinationRule: config.defaultDestinationRuleExportTo,
    ServiceEntry: config.defaultServiceExportTo,
  };
  return {
    clusterDomain,
    rootNamespace,
    config,
    namespaces,
    redirects: instances.some(({ capture }) => capture.mode === 'redirect'),
    all: sorted,
    of: <K extends KindName>(kind: K) => (byKind.get(kind) ?? []) as ObjectByKind[K][],
    get: <K extends KindName>(kind: K, namespace: string, name: string) =>
      byKey.get(keyOfRef({ kind, namespace, name })) as ObjectByKind[K] | undefined,
    services: new ServiceIndex(sorted, clusterDomain, defaults.ServiceEntry),
    workloads: new WorkloadIndex(sorted, instances),
    servicesSelecting: (labels, namespace) => services.selecting(labels, namespace),
    entriesSelecting: (labels, namespace) => entries.selecting(labels, namespace),
    resolve: (host, namespace) => resolveHost(host, namespace, clusterDomain),
    visibilityOf: ({ kind, metadata, spec }) =>
      buildVisibility((spec.exportTo ?? []).length > 0 ? spec.exportTo : defaults[kind], metadata.namespace),
  };
}

function byNamespaceAndName(a: ConfigObject, b: ConfigObject): number {
  const left = refOf(a);
  const right = refOf(b);
  if (left.namespace !== right.namespace) return left.namespace < right.namespace ? -1 : 1;
  return left.name < right.name ? -1 : left.name > right.name ? 1 : 0;
}
