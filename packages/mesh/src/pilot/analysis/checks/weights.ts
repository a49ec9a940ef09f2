import { type Check, refOf } from '../check.ts';

/** Weights are shares of their sum, which readers take for percents. */
export const weights: Check = {
  about: 'weights that are not percents',
  *run(mesh) {
    for (const object of mesh.of('VirtualService')) {
      for (const field of ['http', 'tls', 'tcp'] as const) {
        for (const [at, { route = [] }] of (object.spec[field] ?? []).entries()) {
          const sum = route.reduce((total, { weight = 0 }) => total + weight, 0);
          if (route.length < 2 || sum === 0 || sum === 100) continue;
          const shares = route.map(({ weight = 0 }) => `${Math.round((weight / sum) * 1000) / 10}%`);
          yield {
            code: 'LAT0604',
            object: refOf(object),
            path: `spec.${field}[${at}].route`,
            message: `the weights add up to ${sum}, not to 100: the shares are ${shares.join(', ')}`,
          };
        }
      }
    }
  },
};
