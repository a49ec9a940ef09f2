/** How much of a line without an end is held back. */
const maxPendingBytes = 64 * 1024;

/**
 * Puts a prefix before each line of a stream of chunks, and passes on whole lines only, so that the lines of several
 * logs do not end up in each other.
 */
export class LinePrefix {
  readonly #prefix: string;
  readonly #write: (text: string) => void;
  readonly #decoder = new TextDecoder();
  #pending = '';

  constructor(prefix: string, write: (text: string) => void) {
    this.#prefix = prefix;
    this.#write = write;
  }

  push(chunk: Uint8Array): void {
    const lines = (this.#pending + this.#decoder.decode(chunk, { stream: true })).split('\n');
    this.#pending = lines.pop() ?? '';
    if (lines.length > 0) this.#write(lines.map((line) => `${this.#prefix}${line}\n`).join(''));
    if (this.#pending.length > maxPendingBytes) this.end();
  }

  /** Passes on what is left of a last line without an end. */
  end(): void {
    if (this.#pending !== '') this.#write(`${this.#prefix}${this.#pending}\n`);
    this.#pending = '';
  }
}
