import { create } from '@bufbuild/protobuf';
import { type Metadata, MetadataSchema } from '@lateen/envoy-api/envoy/config/core/v3/base_pb.js';
import type { SourceRef } from '../../proxy/ir/source.ts';

/** The key of Lateen's own entries in Envoy's `filter_metadata`. */
export const METADATA_KEY = 'lateen';

/** Where a resource came from, so that whoever looks at Envoy's configuration can find the line that asked for it. */
export function sourceMetadata(sources: readonly SourceRef[]): { metadata?: Metadata } {
  if (sources.length === 0) return {};
  const list = sources.map(({ kind, namespace, name, path }) => ({
    kind,
    namespace,
    name,
    ...(path === undefined ? {} : { path }),
  }));
  return { metadata: create(MetadataSchema, { filterMetadata: { [METADATA_KEY]: { sources: list } } }) };
}
