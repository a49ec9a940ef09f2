import type { AppliedObject, ApplyResponse } from '@lateen/api/admin.ts';
import { asWritten } from '@lateen/api/written-kind.ts';
import { printDiagnostics } from './errors.ts';
import { objectTitle } from './kind-names.ts';
import { printDocument } from './output.ts';
import { paint, printable, type Terminal } from './terminal.ts';

export interface AppliedView {
  readonly output: 'json' | 'yaml' | undefined;
  readonly dryRun: boolean;
}

/** A line for each object, in the order of the request; what is doubtful about them goes to stderr. */
export async function printApplied(terminal: Terminal, response: ApplyResponse, view: AppliedView): Promise<void> {
  printDiagnostics(terminal.stderr, response.diagnostics);
  if (view.output !== undefined) {
    await printDocument(terminal.stdout, view.output, { ...response, objects: response.objects.map(asWritten) });
    return;
  }
  for (const object of response.objects) {
    const result = paint(terminal.stdout, styles[object.result], object.result);
    terminal.stdout.write(`${printable(objectTitle(object))} ${result}${view.dryRun ? ' (dry run)' : ''}\n`);
  }
}

const styles = {
  created: 'green',
  configured: 'yellow',
  unchanged: 'dim',
  deleted: 'red',
} as const satisfies Record<AppliedObject['result'], string>;
