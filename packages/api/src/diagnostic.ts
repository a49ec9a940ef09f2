import { type DiagnosticCode, diagnosticCodes, type Severity } from './diagnostic-codes.ts';
import { asWritten, writtenKind } from './written-kind.ts';

export type { DiagnosticCode, Severity } from './diagnostic-codes.ts';

/** Names one object, by the name that its kind has inside (`written-kind.ts`). The namespace is the empty string for kinds that have none. */
export type ObjectRef = { readonly kind: string; readonly namespace: string; readonly name: string };

/** Something that a user should know about the configuration, as data. */
export type Diagnostic = {
  readonly code: DiagnosticCode;
  readonly severity: Severity;
  /** One or two sentences, without file, line and path: `formatDiagnostic` puts those in front. */
  readonly message: string;
  readonly object?: ObjectRef;
  readonly file?: string;
  /** 1-based. */
  readonly line?: number;
  /** Field path, such as `spec.http[0].route[1].destination.subset`. */
  readonly path?: string;
};

export type DiagnosticDetails = Partial<Omit<Diagnostic, 'code' | 'message'>>;

/** Builds a diagnostic; the severity is the code's unless the details say otherwise. */
export function diagnostic(code: DiagnosticCode, message: string, details: DiagnosticDetails = {}): Diagnostic {
  return { code, severity: diagnosticCodes[code].severity, message, ...details };
}

/** One line: `reviews.yaml:14: error LAT0110: VirtualService default/reviews: spec.htp: unknown field, ...` */
export function formatDiagnostic(diagnostic: Diagnostic): string {
  const { code, severity, message, object, file, line, path } = diagnostic;
  const parts: string[] = [];
  if (file !== undefined) parts.push(line === undefined ? file : `${file}:${line}`);
  parts.push(`${severity} ${code}`);
  if (object !== undefined) {
    const name = object.namespace === '' ? object.name : `${object.namespace}/${object.name}`;
    parts.push(`${writtenKind(object.kind)} ${name}`);
  }
  if (path !== undefined && path !== '') parts.push(path);
  parts.push(message);
  return parts.join(': ');
}

/** The diagnostic as programs get it: its object's kind is what files say. */
export function writtenDiagnostic(diagnostic: Diagnostic): Diagnostic {
  const { object } = diagnostic;
  return object === undefined ? diagnostic : { ...diagnostic, object: asWritten(object) };
}

export function hasErrors(diagnostics: readonly Diagnostic[]): boolean {
  return diagnostics.some((each) => each.severity === 'error');
}

/** Thrown where nothing can go on; the message holds every diagnostic, one a line. */
export class DiagnosticError extends Error {
  readonly diagnostics: readonly Diagnostic[];

  constructor(diagnostics: readonly Diagnostic[]) {
    super(diagnostics.map(formatDiagnostic).join('\n'));
    this.name = 'DiagnosticError';
    this.diagnostics = diagnostics;
  }
}
