import type { Diagnostic } from '@lateen/api/diagnostic.ts';
import { keyOfRef } from '@lateen/api/object-key.ts';
import type { CheckedFiles } from '#pilot/config/check-files.ts';
import { located } from '#pilot/config/store.ts';
import { unmatchedPatches } from '#pilot/xds/patch-matches.ts';
import { planChecked } from './plan-files.ts';

/** Patches of EnvoyFilters that would find nothing in any proxy of a mesh that is made of these files. */
export function unmatchedIn({ objects }: Pick<CheckedFiles, 'objects'>): Diagnostic[] {
  const { pilot } = planChecked({ objects });
  return unmatchedPatches(pilot).map(({ diagnostic }) =>
    located(diagnostic, diagnostic.object && objects.get(keyOfRef(diagnostic.object))?.origin),
  );
}
