import { optionalDurationMs } from '@lateen/api/duration.ts';
import { type Check, refOf } from '../check.ts';

/** Times of a rule that leave no room for each other. */
export const timeouts: Check = {
  about: 'timeouts and retries that contradict each other',
  *run(mesh) {
    for (const object of mesh.of('VirtualService')) {
      for (const [at, { timeout, retries }] of (object.spec.http ?? []).entries()) {
        const limit = optionalDurationMs(timeout);
        if (limit === undefined || retries === undefined || retries.attempts === 0) continue;
        const path = `spec.http[${at}].retries`;
        const attempt = optionalDurationMs(retries.perTryTimeout);
        if (attempt !== undefined && attempt >= limit) {
          yield {
            code: 'LAT0606',
            object: refOf(object),
            path: `${path}.perTryTimeout`,
            message: `${retries.perTryTimeout} is not less than the timeout of the rule, ${timeout}: an attempt that takes too long is never tried again`,
          };
        }
        const backoff = optionalDurationMs(retries.backoff);
        if (backoff !== undefined && backoff >= limit) {
          yield {
            code: 'LAT0606',
            object: refOf(object),
            path: `${path}.backoff`,
            message: `${retries.backoff} is not less than the timeout of the rule, ${timeout}: there is no time left for a retry`,
          };
        }
      }
    }
  },
};
