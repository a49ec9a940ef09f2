import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { expect, test } from 'vitest';
import { readSigningRequest, SigningRequestError } from './signing-request.ts';
import { makeKey, makeSigningRequest, toPem } from './testing/make-signing-request.ts';

const rsa = (modulusLength: number) => generateKeyPairSync('rsa', { modulusLength }).privateKey;

test('gives the key of a request that is signed with it', () => {
  for (const key of [makeKey(), makeKey('P-384'), rsa(2048)]) {
    const read = readSigningRequest(makeSigningRequest({ key, commonName: 'x', uri: 'spiffe://a/b' }));
    expect(read.equals(createPublicKey(key))).toBe(true);
  }
});

test('reads what OpenSSL has made', () => {
  const request = `-----BEGIN CERTIFICATE REQUEST-----
MIIBBTCBrQIBADAhMRAwDgYDVQQKDAdFeGFtcGxlMQ0wCwYDVQQDDAR0ZXN0MFkw
EwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEgJp0SPVlceMmXqSnqdjf3q53RMLfK1wx
fWd0VACb58A31wbnD/G6gCnbLCKA0pZh9R4EdyFcj2q6wnrAYoD57KAqMCgGCSqG
SIb3DQEJDjEbMBkwFwYDVR0RBBAwDoYMc3BpZmZlOi8veC95MAoGCCqGSM49BAMC
A0cAMEQCIEllPamJf29Vu1FFrtUiwIRTUY+j8cEuAQm3PmQWUiW9AiBBwzCrghHN
NUgC82rcyOT8mhUj5HyYxVnx4ztmNyXkjA==
-----END CERTIFICATE REQUEST-----
`;
  expect(readSigningRequest(request).asymmetricKeyDetails?.namedCurve).toBe('prime256v1');
});

test('reads subjects in all kinds of strings, and attributes that it does not know', () => {
  const request = `-----BEGIN CERTIFICATE REQUEST-----
MIIBxjCCAWwCAQAwgYUxCzAJBgNVBAYTAkRFMRswGQYDVQQKHhIATQD8AGwAbABl
AHIAIABBAEcxDjAMBgNVBAsTBXBsYWluMQ0wCwYDVQQDHgRl5WcsMRQwEgYJKoZI
hvcNAQkBFgVhQGIuYzELMAkGA1UEBRMCMTIxFzAVBgoJkiaJk/IsZAEZFgdleGFt
cGxlMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAELdcMmmgWaB70aywzgs19mzOk
+XsGvx5dUR9HEmJW2YXR3rteu7c0JgUKSjABHgVaj58MwuuGNMi8LBVyHPfIRKCB
gzAWBgkqhkiG9w0BCQIxCRMHZm9vIGJhcjAWBgkqhkiG9w0BCQcxCRMHc2VjcmV0
MTBRBgkqhkiG9w0BCQ4xRDBCMCIGA1UdEQQbMBmCA2EuYoYMc3BpZmZlOi8vYS9i
hwQBAgMEMA8GA1UdEwEB/wQFMAMBAf8wCwYDVR0PBAQDAgIEMAoGCCqGSM49BAMC
A0gAMEUCIGfB+bjl0wGfdkEiBYxpjw2LY1iPZUkOkVObVf/ZrHy8AiEA323CsDBM
8oHy4Iyj8q6+Eqf00JVc5VXbg2c9i/tsk08=
-----END CERTIFICATE REQUEST-----
`;
  expect(readSigningRequest(request).asymmetricKeyDetails?.namedCurve).toBe('prime256v1');
});

test('refuses keys that are too weak or of another kind', () => {
  const refused = (key: ReturnType<typeof makeKey>) => {
    expect(() => readSigningRequest(makeSigningRequest({ key }))).toThrow(/^the CSR's key is not accepted: /);
  };
  refused(rsa(1024));
  refused(makeKey('P-521'));
  refused(makeKey('secp256k1'));
  refused(generateKeyPairSync('ed25519').privateKey);
});

test('refuses a request that another key has signed', () => {
  expect(() => readSigningRequest(makeSigningRequest({ signer: makeKey() }))).toThrow(
    /signature is not that of its own/,
  );
});

test('refuses whatever has one byte too few, too many or altered', () => {
  const der = Buffer.from(makeSigningRequest().replaceAll(/-----.*-----|\n/g, ''), 'base64');
  const refused = (bytes: Buffer, what: string) => {
    expect(() => readSigningRequest(toPem(bytes)), what).toThrow(SigningRequestError);
  };
  for (let length = 0; length < der.length; length += 1) refused(der.subarray(0, length), `first ${length} bytes`);
  refused(Buffer.concat([der, Buffer.from([0])]), 'a byte more');
  for (let position = 0; position < der.length; position += 1) {
    const altered = Buffer.from(der);
    altered[position] = (altered[position] ?? 0) ^ 0x01;
    refused(altered, `byte ${position} altered`);
  }
});

test('refuses text that is not one PEM request', () => {
  const request = makeSigningRequest();
  const label = request.replaceAll('CERTIFICATE REQUEST', 'CERTIFICATE');
  for (const text of ['', 'x', request + request, label]) {
    expect(() => readSigningRequest(text)).toThrow('the CSR is not one PEM block "CERTIFICATE REQUEST"');
  }
});
