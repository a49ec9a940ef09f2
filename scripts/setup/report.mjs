/** A failure with a stable code and a remedy, as LateenError is in TypeScript; without a message it was shown before. */
export class SetupError extends Error {
  constructor(code, message, remedy = '', exitCode = 1) {
    super(message);
    this.code = code;
    this.remedy = remedy;
    this.exitCode = exitCode;
  }
}

/** One line about what is being done. */
export function say(line) {
  process.stderr.write(`setup: ${line}\n`);
}

export function fail(error) {
  if (!(error instanceof SetupError)) throw error;
  if (error.message !== '') {
    process.stderr.write(`setup: ${error.code}: ${error.message}\n`);
    if (error.remedy !== '') process.stderr.write(`  ${error.remedy}\n`);
  }
  process.exitCode = error.exitCode;
}
