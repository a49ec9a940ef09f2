import { type Diagnostic, DiagnosticError } from '@lateen/api/diagnostic.ts';
import { isLateenError, messageOf } from '@lateen/api/lateen-error.ts';
import { writtenKind } from '@lateen/api/written-kind.ts';
import { UsageError } from './command.ts';
import { type Output, paint, printable } from './terminal.ts';

export const exitCodes = { ok: 0, failed: 1, usage: 2, interrupted: 130 } as const;

/** Prints what went wrong and what to do about it, and gives the exit code. */
export function printError(output: Output, error: unknown, debug = false): number {
  if (error instanceof DiagnosticError) {
    printDiagnostics(output, error.diagnostics);
    return exitCodes.failed;
  }
  if (error instanceof UsageError) {
    output.write(`${paint(output, 'red', 'error')} LAT0501: ${printable(error.message)}\n${indent(error.remedy)}`);
    return exitCodes.usage;
  }
  if (isLateenError(error)) {
    const head = `${paint(output, 'red', 'error')} ${error.code}: ${printable(error.message)}`;
    output.write(`${head}\n${error.remedy === '' ? '' : indent(error.remedy)}`);
  } else {
    const message = messageOf(error);
    output.write(`${paint(output, 'red', 'error')} LAT0500: ${printable(message)}\n`);
    output.write(indent('This is a fault of Lateen. LATEEN_DEBUG=1 shows where it happened; please report it.'));
  }
  if (debug && error instanceof Error) {
    output.write(`${error.stack}\n`);
    if (error.cause !== undefined) output.write(`caused by ${(error.cause as Error)?.stack ?? String(error.cause)}\n`);
  }
  return exitCodes.failed;
}

export function printDiagnostics(output: Output, diagnostics: readonly Diagnostic[]): void {
  for (const each of diagnostics) output.write(`${formatDiagnosticLine(output, each)}\n`);
}

/** `error LAT0110 routes/x.yaml:12 spec.http[0].mtch: unknown field "mtch", did you mean "match"?` */
export function formatDiagnosticLine(output: Pick<Output, 'colour'>, diagnostic: Diagnostic): string {
  const { severity, message } = diagnostic;
  const head = paint(output, severity === 'error' ? 'red' : severity === 'warning' ? 'yellow' : 'cyan', severity);
  return `${head} ${diagnosticPlace(diagnostic)}: ${printable(message)}`;
}

/** `LAT0110 routes/x.yaml:12 spec.http[0].mtch`, or with the object's name where no file is known. */
export function diagnosticPlace({ code, file, line, path, object }: Diagnostic): string {
  const place = file === undefined ? undefined : line === undefined ? file : `${file}:${line}`;
  const name =
    place === undefined && object !== undefined ? `${writtenKind(object.kind)} ${qualifiedName(object)}` : undefined;
  return printable([code, place, name, path].filter((part) => part !== undefined && part !== '').join(' '));
}

function qualifiedName({ namespace, name }: { namespace: string; name: string }): string {
  return namespace === '' ? name : `${namespace}/${name}`;
}

function indent(text: string): string {
  return text === '' ? '' : `  ${text.replaceAll('\n', '\n  ')}\n`;
}
