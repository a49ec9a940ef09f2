import type { DestinationRule } from '@lateen/api/kinds.ts';
import { type Check, type Problem, refOf } from '../check.ts';

/** Settings that let in more than is mostly meant. */
export const trust: Check = {
  about: 'servers and pages that anybody can pretend to be',
  *run(mesh) {
    for (const object of mesh.of('DestinationRule')) yield* unverified(object);
    for (const object of mesh.of('VirtualService')) {
      for (const [at, { corsPolicy }] of (object.spec.http ?? []).entries()) {
        if (corsPolicy?.allowCredentials !== true) continue;
        const { allowOrigins = [], allowOrigin = [] } = corsPolicy;
        const isAny = allowOrigins.some(({ exact, regex }) => exact === '*' || ANY_TEXT.has(regex ?? ''));
        if (!isAny && !allowOrigin.includes('*')) continue;
        yield {
          code: 'LAT0704',
          object: refOf(object),
          path: `spec.http[${at}].corsPolicy.allowCredentials`,
          message: 'every page that a user visits may call with the cookies of that user: name the origins that may',
        };
      }
    }
  },
};

const ANY_TEXT = new Set(['.*', '.+', '^.*$', '^.+$']);

function* unverified(object: DestinationRule): Generator<Problem> {
  const { trafficPolicy, subsets = [] } = object.spec;
  const policies = [
    { path: 'spec.trafficPolicy', policy: trafficPolicy },
    ...subsets.map((subset, at) => ({ path: `spec.subsets[${at}].trafficPolicy`, policy: subset.trafficPolicy })),
  ];
  for (const { path, policy } of policies) {
    const places = [
      { path: `${path}.tls`, tls: policy?.tls },
      ...(policy?.portLevelSettings ?? []).map(({ tls }, at) => ({
        path: `${path}.portLevelSettings[${at}].tls`,
        tls,
      })),
    ];
    for (const { path: at, tls } of places) {
      if (tls?.insecureSkipVerify !== true) continue;
      yield {
        code: 'LAT0703',
        object: refOf(object),
        path: `${at}.insecureSkipVerify`,
        message:
          'the certificate of the server is not checked: whoever stands in between can read and change everything',
      };
    }
  }
}
