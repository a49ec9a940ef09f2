import { type Check, refOf } from '../check.ts';

/** Statuses whose answers have no body (RFC 9110, sections 15.3.5, 15.3.6 and 15.4.5). */
const WITHOUT_BODY = new Set([204, 205, 304]);

/** Answers of a rule itself that clients misread. */
export const bodies: Check = {
  about: 'bodies of answers that must have none',
  *run(mesh) {
    for (const object of mesh.of('VirtualService')) {
      for (const [at, { directResponse }] of (object.spec.http ?? []).entries()) {
        const { status = 0, body } = directResponse ?? {};
        if (body === undefined || !WITHOUT_BODY.has(status)) continue;
        yield {
          code: 'LAT0702',
          object: refOf(object),
          path: `spec.http[${at}].directResponse.body`,
          message: `an answer with the status ${status} has no body: clients take it for the start of the next answer, or ignore it`,
        };
      }
    }
  },
};
