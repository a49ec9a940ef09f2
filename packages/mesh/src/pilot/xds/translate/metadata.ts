import { create } from '@bufbuild/protobuf';
import { type Metadata, MetadataSchema } from '@lateen/envoy-api/envoy/config/core/v3/base_pb.js';
import type { SourceRef } from '../../proxy/ir/source.ts';

/** The key of Lateen's own entries in Envoy's `filter_metadata`. */
export const METADATA_KEY = 'lateen';

/** Where a resource came from, so that whoever looks at Envoy's configuration can find the line that asked for it. */
export function sourceMetadata(sources: readonly SourceRef[]): { metadata?: Metadata } {
  if (sources.length === 0) return {};
  return { metadata: create(MetadataSchema, { filterMetadata: { [METADATA_KEY]: { sources: sources.map(toJson) } } }) };
}

/** A message that came from these as well. Neither it nor its metadata is changed. */
export function addSources<M extends { metadata?: Metadata | undefined }>(
  message: M,
  sources: readonly SourceRef[],
): M {
  if (sources.length === 0) return message;
  const metadata = message.metadata ?? create(MetadataSchema);
  const list = [...sourcesIn(metadata), ...sources].map(toJson);
  const own = { ...metadata.filterMetadata[METADATA_KEY], sources: list };
  return { ...message, metadata: { ...metadata, filterMetadata: { ...metadata.filterMetadata, [METADATA_KEY]: own } } };
}

/** The inverse of `sourceMetadata`. */
export function sourcesIn(metadata: Metadata | undefined): readonly SourceRef[] {
  const list = metadata?.filterMetadata[METADATA_KEY]?.sources;
  return Array.isArray(list) ? (list as unknown as SourceRef[]) : [];
}

function toJson({ kind, namespace, name, path }: SourceRef) {
  return { kind, namespace, name, ...(path === undefined ? {} : { path }) };
}
