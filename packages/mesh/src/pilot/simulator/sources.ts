import type { VerdictSource } from '@lateen/api/verdict.ts';
import type { Metadata } from '@lateen/envoy-api/envoy/config/core/v3/base_pb.js';
import { METADATA_KEY } from '../xds/translate/metadata.ts';

/** The objects that asked for a resource, as the translators wrote them into its metadata. */
export function sourcesOf(message: { readonly metadata?: Metadata | undefined } | undefined): readonly VerdictSource[] {
  const sources = lateenMetadata(message)?.sources;
  return Array.isArray(sources) ? (sources as unknown[]).filter(isSource) : [];
}

/** `NAME.NAMESPACE` of the workload instance behind an endpoint. */
export function instanceOf(message: { readonly metadata?: Metadata | undefined }): string | undefined {
  const instance = lateenMetadata(message)?.instance;
  return typeof instance === 'string' ? instance : undefined;
}

function lateenMetadata(message: { readonly metadata?: Metadata | undefined } | undefined) {
  return message?.metadata?.filterMetadata[METADATA_KEY];
}

/** Others may write into the metadata too. */
function isSource(value: unknown): value is VerdictSource {
  if (typeof value !== 'object' || value === null) return false;
  const { kind, namespace, name } = value as Partial<Record<keyof VerdictSource, unknown>>;
  return typeof kind === 'string' && typeof namespace === 'string' && typeof name === 'string';
}
