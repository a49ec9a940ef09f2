import type { ExplainRequest } from '@lateen/api/admin.ts';
import { DiagnosticError } from '@lateen/api/diagnostic.ts';
import type { Journey } from '@lateen/api/verdict.ts';
import { checkFiles } from '#pilot/config/check-files.ts';
import { explain } from '#pilot/explain/explain.ts';
import { planMesh } from '#pilot/explain/planned-mesh.ts';
import { DEFAULT_SETTINGS } from '#pilot/model/settings.ts';
import type { Sources } from '../check/read-sources.ts';

/** As a mesh made of these files would treat the request. Throws what is wrong with the files. */
export function explainFiles({ files }: Sources, namespace: string, request: ExplainRequest): Journey {
  const { clusterDomain } = DEFAULT_SETTINGS;
  const { objects, diagnostics } = checkFiles(files, { defaultNamespace: namespace, clusterDomain, wholeMesh: true });
  const errors = diagnostics.filter(({ severity }) => severity === 'error');
  if (errors.length > 0) throw new DiagnosticError(errors);
  const pilot = planMesh(new Map([...objects].map(([key, { object }]) => [key, object])));
  return explain(pilot, request, (key) => objects.get(key)?.origin);
}
