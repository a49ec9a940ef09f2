/**
 * As much of protobuf's wire format as a load generator needs: it looks at a few fields of many large messages, most of
 * which it has seen before, and generated code would decode all of each.
 */

const VARINT = 0;
const FIXED64 = 1;
export const LENGTH_DELIMITED = 2;
const FIXED32 = 5;

/** Goes over the fields of a message; `position` and `end` may be set to go over a part of a buffer. */
export class FieldReader {
  readonly bytes: Buffer;
  position: number;
  readonly end: number;
  field = 0;
  wireType = 0;
  /** Of a length-delimited field. */
  start = 0;
  stop = 0;
  /** Of a varint field, if it is below 2^53. */
  value = 0;

  constructor(bytes: Buffer, position = 0, end = bytes.length) {
    this.bytes = bytes;
    this.position = position;
    this.end = end;
  }

  /** Moves to the next field; false at the end. Throws for what is no protobuf. */
  next(): boolean {
    if (this.position >= this.end) return false;
    const tag = this.#varint();
    this.field = Math.floor(tag / 8);
    this.wireType = tag & 7;
    switch (this.wireType) {
      case VARINT:
        this.value = this.#varint();
        break;
      case LENGTH_DELIMITED: {
        const length = this.#varint();
        this.start = this.position;
        this.stop = this.start + length;
        this.position = this.stop;
        break;
      }
      case FIXED64:
        this.position += 8;
        break;
      case FIXED32:
        this.position += 4;
        break;
      default:
        throw new Error(`wire type ${this.wireType} at ${this.position}`);
    }
    if (this.position > this.end) throw new Error('a protobuf field that ends after its message');
    return true;
  }

  text(): string {
    return this.bytes.toString('utf8', this.start, this.stop);
  }

  /** The message in the current field. */
  inner(): FieldReader {
    return new FieldReader(this.bytes, this.start, this.stop);
  }

  #varint(): number {
    let value = 0;
    let scale = 1;
    for (;;) {
      const byte = this.bytes[this.position++];
      if (byte === undefined) throw new Error('a protobuf number that does not end');
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 128;
    }
  }
}

/** The messages in a field that may be repeated. */
export function* messagesIn(reader: FieldReader, field: number): Generator<FieldReader> {
  while (reader.next()) if (reader.field === field && reader.wireType === LENGTH_DELIMITED) yield reader.inner();
}

export function messageIn(reader: FieldReader | undefined, field: number): FieldReader | undefined {
  return reader === undefined ? undefined : messagesIn(reader, field).next().value;
}

export function textIn(reader: FieldReader | undefined, field: number): string {
  while (reader?.next()) if (reader.field === field && reader.wireType === LENGTH_DELIMITED) return reader.text();
  return '';
}

export function numberIn(reader: FieldReader | undefined, field: number): number {
  while (reader?.next()) if (reader.field === field && reader.wireType === VARINT) return reader.value;
  return 0;
}

/** A length-delimited field with a number below 16. */
export function fieldOf(field: number, content: string | Uint8Array): Buffer {
  const bytes = typeof content === 'string' ? Buffer.from(content, 'utf8') : content;
  const head = [(field << 3) | LENGTH_DELIMITED];
  let length = bytes.length;
  for (; length > 0x7f; length >>>= 7) head.push((length & 0x7f) | 0x80);
  head.push(length);
  return Buffer.concat([Buffer.from(head), bytes]);
}

export function varintFieldOf(field: number, value: number): Buffer {
  const bytes = [field << 3];
  let rest = value;
  for (; rest > 0x7f; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 0x80);
  bytes.push(rest);
  return Buffer.from(bytes);
}
