import type { Service } from '@lateen/api/kinds.ts';
import { externalNameOf } from '../../model/kubernetes-service.ts';
import { protocolOf } from '../../model/protocol.ts';
import { MAX_ALIASES } from '../../model/services.ts';
import { isVisible } from '../../model/visibility.ts';
import { type Check, labelText, type Problem, refOf } from '../check.ts';
import type { MeshView } from '../mesh-view.ts';
import { tellsProtocol } from '../port-names.ts';
import type { WorkloadView } from '../workload-index.ts';

type Port = NonNullable<Service['spec']['ports']>[number];

/** Services and ServiceEntries whose selector selects nothing. */
export const emptyServices: Check = {
  about: 'services without workloads',
  needsAll: true,
  *run(mesh) {
    for (const object of mesh.of('Service')) {
      const { selector = {}, type } = object.spec;
      const { namespace } = object.metadata;
      if (type === 'ExternalName' || Object.keys(selector).length === 0) continue;
      if (mesh.workloads.selected(selector, namespace).length > 0) continue;
      const [other] = mesh.workloads.selected(selector);
      const hint = other === undefined ? '' : `; ${other.namespace}/${other.ref.name} has them, in another namespace`;
      yield {
        code: 'LAT0642',
        object: refOf(object),
        path: 'spec.selector',
        message: `no workload in the namespace ${namespace} has the labels ${labelText(selector)}${hint}: requests to the service fail`,
      };
    }
    for (const object of mesh.of('ServiceEntry')) {
      const labels = object.spec.workloadSelector?.labels ?? {};
      const { namespace } = object.metadata;
      if (Object.keys(labels).length === 0 || mesh.workloads.selected(labels, namespace).length > 0) continue;
      yield {
        code: 'LAT0642',
        object: refOf(object),
        path: 'spec.workloadSelector.labels',
        message: `no WorkloadEntry and no pod in the namespace ${namespace} has the labels ${labelText(labels)}: requests to the service fail`,
      };
    }
  },
};

/** What ports of Services lead to. */
export const servicePorts: Check = {
  about: 'ports of services that lead nowhere, or do not tell their protocol',
  *run(mesh) {
    for (const object of mesh.of('Service')) {
      const { selector = {}, type, clusterIP, ports = [] } = object.spec;
      if (type === 'ExternalName') continue;
      const members =
        Object.keys(selector).length === 0 ? [] : mesh.workloads.selected(selector, object.metadata.namespace);
      for (const [index, port] of ports.entries()) {
        const path = `spec.ports[${index}]`;
        yield* leadsNowhere(object, port, path, members);
        yield* unclearProtocol(object, port, path);
        if (clusterIP === 'None' && port.targetPort !== undefined && port.targetPort !== port.port) {
          yield {
            code: 'LAT0648',
            object: refOf(object),
            path: `${path}.targetPort`,
            message: `callers without a sidecar connect to port ${port.port} of the pods themselves, not to ${port.targetPort}: a headless service has no address of its own that could lead there`,
          };
        }
      }
    }
  },
};

function* leadsNowhere(
  object: Service,
  { port, targetPort = port }: Port,
  path: string,
  members: readonly WorkloadView[],
): Generator<Problem> {
  const known = members.filter(({ ports }) => ports !== undefined);
  if (known.length === 0) return;
  const having = known.filter(({ ports = [] }) =>
    ports.some((own) => (typeof targetPort === 'number' ? own.port === targetPort : own.name === targetPort)),
  );
  const lacking = known.filter((each) => !having.includes(each));
  const [first] = lacking;
  if (first === undefined) return;
  const others = lacking.length > 1 ? ` and ${lacking.length - 1} more` : '';
  const what =
    typeof targetPort === 'number' ? `no container port ${targetPort}` : `no container port named ${targetPort}`;
  const who = `${first.ref.kind} ${first.ref.name}${others}`;
  const effect = having.length === 0 ? 'requests to it fail' : 'it gets no requests';
  yield {
    code: 'LAT0646',
    object: refOf(object),
    path: typeof targetPort === 'number' && targetPort === port ? `${path}.port` : `${path}.targetPort`,
    message: `${who} ${lacking.length > 1 ? 'have' : 'has'} ${what}: ${effect}`,
  };
}

function* unclearProtocol(object: Service, { name, port, appProtocol }: Port, path: string): Generator<Problem> {
  if (appProtocol !== undefined || tellsProtocol(name)) return;
  const said = name === undefined ? `port ${port} has no name` : `the name ${name} does not tell`;
  yield {
    code: 'LAT0644',
    object: refOf(object),
    path,
    message: `the protocol of the port is not known (${said}), so it is detected for each connection; begin the name with http-, grpc-, tcp- or the like, or set appProtocol`,
  };
}

