import { type Check, refOf } from '../check.ts';

/** One destination in several places of a rule: mostly a subset or a port was forgotten. */
export const repeatedDestinations: Check = {
  about: 'destinations that a rule names twice',
  *run(mesh) {
    for (const object of mesh.of('VirtualService')) {
      const { namespace } = object.metadata;
      for (const [at, { route = [] }] of (object.spec.http ?? []).entries()) {
        const seen = new Map<string, number>();
        for (const [index, { destination, headers }] of route.entries()) {
          // With headers of its own, a share of the requests is marked.
          if (headers !== undefined) continue;
          const { host, subset = '', port } = destination;
          const key = `${mesh.resolve(host, namespace)} ${subset} ${port?.number ?? ''}`;
          const first = seen.get(key);
          if (first === undefined) {
            seen.set(key, index);
            continue;
          }
          yield {
            code: 'LAT0705',
            object: refOf(object),
            path: `spec.http[${at}].route[${index}].destination`,
            message: `is the same as that of route[${first}]: their weights add up, and nothing is divided`,
          };
        }
      }
    }
  },
};
