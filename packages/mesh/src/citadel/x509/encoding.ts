import { messageOf } from '@lateen/api/lateen-error.ts';
import { AsnConvert } from '@peculiar/asn1-schema';

/** The bytes are not the DER that was expected. The message has no secrets: it speaks of types and lengths only. */
export class DerError extends Error {
  override readonly name = 'DerError';
}

type Schema<T> = new () => T;

export function encodeDer(value: object): Buffer {
  return Buffer.from(AsnConvert.serialize(value));
}

/**
 * Reads what OpenSSL has accepted before. The library takes BER, so other bytes may have the same meaning.
 * @throws DerError
 */
export function decodeBer<T>(bytes: Uint8Array, schema: Schema<T>): T {
  try {
    return AsnConvert.parse(bytes, schema);
  } catch (error) {
    throw new DerError(messageOf(error), { cause: error });
  }
}

/**
 * Reads what comes from others: only the one encoding that DER has for a value (ITU-T X.690, 10), nothing after it.
 * @throws DerError
 */
export function decodeDer<T extends object>(bytes: Uint8Array, schema: Schema<T>): T {
  const value = decodeBer(bytes, schema);
  if (!encodeDer(value).equals(bytes)) throw new DerError('it is not encoded in DER, or bytes follow it');
  return value;
}
