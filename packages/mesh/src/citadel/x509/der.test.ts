import { expect, test } from 'vitest';
import {
  DerError,
  derTag,
  encodeDer,
  objectId,
  readChildren,
  readDer,
  sequence,
  time,
  unsignedInteger,
} from './der.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

test('integers are minimal and never negative', () => {
  expect(hex(unsignedInteger(Buffer.from([])))).toBe('020100');
  expect(hex(unsignedInteger(Buffer.from([0, 0, 5])))).toBe('020105');
  expect(hex(unsignedInteger(Buffer.from([0x80])))).toBe('02020080');
});

test('object identifiers and times', () => {
  expect(hex(objectId('1.2.840.113549.1.1.11'))).toBe('06092a864886f70d01010b');
  expect(time(new Date('2049-12-31T23:59:59.999Z')).toString('latin1', 2)).toBe('491231235959Z');
  expect(time(new Date('2050-01-01T00:00:00Z')).toString('latin1', 2)).toBe('20500101000000Z');
});

test('lengths of all sizes are read as they were written', () => {
  for (const length of [0, 1, 127, 128, 255, 256, 65_535, 65_536]) {
    const element = readDer(encodeDer(derTag.octetString, Buffer.alloc(length)), derTag.octetString);
    expect(element.content.length).toBe(length);
  }
});

test('only DER is read: definite, minimal lengths, nothing missing and nothing after', () => {
  const bad = ['', '30', '3001', '3080', '308100', '30820001ff', '300000', '1f0100', '3084000000010a', '0400'];
  for (const text of bad) expect(() => readDer(Buffer.from(text, 'hex'), derTag.sequence), text).toThrow(DerError);
  expect(() => readChildren(readDer(sequence(Buffer.from([2, 5, 1])), derTag.sequence))).toThrow(DerError);
});
