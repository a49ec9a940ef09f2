import type { VirtualService } from '@lateen/api/kinds.ts';
import { hostCovers } from '../../model/hostname.ts';
import { type Check, labelText, type Problem, refOf } from '../check.ts';
import { type HttpMatch, literalStart, matchesWhole, type TextMatch } from '../http-match.ts';
import type { MeshView } from '../mesh-view.ts';
import { gatewayKey, gatewaysOf, MESH } from '../virtual-services.ts';

/** Matches whose conditions no request can meet. */
export const neverMatching: Check = {
  about: 'matches that no request can meet',
  *run(mesh) {
    for (const object of mesh.of('VirtualService')) {
      yield* problemsOf(object, (match) => contradictions(match, object, mesh));
    }
  },
};

/** Matches for callers that do not exist. */
export const noCallers: Check = {
  about: 'matches for callers that there are none of',
  needsAll: true,
  *run(mesh) {
    for (const object of mesh.of('VirtualService')) {
      yield* problemsOf(object, (match) => callers(match, object, mesh));
    }
  },
};

function* problemsOf(object: VirtualService, judge: (match: HttpMatch) => Iterable<Contradiction>): Generator<Problem> {
  for (const [at, { match = [] }] of (object.spec.http ?? []).entries()) {
    for (const [index, each] of match.entries()) {
      for (const { field, why } of judge(each)) {
        const path = `spec.http[${at}].match[${index}].${field}`;
        yield { code: 'LAT0603', object: refOf(object), path, message: `can never match: ${why}` };
      }
    }
  }
}

interface Contradiction {
  readonly field: string;
  readonly why: string;
}

function* contradictions(match: HttpMatch, object: VirtualService, mesh: MeshView): Generator<Contradiction> {
  const { uri, method, scheme, headers = {}, withoutHeaders = {} } = match;
  const path = uri?.exact ?? uri?.prefix;
  if (path?.includes('?')) {
    yield { field: 'uri', why: 'the query is not a part of the path; use queryParams' };
  } else if (path?.includes('#')) {
    yield { field: 'uri', why: 'what follows # never leaves the browser' };
  } else if (uri?.regex !== undefined && !canStartWithSlash(uri.regex)) {
    yield { field: 'uri', why: "the expression must match the whole path, which starts with '/'" };
  }
  if (method?.exact !== undefined && method.exact !== method.exact.toUpperCase()) {
    yield { field: 'method', why: `methods are in capitals: ${method.exact.toUpperCase()}` };
  }
  if (scheme?.exact !== undefined && !['http', 'https'].includes(scheme.exact)) {
    yield { field: 'scheme', why: 'the scheme of a request is http or https' };
  }
  for (const [name, condition] of Object.entries(headers)) {
    if (condition.exact !== undefined && condition.exact !== condition.exact.trim()) {
      yield { field: headerPath('headers', name), why: 'spaces around the value of a header are taken off' };
    }
    const absent = withoutHeaders[name];
    if (absent !== undefined && excludes(absent, condition)) {
      yield { field: headerPath('headers', name), why: 'withoutHeaders asks that such a header is absent' };
    }
  }
  yield* authority(match, object, mesh);
}

function headerPath(field: string, name: string): string {
  return /^[A-Za-z0-9_-]+$/.test(name) ? `${field}.${name}` : `${field}[${JSON.stringify(name)}]`;
}

function canStartWithSlash(regex: string): boolean {
  const start = literalStart(regex);
  if (start !== '') return start.startsWith('/');
  return matchesWhole(regex, '') !== true || /[*+?.([|]/.test(regex);
}

/** Whether the first takes in everything that the second one matches. */
function excludes(absent: TextMatch, present: TextMatch): boolean {
  if (absent.exact === undefined && absent.prefix === undefined && absent.regex === undefined) return true;
  if (absent.exact !== undefined) return present.exact === absent.exact;
  if (absent.prefix !== undefined) return (present.exact ?? present.prefix)?.startsWith(absent.prefix) ?? false;
  return present.exact !== undefined && matchesWhole(absent.regex ?? '', present.exact) === true;
}

/** Conditions on who calls hold for sidecars that there are. */
function* callers(match: HttpMatch, object: VirtualService, mesh: MeshView): Generator<Contradiction> {
  const { sourceLabels = {}, sourceNamespace } = match;
  if (Object.keys(sourceLabels).length === 0 && !sourceNamespace) return;
  const gateways = match.gateways?.map((each) => gatewayKey(each, object.metadata.namespace)) ?? gatewaysOf(object);
  const inMesh = gateways.length === 0 || gateways.includes(MESH);
  const atGateways = gateways.length === 0 || gateways.some((gateway) => gateway !== MESH);
  const callers = mesh.workloads
    .selected(sourceLabels, sourceNamespace || undefined)
    .filter(({ isGateway }) => (isGateway ? atGateways : inMesh));
  if (callers.length > 0) return;
  const where = sourceNamespace ? ` in the namespace ${sourceNamespace}` : '';
  const what = Object.keys(sourceLabels).length === 0 ? 'no workload' : `no workload with ${labelText(sourceLabels)}`;
  yield {
    field: Object.keys(sourceLabels).length > 0 ? 'sourceLabels' : 'sourceNamespace',
    why: `there is ${what}${where}`,
  };
}

/** Requests for other hosts do not come to these rules. */
function* authority(
  { authority: wanted }: HttpMatch,
  object: VirtualService,
  mesh: MeshView,
): Generator<Contradiction> {
  const hosts = object.spec.hosts ?? [];
  if (wanted?.exact === undefined || hosts.length === 0) return;
  const { namespace } = object.metadata;
  const host = wanted.exact.replace(/:\d+$/, '').toLowerCase();
  const full = mesh.resolve(host, namespace);
  // The names that a service has inside of the mesh: reviews, reviews.default, reviews.default.svc and the full one.
  const reached = hosts.some((each) => {
    const resolved = mesh.resolve(each, namespace).toLowerCase();
    return hostCovers(resolved, host) || hostCovers(resolved, full) || resolved.startsWith(`${host}.`);
  });
  if (!reached) yield { field: 'authority', why: `the VirtualService is for ${hosts.join(', ')}, not for ${host}` };
}
