import { SubjectPublicKeyInfo } from '@peculiar/asn1-x509';
import { expect, test } from 'vitest';
import { DerError, decodeBer, decodeDer, encodeDer } from './encoding.ts';

/** `SEQUENCE { SEQUENCE { OBJECT IDENTIFIER 1.2.3 }, BIT STRING 05 }` */
const der = '300a' + '3004' + '06022a03' + '03020005';

function decode(hex: string): SubjectPublicKeyInfo {
  return decodeDer(Buffer.from(hex, 'hex'), SubjectPublicKeyInfo);
}

test('DER is read, and written as it was', () => {
  const value = decode(der);
  expect(value.algorithm.algorithm).toBe('1.2.3');
  expect(encodeDer(value).toString('hex')).toBe(der);
});

test('the same value in BER only is refused from others', () => {
  const forms = {
    'a long length': '30810a' + '3004' + '06022a03' + '03020005',
    'a length with a leading zero': '3082000a' + '3004' + '06022a03' + '03020005',
    'an indefinite length': '3080' + '3004' + '06022a03' + '03020005' + '0000',
    'a bit string in parts': '300c' + '3004' + '06022a03' + '230403020005',
    'a leading zero in an object identifier': '300b' + '3005' + '06032a8003' + '03020005',
    'unused bits': '300a' + '3004' + '06022a03' + '03020104',
    'bytes after the end': `${der}00`,
  };
  for (const [name, hex] of Object.entries(forms)) expect(() => decode(hex), name).toThrow(DerError);
});

test('neither is what has another form or goes on without end', () => {
  const nested = '3080'.repeat(8000);
  for (const hex of ['', '30', '3001', '0400', '3000', nested]) {
    expect(() => decode(hex), hex.slice(0, 20)).toThrow(DerError);
    expect(() => decodeBer(Buffer.from(hex, 'hex'), SubjectPublicKeyInfo), hex.slice(0, 20)).toThrow(DerError);
  }
});
