import { createPublicKey, type KeyObject, sign } from 'node:crypto';

/**
 * A PKCS #10 signing request (RFC 2986) in PEM for an ECDSA P-256 key. It names no subject: who the workload is follows
 * from its token. Node's `crypto` cannot make one, and this much DER needs no library.
 */
export function createSigningRequest(privateKey: KeyObject): string {
  const version0 = Buffer.from([0x02, 0x01, 0x00]);
  const noAttributes = Buffer.from([0xa0, 0x00]);
  const publicKey = createPublicKey(privateKey).export({ format: 'der', type: 'spki' });
  const info = sequence(version0, sequence(), publicKey, noAttributes);
  // 1.2.840.10045.4.3.2
  const ecdsaWithSha256 = Buffer.from([0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02]);
  const signature = sign('sha256', info, privateKey);
  const bitString = element(0x03, Buffer.from([0]), signature);
  const base64 = sequence(info, sequence(ecdsaWithSha256), bitString).toString('base64');
  const lines = base64.match(/.{1,64}/g) ?? [];
  return ['-----BEGIN CERTIFICATE REQUEST-----', ...lines, '-----END CERTIFICATE REQUEST-----', ''].join('\n');
}

function sequence(...contents: readonly Uint8Array[]): Buffer {
  return element(0x30, ...contents);
}

/** DER with lengths up to 64 KiB, far more than a P-256 request has. */
function element(tag: number, ...contents: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(contents);
  const { length } = content;
  if (length < 0x80) return Buffer.concat([Buffer.from([tag, length]), content]);
  if (length < 0x100) return Buffer.concat([Buffer.from([tag, 0x81, length]), content]);
  return Buffer.concat([Buffer.from([tag, 0x82, length >> 8, length & 0xff]), content]);
}
