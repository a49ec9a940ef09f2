import type { LocatedSource } from '@lateen/api/admin.ts';
import { fieldOf, listOf } from './envoy-json.ts';

/** `reviews.yaml:12`, for each place that a message came from; the object where it was not written in a file. */
export function sourceText(message: unknown): string {
  const sources = listOf(fieldOf(message, 'metadata', 'filter_metadata', 'lateen', 'sources')) as LocatedSource[];
  const places = sources.map(({ kind, namespace, name, file, line }) =>
    file === undefined ? `${kind} ${namespace}/${name}` : line === undefined ? file : `${file}:${line}`,
  );
  return [...new Set(places)].join(', ');
}
