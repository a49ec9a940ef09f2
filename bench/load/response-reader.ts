export interface Answer {
  readonly status: number;
  readonly headers: string;
  readonly body: Buffer;
}

const HEAD_END = Buffer.from('\r\n\r\n');
const MAX_HEAD_BYTES = 64 * 1024;
const MAX_BODY_BYTES = 4 * 1024 * 1024;

/** Takes a stream of HTTP/1.1 responses (RFC 9112) apart, as they arrive. Only those with a Content-Length. */
export class ResponseReader {
  #rest: Buffer | undefined;

  /** The answers that this chunk completes. Throws for what is no such response. */
  push(chunk: Buffer): Answer[] {
    let data = this.#rest === undefined ? chunk : Buffer.concat([this.#rest, chunk]);
    const answers: Answer[] = [];
    for (;;) {
      const headEnd = data.indexOf(HEAD_END);
      if (headEnd < 0) {
        if (data.length > MAX_HEAD_BYTES) throw new Error(`response head of more than ${MAX_HEAD_BYTES} bytes`);
        break;
      }
      const { status, headers, length } = readHead(data.toString('latin1', 0, headEnd + 2));
      const end = headEnd + HEAD_END.length + length;
      if (data.length < end) break;
      answers.push({ status, headers, body: data.subarray(headEnd + HEAD_END.length, end) });
      data = data.subarray(end);
    }
    this.#rest = data.length === 0 ? undefined : data;
    return answers;
  }
}

function readHead(head: string): { status: number; headers: string; length: number } {
  const status = Number(/^HTTP\/1\.1 (\d{3})[ \r]/.exec(head)?.[1]);
  const length = Number(/\r\ncontent-length: *(\d+) *\r\n/i.exec(head)?.[1]);
  if (Number.isNaN(status)) throw new Error(`no HTTP/1.1 response: ${JSON.stringify(head.slice(0, 80))}`);
  if (!(length <= MAX_BODY_BYTES))
    throw new Error(`response ${status} without a Content-Length, or with too large a one`);
  return { status, headers: head, length };
}
