import type { Diagnostic } from '@lateen/api/diagnostic.ts';
import { gatewayApiKinds } from '@lateen/api/gateway-api/kinds.ts';
import type { ConfigObject } from '@lateen/api/kinds.ts';
import { keyOfRef } from '@lateen/api/object-key.ts';
import { analyze } from '#pilot/analysis/analyze.ts';
import { type CheckedFiles, checkFiles } from '#pilot/config/check-files.ts';
import { DEFAULT_SETTINGS } from '#pilot/model/settings.ts';
import type { Sources } from './read-sources.ts';

export interface SourceFindings {
  readonly diagnostics: readonly Diagnostic[];
  readonly objects: number;
  readonly files: number;
  /** See `CheckedFiles.isPart`. */
  readonly isPart: boolean;
}

/** Everything that is wrong with files, as a mesh made of them would have it. */
export async function checkSources({ files }: Sources, namespace: string, wholeMesh: boolean): Promise<SourceFindings> {
  const { clusterDomain } = DEFAULT_SETTINGS;
  const checked = checkFiles(files, { defaultNamespace: namespace, clusterDomain, wholeMesh });
  const { objects, isPart } = checked;
  const found = analyze({
    ...DEFAULT_SETTINGS,
    objects: [...objects.values()].map(({ object }) => object),
    placeOf: (ref) => objects.get(keyOfRef(ref))?.origin,
    isPart,
  });
  const unmatched = await unmatchedPatchesOf(checked);
  const ofModel = await modelDiagnosticsOf(checked);
  return {
    diagnostics: [...checked.diagnostics, ...unmatched, ...ofModel, ...found],
    objects: objects.size,
    files: files.length,
    isPart,
  };
}

/** What patches find is in the configuration of the proxies, which is only made where there are patches, and no errors. */
async function unmatchedPatchesOf({ objects, diagnostics, isPart }: CheckedFiles): Promise<readonly Diagnostic[]> {
  const hasFilters = [...objects.values()].some(({ object }) => object.kind === 'EnvoyFilter');
  if (!hasFilters || isPart || diagnostics.some(({ severity }) => severity === 'error')) return [];
  const { unmatchedIn } = await import('./unmatched-patches.ts');
  return unmatchedIn({ objects });
}

/** What the model of a mesh that is made of these files finds, which is only made where there is something to find. */
async function modelDiagnosticsOf({ objects, isPart }: CheckedFiles): Promise<readonly Diagnostic[]> {
  const isGatewayApi = ({ kind }: ConfigObject) => Object.hasOwn(gatewayApiKinds, kind);
  if (![...objects.values()].some(({ object }) => isGatewayApi(object))) return [];
  const { modelDiagnosticsIn } = await import('./model-diagnostics.ts');
  return modelDiagnosticsIn({ objects }, isPart);
}
