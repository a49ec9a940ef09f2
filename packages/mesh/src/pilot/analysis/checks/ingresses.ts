import type { Ingress } from '@lateen/api/kinds.ts';
import { intersectHosts } from '../../model/hostname.ts';
import { CLASS_ANNOTATION, defaultClasses } from '../../model/ingress-class.ts';
import { hostOf } from '../../model/ingress-rules.ts';
import { type Check, type Problem, refOf } from '../check.ts';
import { decidedIngresses, servedIngresses } from '../ingresses.ts';
import type { MeshView } from '../mesh-view.ts';

type Backend = NonNullable<Ingress['spec']['defaultBackend']>;

/** Ingresses that are left to others, and why; and classes that are not as they should be. */
export const ingressClasses: Check = {
  about: 'Ingresses that this mesh does not serve, and their classes',
  needsAll: true,
  *run(mesh) {
    for (const { ingress, decision } of decidedIngresses(mesh)) {
      const { ingressClassName } = ingress.spec;
      const object = refOf(ingress);
      const isAnnotated = ingress.metadata.annotations?.[CLASS_ANNOTATION] !== undefined;
      const path = 'spec.ingressClassName';
      if (ingressClassName !== undefined && isAnnotated) {
        const message = `has no effect beside the annotation ${CLASS_ANNOTATION}, which decides; a cluster refuses new Ingresses that have both`;
        yield { code: 'LAT0684', object, path, message };
      } else if (ingressClassName !== undefined && mesh.get('IngressClass', '', ingressClassName) === undefined) {
        const consequence = decision.isServed ? 'it is served as if it named none' : 'nobody serves this Ingress';
        yield {
          code: 'LAT0666',
          object,
          path,
          message: `there is no IngressClass ${ingressClassName}, so ${consequence}`,
        };
        continue;
      }
      if (decision.isServed) continue;
      const place = decision.path === undefined ? {} : { path: decision.path };
      yield { code: 'LAT0680', object, ...place, message: `this mesh does not serve the Ingress: ${decision.why}` };
    }
    const [first, ...others] = defaultClasses(mesh.of('IngressClass'));
    for (const other of others) {
      const message = `the IngressClass ${first?.metadata.name} is the default as well, and is taken; a cluster takes the one that was made last`;
      yield { code: 'LAT0685', object: refOf(other), path: 'metadata.annotations', message };
    }
  },
};

/** Ingresses that name what does not exist. */
export const ingressBackends: Check = {
  about: 'Ingresses whose backends do not exist',
  needsAll: true,
  *run(mesh) {
    for (const ingress of servedIngresses(mesh)) {
      for (const { backend, path } of backendsOf(ingress)) {
        const message = backendProblem(backend, ingress.metadata.namespace, mesh);
        if (message !== undefined) yield { code: 'LAT0665', object: refOf(ingress), path: `${path}.service`, message };
      }
    }
  },
};

/** What an Ingress says that has another effect than it seems, or none. */
export const ingressWords: Check = {
  about: 'TLS, paths and annotations of Ingresses without the effect that is meant',
  *run(mesh) {
    for (const ingress of servedIngresses(mesh)) {
      yield* tlsProblems(ingress);
      yield* pathProblems(ingress);
      for (const name of Object.keys(ingress.metadata.annotations ?? {})) {
        if (!isOfAnotherController(name)) continue;
        const message = `the annotation ${name} has no effect: it is for another controller. A VirtualService says what an Ingress has no field for`;
        yield { code: 'LAT0689', object: refOf(ingress), path: `metadata.annotations["${name}"]`, message };
      }
    }
  },
};

function backendsOf({ spec: { defaultBackend, rules = [] } }: Ingress) {
  return [
    ...(defaultBackend === undefined ? [] : [{ backend: defaultBackend, path: 'spec.defaultBackend' }]),
    ...rules.flatMap(({ http }, at) =>
      (http?.paths ?? []).map(({ backend }, index) => ({
        backend,
        path: `spec.rules[${at}].http.paths[${index}].backend`,
      })),
    ),
  ];
}

function backendProblem({ service }: Backend, namespace: string, mesh: MeshView): string | undefined {
  if (service === undefined) return undefined;
  const object = mesh.get('Service', namespace, service.name);
  if (object === undefined) return `there is no Service ${namespace}/${service.name}`;
  const { name, number } = service.port;
  // Its ports are those of what it means.
  if (object.spec.type === 'ExternalName' && name === undefined) return undefined;
  const ports = object.spec.ports ?? [];
  if (ports.some((port) => (name === undefined ? port.port === number : port.name === name))) return undefined;
  const known = ports.map((port) => (port.name === undefined ? port.port : `${port.name} (${port.port})`)).join(', ');
  return `the Service ${namespace}/${service.name} has no port ${name ?? number}; it has ${known === '' ? 'none' : known}`;
}

function* tlsProblems(ingress: Ingress): Generator<Problem> {
  const { tls = [], rules = [], defaultBackend } = ingress.spec;
  const ruled = [...rules.map(({ host }) => hostOf(host)), ...(defaultBackend === undefined ? [] : ['*'])];
  for (const [at, { hosts = [], secretName }] of tls.entries()) {
    const path = `spec.tls[${at}]`;
    const object = refOf(ingress);
    if (secretName === undefined) {
      yield { code: 'LAT0682', object, path, message: 'has no secretName, so these hosts are not served with TLS' };
      continue;
    }
    for (const [index, host] of hosts.entries()) {
      if (ruled.some((each) => intersectHosts(each, hostOf(host)) !== undefined)) continue;
      const message = `the Ingress has no rule for ${host}, so requests for it with TLS are answered with 404`;
      yield { code: 'LAT0687', object, path: `${path}.hosts[${index}]`, message };
    }
  }
}

function* pathProblems(ingress: Ingress): Generator<Problem> {
  for (const [at, { http }] of (ingress.spec.rules ?? []).entries()) {
    for (const [index, { path = '', pathType }] of (http?.paths ?? []).entries()) {
      const literal = pathType === 'ImplementationSpecific' ? path.replace(/(\.\*|\/\*|^\*)$/, '') : path;
      const message = /[?#]/.test(literal)
        ? `no path has '?' or '#' in it, so no request matches`
        : /[()[\]^|*\\]/.test(literal)
          ? 'is no regular expression: it is taken as it stands'
          : undefined;
      if (message === undefined) continue;
      yield { code: 'LAT0688', object: refOf(ingress), path: `spec.rules[${at}].http.paths[${index}].path`, message };
    }
  }
}

/** `nginx.ingress.kubernetes.io/rewrite-target`, `kubernetes.io/ingress.allow-http` */
function isOfAnotherController(annotation: string): boolean {
  const [domain = ''] = annotation.split('/');
  return (
    domain.endsWith('ingress.kubernetes.io') ||
    (annotation.startsWith('kubernetes.io/ingress.') && annotation !== CLASS_ANNOTATION)
  );
}
