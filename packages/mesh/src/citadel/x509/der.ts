/**
 * The little of DER (ITU-T X.690) that certificates and signing requests need. Node's `crypto` parses and verifies
 * certificates but can neither make one nor read a signing request.
 */

export const derTag = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  objectId: 0x06,
  utf8String: 0x0c,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;

/** The bytes are not the DER that was expected. The message has no secrets: offsets and tags only. */
export class DerError extends Error {
  override readonly name = 'DerError';
}

export function encodeDer(tag: number, ...contents: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(contents);
  return Buffer.concat([Buffer.from([tag]), encodeLength(content.length), content]);
}

function encodeLength(length: number): Buffer {
  if (length < 0x80) return Buffer.from([length]);
  const bytes: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  return Buffer.from([0x80 | bytes.length, ...bytes]);
}

export function sequence(...contents: readonly Uint8Array[]): Buffer {
  return encodeDer(derTag.sequence, ...contents);
}

/** A context-specific constructed tag, `[number] EXPLICIT`. */
export function explicit(number: number, ...contents: readonly Uint8Array[]): Buffer {
  return encodeDer(0xa0 | number, ...contents);
}

/** A non-negative integer from its big-endian bytes. */
export function unsignedInteger(bytes: Uint8Array): Buffer {
  let start = 0;
  while (start < bytes.length - 1 && bytes[start] === 0) start += 1;
  const digits = bytes.subarray(start);
  const needsSign = ((digits[0] ?? 0) & 0x80) !== 0 || digits.length === 0;
  return encodeDer(derTag.integer, Buffer.from(needsSign ? [0] : []), digits);
}

export function bitString(bytes: Uint8Array, unusedBits = 0): Buffer {
  return encodeDer(derTag.bitString, Buffer.from([unusedBits]), bytes);
}

export function objectId(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  const bytes: number[] = [];
  for (const arc of [first * 40 + second, ...rest]) {
    const digits = [arc % 128];
    for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128)) digits.unshift((left % 128) | 0x80);
    bytes.push(...digits);
  }
  return encodeDer(derTag.objectId, Buffer.from(bytes));
}

/** RFC 5280, 4.1.2.5: UTCTime through 2049, GeneralizedTime after. Whole seconds; anything finer is cut off. */
export function time(date: Date): Buffer {
  const digits = `${date
    .toISOString()
    .replace(/\.\d+Z$/, '')
    .replaceAll(/[-:T]/g, '')}Z`;
  return date.getUTCFullYear() < 2050
    ? encodeDer(derTag.utcTime, Buffer.from(digits.slice(2)))
    : encodeDer(derTag.generalizedTime, Buffer.from(digits));
}

export interface DerElement {
  readonly tag: number;
  readonly content: Buffer;
  /** Tag, length and content. */
  readonly raw: Buffer;
}

/** Reads the element that fills `bytes` exactly, and checks its tag. */
export function readDer(bytes: Buffer, tag: number): DerElement {
  const element = readElement(bytes, 0);
  if (element.raw.length !== bytes.length) throw new DerError('bytes after the end');
  return expectTag(element, tag);
}

/** The elements in the content of a constructed element. */
export function readChildren(parent: DerElement): DerElement[] {
  const children: DerElement[] = [];
  for (let offset = 0; offset < parent.content.length; ) {
    const child = readElement(parent.content, offset);
    children.push(child);
    offset += child.raw.length;
  }
  return children;
}

export function expectTag(element: DerElement | undefined, tag: number): DerElement {
  if (element?.tag !== tag)
    throw new DerError(`tag 0x${tag.toString(16)} expected, found ${element?.tag ?? 'nothing'}`);
  return element;
}

/** The bytes of a bit string that is a whole number of octets, as keys and signatures are. */
export function readOctets(element: DerElement | undefined): Buffer {
  const { content } = expectTag(element, derTag.bitString);
  if (content.length === 0 || content[0] !== 0) throw new DerError('a bit string of whole octets expected');
  return content.subarray(1);
}

function readElement(bytes: Buffer, offset: number): DerElement {
  const tag = bytes[offset];
  const first = bytes[offset + 1];
  if (tag === undefined || first === undefined) throw new DerError('cut short');
  if ((tag & 0x1f) === 0x1f) throw new DerError('multi-byte tag');
  let length = first;
  let start = offset + 2;
  if (first >= 0x80) {
    const size = first & 0x7f;
    if (size === 0 || size > 3) throw new DerError('indefinite or huge length');
    if (start + size > bytes.length) throw new DerError('cut short');
    length = bytes.readUIntBE(start, size);
    start += size;
    if (length < 0x80 || (size > 1 && length < 2 ** (8 * (size - 1)))) throw new DerError('length not minimal');
  }
  const end = start + length;
  if (end > bytes.length) throw new DerError('cut short');
  return { tag, content: bytes.subarray(start, end), raw: bytes.subarray(offset, end) };
}
