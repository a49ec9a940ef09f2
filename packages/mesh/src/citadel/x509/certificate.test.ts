import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { expect, test } from 'vitest';
import { distinguishedName, endEntityConstraint, issuerPartsOf, signCertificate } from './certificate.ts';
import { encodeDer } from './encoding.ts';

/** Made by OpenSSL. Its name has a PrintableString, a T61String, a BMPString and an IA5String. */
const oldStyleCa = `-----BEGIN CERTIFICATE-----
MIIBhzCCAS0CFAxFagHbkAPg4SNHrkiTdyD753GqMAoGCCqGSM49BAMCMEYxCzAJ
BgNVBAYTAkRFMRIwEAYDVQQKFAlN/GxsZXIgQUcxDTALBgNVBAMeBGXlZywxFDAS
BgkqhkiG9w0BCQEWBWFAYi5jMB4XDTI2MTEyMzA4MzcxMVoXDTM2MTEyMDA4Mzcx
MVowRjELMAkGA1UEBhMCREUxEjAQBgNVBAoUCU38bGxlciBBRzENMAsGA1UEAx4E
ZeVnLDEUMBIGCSqGSIb3DQEJARYFYUBiLmMwWTATBgcqhkjOPQIBBggqhkjOPQMB
BwNCAAQt1wyaaBZoHvRrLDOCzX2bM6T5ewa/Hl1RH0cSYlbZhdHeu167tzQmBQpK
MAEeBVqPnwzC64Y0yLwsFXIc98hEMAoGCCqGSM49BAMCA0gAMEUCIGyisGvxZ77T
UjfoZUkZLFGAVa5UNYmOq2J95v/Tl/qAAiEAq5Xm67kVKtk/o2bSd4tSh4BzwRTv
YscHso2xakIxqsM=
-----END CERTIFICATE-----
`;

const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });

function sign(notAfter: string, issuer = distinguishedName({ commonName: 'CA' })): X509Certificate {
  const content = {
    issuer,
    subject: distinguishedName({}),
    publicKey: keys.publicKey,
    notBefore: new Date('2026-01-01T00:00:00.999Z'),
    notAfter: new Date(notAfter),
    extensions: [endEntityConstraint()],
  };
  return signCertificate(content, keys.privateKey);
}

test("the name of a CA is the issuer's name below it, byte for byte, whatever its texts are encoded in", () => {
  const ca = new X509Certificate(oldStyleCa);
  const { subject, mayCertify } = issuerPartsOf(ca);
  expect(mayCertify).toBe(true);
  expect(encodeDer(subject).toString('latin1')).toContain('M\xfcller AG');
  // Issuer and subject of the self-signed CA, and the issuer of the leaf.
  expect(ca.raw.indexOf(encodeDer(subject))).not.toBe(ca.raw.lastIndexOf(encodeDer(subject)));
  expect(sign('2027-01-01T00:00:00Z', subject).raw.includes(encodeDer(subject))).toBe(true);
});

test('times through 2049 and after are whole seconds', () => {
  for (const notAfter of ['2049-12-31T23:59:59Z', '2050-01-01T00:00:00Z']) {
    const certificate = sign(notAfter);
    expect(certificate.validFromDate).toEqual(new Date('2026-01-01T00:00:00Z'));
    expect(certificate.validToDate).toEqual(new Date(notAfter));
    // RFC 5280, 4.1.2.5: UTCTime (0x17) through 2049, GeneralizedTime (0x18) after.
    const digits = notAfter.replaceAll(/[-:T]/g, '');
    const expected = notAfter < '2050' ? `\x17\x0d${digits.slice(2)}` : `\x18\x0f${digits}`;
    expect(certificate.raw.toString('latin1')).toContain(expected);
  }
});

test('serial numbers are positive, of 16 bytes, and differ', () => {
  const serials = Array.from({ length: 20 }, () => sign('2027-01-01T00:00:00Z').serialNumber);
  for (const serial of serials) expect(serial).toMatch(/^[4-7][0-9A-F]{31}$/);
  expect(new Set(serials).size).toBe(20);
});
