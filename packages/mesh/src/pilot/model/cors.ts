import { optionalDurationMs } from '@lateen/api/duration.ts';
import type { VirtualService } from '@lateen/api/kinds.ts';
import type { CorsIr } from '../proxy/ir/route-filters.ts';
import type { StringMatchIr } from '../proxy/ir/route-match.ts';
import { stringMatch } from './route-match.ts';

type CorsPolicy = NonNullable<NonNullable<VirtualService['spec']['http']>[number]['corsPolicy']>;

export function buildCors(policy: CorsPolicy): CorsIr {
  const { allowOrigins = [], allowOrigin = [], allowMethods = [], allowHeaders = [], exposeHeaders = [] } = policy;
  const maxAgeMs = optionalDurationMs(policy.maxAge);
  return {
    origins: [
      ...allowOrigins.map(stringMatch).filter((match) => match !== undefined),
      ...allowOrigin.map((value): StringMatchIr => ({ type: 'exact', value })),
    ],
    methods: allowMethods,
    headers: allowHeaders,
    exposedHeaders: exposeHeaders,
    ...(maxAgeMs === undefined ? {} : { maxAgeSeconds: maxAgeMs / 1000 }),
    credentials: policy.allowCredentials ?? false,
    forwardOthers: policy.unmatchedPreflights !== 'IGNORE',
  };
}
