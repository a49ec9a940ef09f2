import type { WaitRequest, WaitResponse } from '@lateen/api/admin.ts';
import type { ObjectRef } from '@lateen/api/diagnostic.ts';
import { isLateenError } from '@lateen/api/lateen-error.ts';
import { keyOfRef } from '@lateen/api/object-key.ts';
import { writtenKind } from '@lateen/api/written-kind.ts';
import { AdminError } from './admin/admin-error.ts';
import type { Administered } from './admin-handlers.ts';

/** `Administered`, as far as waiting goes. */
export type Awaited = Pick<Administered, 'store' | 'delivered' | 'refusalsOf' | 'diagnostics'>;

/**
 * Waits until every proxy has answered what these objects ask for: whatever a proxy lacks at the time of the call, since
 * what an object asks for goes out in the moment in which it comes into force. What changes later is not waited for.
 *
 * @throws AdminError LAT0735 when it is refused, LAT0736 after the time, LAT0737 when an object is not in force
 */
export async function waitFor(plane: Awaited, request: WaitRequest): Promise<WaitResponse> {
  const { objects, timeoutMs } = request;
  checkInForce(plane, request);
  try {
    await plane.delivered(timeoutMs);
  } catch (error) {
    if (!isLateenError(error) || error.code !== 'LAT0243') throw error;
    throw new AdminError(409, 'LAT0736', error.message, error.remedy);
  }
  // What is refused is taken back as soon as the refusal is heard of, which is before this.
  checkInForce(plane, request);
  return { objects };
}

function checkInForce(plane: Awaited, { objects, for: condition }: WaitRequest): void {
  for (const ref of objects) {
    const key = keyOfRef(ref);
    const isThere = plane.store.objects.has(key);
    if (condition === 'delete') {
      if (isThere) {
        throw new AdminError(409, 'LAT0737', `${titleOf(ref)} is still in force.`, 'Delete it first: lateen delete.');
      }
      continue;
    }
    const said = plane.store.isRefused(key) ? wordsOf(plane, ref) : plane.refusalsOf(key);
    if (said.length > 0) {
      throw new AdminError(
        409,
        'LAT0735',
        `${titleOf(ref)} was refused: ${said.join('; ')}`,
        'Correct the object as the message says; the version before stays in force.',
      );
    }
    if (!isThere) {
      throw new AdminError(404, 'LAT0737', `${titleOf(ref)} is not in force.`, 'See why: lateen analyze');
    }
  }
}

function wordsOf(plane: Awaited, ref: ObjectRef): string[] {
  const key = keyOfRef(ref);
  const said = plane
    .diagnostics()
    .filter(({ object, code }) => code === 'LAT0210' && object !== undefined && keyOfRef(object) === key)
    .map(({ message }) => message);
  return said.length === 0 ? ['Envoy did not accept it'] : said;
}

function titleOf({ kind, namespace, name }: ObjectRef): string {
  return `${writtenKind(kind)} ${namespace === '' ? '' : `${namespace}/`}${name}`;
}
