import { type Diagnostic, hasErrors, type Severity } from '@lateen/api/diagnostic.ts';
import { asWritten, writtenKind } from '@lateen/api/written-kind.ts';
import { exitCodes } from '../errors.ts';
import { printDocument } from '../output.ts';
import { type Output, paint, printable, type Style } from '../terminal.ts';

/** What `-o json` prints of each diagnostic: a contract. What is not known is null. */
export interface ReportedDiagnostic {
  readonly code: string;
  readonly severity: Severity;
  readonly message: string;
  readonly object: { readonly kind: string; readonly namespace: string; readonly name: string } | null;
  readonly file: string | null;
  /** 1-based. */
  readonly line: number | null;
  readonly path: string | null;
}

/** Prints the diagnostics and gives the exit code: 1 if there is an error. */
export async function report(
  output: Output,
  diagnostics: readonly Diagnostic[],
  format: 'json' | 'yaml' | undefined,
  scope: string,
): Promise<number> {
  if (format === undefined) output.write(formatReport(output, diagnostics, scope));
  else await printDocument(output, format, diagnostics.map(reported));
  return hasErrors(diagnostics) ? exitCodes.failed : exitCodes.ok;
}

function reported({ code, severity, message, object, file, line, path }: Diagnostic): ReportedDiagnostic {
  return {
    code,
    severity,
    message,
    object:
      object === undefined ? null : asWritten({ kind: object.kind, namespace: object.namespace, name: object.name }),
    file: file ?? null,
    line: line ?? null,
    path: path ?? null,
  };
}

const STYLES: Record<Severity, Style> = { error: 'red', warning: 'yellow', info: 'cyan' };

/** By file, each with line, severity, code, message and what it is about; and how many there are. */
export function formatReport(
  output: Pick<Output, 'colour'>,
  diagnostics: readonly Diagnostic[],
  scope: string,
): string {
  const byFile = new Map<string, Diagnostic[]>();
  for (const each of diagnostics) {
    const file = each.file ?? '';
    const same = byFile.get(file);
    if (same === undefined) byFile.set(file, [each]);
    else same.push(each);
  }
  const groups = [...byFile]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([file, found]) => {
      const title = file === '' ? '(not from a file)' : printable(file);
      const sorted = found.toSorted((a, b) => (a.line ?? 0) - (b.line ?? 0));
      const width = Math.max(...sorted.map(({ line = '' }) => String(line).length));
      return `${paint(output, 'bold', title)}\n${sorted.map((each) => entry(output, each, width)).join('')}`;
    });
  return [...groups, `${summary(output, diagnostics, scope)}\n`].join('\n');
}

function entry(output: Pick<Output, 'colour'>, each: Diagnostic, width: number): string {
  const { code, severity, message, line = '', object, path = '' } = each;
  const about = [object === undefined ? '' : `${writtenKind(object.kind)} ${qualifiedName(object)}`, path]
    .filter(Boolean)
    .join(' ');
  const indent = ' '.repeat(width + 4);
  const head = `  ${String(line).padStart(width)}  ${paint(output, STYLES[severity], severity)} ${code}: ${printable(message)}\n`;
  return about === '' ? head : `${head}${indent}${paint(output, 'dim', printable(about))}\n`;
}

function qualifiedName({ namespace, name }: { readonly namespace: string; readonly name: string }): string {
  return namespace === '' ? name : `${namespace}/${name}`;
}

function summary(output: Pick<Output, 'colour'>, diagnostics: readonly Diagnostic[], scope: string): string {
  const count = (severity: Severity) => diagnostics.filter((each) => each.severity === severity).length;
  const counts = [
    counted(count('error'), 'error', 'errors'),
    counted(count('warning'), 'warning', 'warnings'),
    counted(count('info'), 'remark', 'remarks'),
  ].filter((text) => text !== '');
  const text = counts.length === 0 ? 'Nothing is wrong' : counts.join(', ');
  const style = hasErrors(diagnostics) ? 'red' : count('warning') > 0 ? 'yellow' : 'green';
  return `${paint(output, style, text)} in ${scope}.`;
}

export function counted(count: number, one: string, several: string): string {
  return count === 0 ? '' : `${count} ${count === 1 ? one : several}`;
}
