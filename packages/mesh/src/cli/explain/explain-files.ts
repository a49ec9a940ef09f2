import type { ExplainRequest } from '@lateen/api/admin.ts';
import type { Journey } from '@lateen/api/verdict.ts';
import { explain } from '#pilot/explain/explain.ts';
import { planFiles } from '../check/plan-files.ts';
import type { Sources } from '../check/read-sources.ts';

/** As a mesh made of these files would treat the request. Throws what is wrong with the files. */
export function explainFiles(sources: Sources, namespace: string, request: ExplainRequest): Journey {
  const { pilot, originOf } = planFiles(sources, namespace);
  return explain(pilot, request, originOf);
}
