export interface LateenErrorOptions {
  /** The error underneath, kept for `--debug` output. */
  cause?: unknown;
}

/**
 * An error that a user meets: a stable code with a page in the docs, a sentence that says what happened and where,
 * and the remedy: what to do about it.
 */
export class LateenError extends Error {
  override readonly name = 'LateenError';
  /** `LAT` and four digits; never reused for another meaning. */
  readonly code: string;
  /** What to do, as one or more full sentences; empty when the message says it already. */
  readonly remedy: string;

  constructor(code: string, message: string, remedy = '', options: LateenErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.remedy = remedy;
  }
}

export function isLateenError(error: unknown): error is LateenError {
  return error instanceof LateenError;
}

/** `LAT0901: message` and, on a line of its own, the remedy. Any other thrown value is shown by its message. */
export function formatError(error: unknown): string {
  if (!isLateenError(error)) return messageOf(error);
  const head = `${error.code}: ${error.message}`;
  return error.remedy === '' ? head : `${head}\n  ${error.remedy.replaceAll('\n', '\n  ')}`;
}

/** What a thrown value says: the message of an error, and any other value as text. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The code of a Node.js system error, such as `ENOENT`; undefined for any other value without a code. */
export function errorCodeOf(error: unknown): string | undefined {
  return error instanceof Error ? (error as Error & { code?: string }).code : undefined;
}
