import type { Diagnostic } from '@lateen/api/diagnostic.ts';
import { keyOfRef } from '@lateen/api/object-key.ts';
import type { CheckedFiles } from '#pilot/config/check-files.ts';
import { located } from '#pilot/config/store.ts';
import { allDiagnostics } from '#pilot/model/gateway-api/diagnostics.ts';
import { createPilot } from '#pilot/pilot.ts';

/** @param isPart the files need not name only what is among them */
export function modelDiagnosticsIn({ objects }: Pick<CheckedFiles, 'objects'>, isPart: boolean): Diagnostic[] {
  const { graph, objects: target, model } = createPilot();
  graph.transaction(() => {
    for (const [key, { object }] of objects) target.set(key, object);
  });
  return allDiagnostics(model.diagnostics, isPart).map((each) =>
    located(each, each.object && objects.get(keyOfRef(each.object))?.origin),
  );
}