/** Services that say different things of one port of one workload. */
export const conflictingServices: Check = {
  about: 'workloads behind several services that disagree on a protocol',
  *run(mesh) {
    const told = new Set<string>();
    for (const workload of mesh.workloads.all) {
      if (workload.isGateway || workload.ports === undefined) continue;
      const services = mesh.servicesSelecting(workload.labels, workload.namespace);
      if (services.length < 2) continue;
      for (const { number, first, second } of disagreements(workload, services)) {
        const key = `${first.object.metadata.name} ${second.object.metadata.name} ${workload.namespace} ${number}`;
        if (told.has(key)) continue;
        told.add(key);
        yield {
          code: 'LAT0645',
          object: refOf(second.object),
          path: `spec.ports[${second.index}]`,
          message: `the Service ${first.object.metadata.name} leads to port ${number} of ${workload.ref.name} as well, with the protocol ${first.protocol} and not ${second.protocol}: the workload takes the connections as plain TCP`,
        };
      }
    }
  },
};

interface Claim {
  readonly object: Service;
  readonly index: number;
  readonly protocol: string;
}

function* disagreements({ ports = [] }: WorkloadView, services: readonly Service[]) {
  for (const { port: number, name } of ports) {
    const claims = services.slice(0, 20).flatMap((object) =>
      (object.spec.ports ?? []).flatMap(({ port, targetPort = port, name: portName, appProtocol }, index): Claim[] => {
        if (targetPort !== number && (name === undefined || targetPort !== name)) return [];
        return [{ object, index, protocol: protocolOf(portName, appProtocol) }];
      }),
    );
    const [first, ...others] = claims;
    const second = others.find(({ protocol }) => protocol !== first?.protocol);
    if (first !== undefined && second !== undefined && first.object !== second.object) yield { number, first, second };
  }
}

/** Deployments that no Service leads to. */
export const unservedDeployments: Check = {
  about: 'Deployments with ports that no Service leads to',
  needsAll: true,
  *run(mesh) {
    for (const { ref, labels, namespace, ports = [], isGateway } of mesh.workloads.all) {
      if (ref.kind !== 'Deployment' || isGateway || ports.length === 0) continue;
      if (mesh.servicesSelecting(labels, namespace).length > 0) continue;
      if (mesh.entriesSelecting(labels, namespace).length > 0) continue;
      const message = 'no Service selects these pods, so nobody can call them by name';
      yield { code: 'LAT0651', object: ref, path: 'spec.template.metadata.labels', message };
    }
  },
};

/** ExternalName and headless Services, where something is said of them that has no meaning. */
export const specialServices: Check = {
  about: 'ExternalName services with settings that they cannot have',
  *run(mesh) {
    const rules = new Map(
      mesh.of('DestinationRule').map((rule) => [mesh.resolve(rule.spec.host, rule.metadata.namespace), rule]),
    );
    for (const object of mesh.of('Service')) {
      const { type, selector = {}, externalName = '' } = object.spec;
      if (type !== 'ExternalName') continue;
      const problem = (path: string, message: string): Problem => ({
        code: 'LAT0647',
        object: refOf(object),
        path,
        message,
      });
      if (Object.keys(selector).length > 0) {
        yield problem('spec.selector', 'has no effect: a Service of the type ExternalName stands for another name');
      }
      if (/^[\d.]+$/.test(externalName) || externalName.includes(':')) {
        yield problem(
          'spec.externalName',
          `${externalName} is looked up as a name, not taken as an address; use a ServiceEntry`,
        );
      }
      const rule = rules.get(mesh.resolve(object.metadata.name, object.metadata.namespace));
      // The other name of a service of the mesh has its workloads.
      const isAlias = mesh.services.reachedBy(externalName).length > 0;
      if (!isAlias && rule !== undefined && (rule.spec.subsets ?? []).length > 0) {
        const message = `DestinationRule ${rule.metadata.namespace}/${rule.metadata.name} gives it subsets, but a Service of the type ExternalName has no workloads to choose from`;
        yield problem('spec.type', message);
      }
    }
  },
};

/** ExternalName Services that only lead to each other. */
export const externalNameCircles: Check = {
  about: 'ExternalName services in a circle, or too many in a row',
  *run(mesh) {
    for (const object of mesh.of('Service')) {
      if (object.spec.type !== 'ExternalName') continue;
      const { namespace } = object.metadata;
      const names: string[] = [mesh.resolve(object.metadata.name, namespace)];
      for (let name = externalNameOf(object); ; ) {
        const isCircle = names.includes(name);
        names.push(name);
        if (isCircle || names.length > MAX_ALIASES + 1) {
          const why = isCircle ? 'that is a circle' : `more than ${MAX_ALIASES} in a row are not followed`;
          const message = `${names.join(' stands for ')}: ${why}, so calls of it reach nobody`;
          yield { code: 'LAT0691', object: refOf(object), path: 'spec.externalName', message };
          break;
        }
        const next = aliasSeen(mesh, name, namespace);
        if (next === undefined) break;
        name = externalNameOf(next);
      }
    }
  },
};

/** The ExternalName Service that a name means there; undefined if it means something else. */
function aliasSeen(mesh: MeshView, name: string, namespace: string): Service | undefined {
  const views = (mesh.services.byHostname.get(name) ?? []).filter(({ visibility }) => isVisible(visibility, namespace));
  const object = (views.find((view) => view.namespace === namespace) ?? views[0])?.object;
  return object?.kind === 'Service' && object.spec.type === 'ExternalName' ? object : undefined;
}
