import type { ManifestObject, MeshStatus, ObjectOrigin } from '@lateen/api/admin.ts';
import { LateenError } from '@lateen/api/lateen-error.ts';
import { didYouMean } from '@lateen/api/suggest.ts';
import { writtenKind } from '@lateen/api/written-kind.ts';
import type { AdminClient } from '../admin-client.ts';
import { type KindNames, kindOfObject, pluralOf } from '../kind-names.ts';
import type { Selection } from './selection.ts';

/** The objects of one kind, with the status of the mesh for the columns that tell how they do. */
export interface ObjectGroup {
  readonly kind: KindNames;
  readonly items: readonly Item[];
  readonly status: MeshStatus;
}

export interface Item {
  readonly object: ManifestObject;
  /** Undefined for pods, which nobody wrote. */
  readonly origin?: ObjectOrigin;
}

/** Throws LAT0518 if a name that was asked for is not there. Without a namespace, looks in all of them. */
export async function fetchSelection(
  client: AdminClient,
  selection: Selection,
  namespace: string | undefined,
): Promise<ObjectGroup[]> {
  const [status, stored] = await Promise.all([
    client.status(),
    // A single kind is asked for alone; for several, one answer is consistent in itself.
    client.objects(selection.parts.length === 1 ? { kind: selection.parts[0]?.kind.kind ?? '' } : {}),
  ]);
  return selection.parts.map(({ kind, names }) => {
    const all: readonly Item[] =
      kind.kind === 'Pod' ? podsOf(status) : stored.objects.filter((each) => kindOfObject(each.object) === kind);
    const inNamespace = all
      .filter(({ object }) => !kind.namespaced || namespace === undefined || object.metadata.namespace === namespace)
      .sort((a, b) => compare(sortKey(a.object), sortKey(b.object)));
    if (names === undefined) return { kind, items: inNamespace, status };
    const items = names.flatMap((name) => {
      const found = inNamespace.filter(({ object }) => object.metadata.name === name);
      if (found.length === 0) throw notFound(kind, name, namespace, inNamespace);
      return found;
    });
    return { kind, items, status };
  });
}

function podsOf(status: MeshStatus): Item[] {
  return [...status.workloads, ...status.gateways].map(({ name, namespace, labels, serviceAccount }) => ({
    object: {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, namespace, labels },
      spec: { serviceAccountName: serviceAccount },
    },
  }));
}

function sortKey({ metadata }: ManifestObject): string {
  return `${metadata.namespace ?? ''}\0${metadata.name}`;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** `there` are the objects of that kind among which it was looked for. */
export function notFound(
  kind: KindNames,
  name: string,
  namespace: string | undefined,
  there: readonly { readonly object: ManifestObject }[],
): LateenError {
  const place = kind.namespaced && namespace !== undefined ? ` in namespace "${namespace}"` : '';
  const meant =
    didYouMean(
      name,
      there.map(({ object }) => object.metadata.name),
    ) || '.';
  return new LateenError(
    'LAT0518',
    `${writtenKind(kind.kind)} "${name}" not found${place}${meant}`,
    kind.namespaced && namespace !== undefined
      ? `lateen get ${pluralOf(kind)} -A lists those of all namespaces.`
      : `lateen get ${pluralOf(kind)} lists what there is.`,
  );
}
