import type { ObjectRef } from '@lateen/api/diagnostic.ts';
import type { LateenError } from '@lateen/api/lateen-error.ts';
import type { AdminClient } from '../admin-client.ts';
import { notFound } from '../get/fetch.ts';
import { kindNames, kindOfObject } from '../kind-names.ts';

/** LAT0518 for the first object that is not there, with the name that was probably meant; undefined if all are. */
export async function missingObject(client: AdminClient, refs: readonly ObjectRef[]): Promise<LateenError | undefined> {
  const { objects } = await client.objects({});
  for (const ref of refs) {
    const kind = kindNames.find((each) => each.kind === ref.kind);
    // The manifest of `delete -f` can name a kind that does not exist.
    if (kind === undefined) return undefined;
    const there = objects.filter(
      ({ object }) => kindOfObject(object) === kind && (object.metadata.namespace ?? '') === ref.namespace,
    );
    if (!there.some(({ object }) => object.metadata.name === ref.name)) {
      return notFound(kind, ref.name, ref.namespace, there);
    }
  }
  return undefined;
}
