import type { Ingress } from '@lateen/api/kinds.ts';
import { type Check, refOf } from '../check.ts';
import type { MeshView } from '../mesh-view.ts';

type Backend = NonNullable<Ingress['spec']['defaultBackend']>;

/** Ingresses and EndpointSlices that name what does not exist. */
export const ingresses: Check = {
  about: 'Ingresses whose backends, classes or certificates do not exist',
  needsAll: true,
  *run(mesh) {
    for (const object of mesh.of('Ingress')) {
      const { defaultBackend, rules = [], tls = [], ingressClassName } = object.spec;
      const { namespace } = object.metadata;
      const problem = (code: 'LAT0665' | 'LAT0666', path: string, message: string) => ({
        code,
        object: refOf(object),
        path,
        message,
      });
      const backends = [
        ...(defaultBackend === undefined ? [] : [{ backend: defaultBackend, path: 'spec.defaultBackend' }]),
        ...rules.flatMap(({ http }, at) =>
          (http?.paths ?? []).map(({ backend }, index) => ({
            backend,
            path: `spec.rules[${at}].http.paths[${index}].backend`,
          })),
        ),
      ];
      for (const { backend, path } of backends) {
        const why = backendProblem(backend, namespace, mesh);
        if (why !== undefined) yield problem('LAT0665', `${path}.service`, why);
      }
      for (const [index, { secretName }] of tls.entries()) {
        if (secretName === undefined || mesh.get('Secret', namespace, secretName) !== undefined) continue;
        yield problem('LAT0665', `spec.tls[${index}].secretName`, `there is no Secret ${namespace}/${secretName}`);
      }
      const ownClass = mesh.config.ingressClass ?? 'istio';
      if (ingressClassName === undefined || ingressClassName === ownClass) continue;
      if (mesh.get('IngressClass', '', ingressClassName) === undefined) {
        const message = `there is no IngressClass ${ingressClassName}, so nobody serves this Ingress`;
        yield problem('LAT0666', 'spec.ingressClassName', message);
      }
    }
    for (const object of mesh.of('EndpointSlice')) {
      const name = object.metadata.labels?.['kubernetes.io/service-name'];
      if (name === undefined) continue;
      const service = mesh.get('Service', object.metadata.namespace, name);
      const path = 'metadata.labels["kubernetes.io/service-name"]';
      if (service === undefined) {
        const message = `there is no Service ${object.metadata.namespace}/${name} that these endpoints could belong to`;
        yield { code: 'LAT0650', object: refOf(object), path, message };
      } else if (Object.keys(service.spec.selector ?? {}).length > 0) {
        const message = `the Service ${name} has a selector: its pods are its endpoints, besides these`;
        yield { code: 'LAT0650', object: refOf(object), path, message };
      }
    }
  },
};

function backendProblem({ service }: Backend, namespace: string, mesh: MeshView): string | undefined {
  if (service === undefined) return undefined;
  const object = mesh.get('Service', namespace, service.name);
  if (object === undefined) return `there is no Service ${namespace}/${service.name}`;
  const { name, number } = service.port;
  const ports = object.spec.ports ?? [];
  if (ports.some((port) => (name === undefined ? port.port === number : port.name === name))) return undefined;
  const known = ports.map((port) => (port.name === undefined ? port.port : `${port.name} (${port.port})`)).join(', ');
  return `the Service ${namespace}/${service.name} has no port ${name ?? number}; it has ${known === '' ? 'none' : known}`;
}
