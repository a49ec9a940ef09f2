import type { ObjectRef } from '@lateen/api/diagnostic.ts';
import { BUILT_IN_GATEWAYS, type BuiltInGateway, isGatewayPod, isSelected } from '@lateen/api/gateway-workload.ts';
import type { ConfigObject } from '@lateen/api/kinds.ts';
import type { WorkloadInstance } from '@lateen/api/workload-instance.ts';
import { startedProxies } from '../model/gateway-api/started-proxies.ts';
import { refOf } from './check.ts';

type Labels = Readonly<Record<string, string>>;

/** Something with a proxy (or an address) that selectors find by its labels. */
export interface WorkloadView {
  readonly namespace: string;
  readonly labels: Labels;
  readonly isGateway: boolean;
  /** A gateway that Lateen runs by itself. */
  readonly isBuiltIn: boolean;
  /** Of the containers. Undefined where nothing is said of them: machines, gateways. */
  readonly ports?: readonly { readonly name?: string; readonly port: number }[];
  readonly ref: ObjectRef;
}

/** All workloads of the configuration, to be found by selector without looking at each. */
export class WorkloadIndex {
  readonly all: readonly WorkloadView[];
  readonly #byNamespace = new Map<string, WorkloadView[]>();
  readonly #byLabel = new Map<string, WorkloadView[]>();

  /** @param instances those of Deployments are known by these already */
  constructor(objects: Iterable<ConfigObject>, instances: Iterable<WorkloadInstance> = []) {
    const all = [...objects];
    const declared = [...all.flatMap(workloadOf), ...[...BUILT_IN_GATEWAYS, ...startedProxies(all)].map(builtIn)];
    const names = new Set(declared.map(({ ref }) => `${ref.namespace}/${ref.name}`));
    const others = [...instances].filter(({ namespace, workload }) => !names.has(`${namespace}/${workload}`));
    this.all = [...declared, ...others.map(running)];
    for (const workload of this.all) {
      push(this.#byNamespace, workload.namespace, workload);
      for (const [key, value] of Object.entries(workload.labels)) push(this.#byLabel, labelKey(key, value), workload);
    }
  }

  /** Those with all of these labels, in one namespace or, without it, in all of them. */
  selected(selector: Labels, namespace?: string): readonly WorkloadView[] {
    const candidates = this.#candidates(selector, namespace);
    return candidates.filter(
      (each) => (namespace === undefined || each.namespace === namespace) && isSelected(each.labels, selector),
    );
  }

  /** The shortest of the lists in which all that are selected stand. */
  #candidates(selector: Labels, namespace: string | undefined): readonly WorkloadView[] {
    let shortest = namespace === undefined ? this.all : (this.#byNamespace.get(namespace) ?? []);
    for (const [key, value] of Object.entries(selector)) {
      const having = this.#byLabel.get(labelKey(key, value)) ?? [];
      if (having.length < shortest.length) shortest = having;
    }
    return shortest;
  }
}

function workloadOf(object: ConfigObject): WorkloadView[] {
  const ref = refOf(object);
  if (object.kind === 'Deployment') {
    const { template } = object.spec;
    const isGateway = isGatewayPod(template);
    const ports = template.spec.containers.flatMap(({ ports: own = [] }) =>
      own.map(({ name, containerPort }) => ({ ...(name === undefined ? {} : { name }), port: containerPort })),
    );
    return [
      {
        namespace: ref.namespace,
        labels: template.metadata?.labels ?? {},
        isGateway,
        isBuiltIn: false,
        ...(isGateway ? {} : { ports }),
        ref,
      },
    ];
  }
  if (object.kind !== 'WorkloadEntry') return [];
  return [{ namespace: ref.namespace, labels: object.spec.labels ?? {}, isGateway: false, isBuiltIn: false, ref }];
}

function builtIn({ name, namespace, labels }: BuiltInGateway): WorkloadView {
  return { namespace, labels, isGateway: true, isBuiltIn: true, ref: { kind: 'Deployment', namespace, name } };
}

function running({ name, namespace, labels, role, ports }: WorkloadInstance): WorkloadView {
  return {
    namespace,
    labels,
    isGateway: role === 'router',
    isBuiltIn: false,
    ...(role === 'router'
      ? {}
      : {
          ports: ports.map(({ containerPort, name: portName }) => ({
            ...(portName === undefined ? {} : { name: portName }),
            port: containerPort,
          })),
        }),
    ref: { kind: 'Pod', namespace, name },
  };
}

function labelKey(key: string, value: string): string {
  return `${key}=${value}`;
}

function push<T>(lists: Map<string, T[]>, key: string, element: T): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [element]);
  else list.push(element);
}
