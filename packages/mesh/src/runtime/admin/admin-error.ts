import type { ErrorResponse } from '@lateen/api/admin.ts';
import { DiagnosticError, type ObjectRef, writtenDiagnostic } from '@lateen/api/diagnostic.ts';
import { isLateenError, LateenError } from '@lateen/api/lateen-error.ts';
import { writtenKind } from '@lateen/api/written-kind.ts';

export type ErrorStatus = 400 | 401 | 403 | 404 | 405 | 409 | 413 | 415 | 421 | 422 | 500 | 503;

/** An error with the HTTP status that it is answered with. */
export class AdminError extends LateenError {
  readonly status: ErrorStatus;

  constructor(status: ErrorStatus, code: string, message: string, remedy = '') {
    super(code, message, remedy);
    this.status = status;
  }
}

export function objectNotFound(ref: ObjectRef): AdminError {
  const place = ref.namespace === '' ? '' : ` in namespace "${ref.namespace}"`;
  return new AdminError(
    404,
    'LAT0518',
    `${writtenKind(ref.kind)} "${ref.name}" not found${place}.`,
    'See what there is: lateen get all -A',
  );
}

export interface ErrorAnswer {
  readonly status: ErrorStatus;
  readonly body: ErrorResponse;
  /** It is not the caller's fault, and belongs in the log. */
  readonly fault: boolean;
}

/** What a caller gets to see of an error. Nothing of an unexpected one: it could hold anything. */
export function answerOf(error: unknown): ErrorAnswer {
  if (error instanceof DiagnosticError) {
    return {
      status: 422,
      body: {
        code: 'LAT0550',
        message: 'The configuration was refused; nothing was changed.',
        diagnostics: error.diagnostics.map(writtenDiagnostic),
      },
      fault: false,
    };
  }
  if (isLateenError(error)) {
    const { code, message, remedy } = error;
    const status = error instanceof AdminError ? error.status : 409;
    return { status, body: { code, message, ...(remedy === '' ? {} : { remedy }) }, fault: false };
  }
  return {
    status: 500,
    body: {
      code: 'LAT0548',
      message: 'The control plane failed to answer this request.',
      remedy: 'Its log says why: lateen logs control-plane',
    },
    fault: true,
  };
}
