import { expect, test } from 'vitest';
import { errorCodeOf, formatError, isLateenError, LateenError, messageOf } from './lateen-error.ts';

test('carries code, message, remedy and cause', () => {
  const cause = new Error('ENOENT');
  const error = new LateenError('LAT0901', 'Envoy is missing.', 'Set LATEEN_ENVOY.', { cause });
  expect(error).toBeInstanceOf(Error);
  expect([error.name, error.code, error.message, error.remedy, error.cause]).toEqual([
    'LateenError',
    'LAT0901',
    'Envoy is missing.',
    'Set LATEEN_ENVOY.',
    cause,
  ]);
  expect('cause' in new LateenError('LAT0901', 'x')).toBe(false);
  expect(isLateenError(error)).toBe(true);
  expect(isLateenError(cause)).toBe(false);
});

test('prints the code first and the remedy indented', () => {
  expect(formatError(new LateenError('LAT0901', 'No Envoy.', 'Do a.\nOr b.'))).toBe(
    'LAT0901: No Envoy.\n  Do a.\n  Or b.',
  );
  expect(formatError(new LateenError('LAT0902', 'No Envoy.'))).toBe('LAT0902: No Envoy.');
  expect(formatError(new Error('plain'))).toBe('plain');
  expect(formatError('text')).toBe('text');
});

test('tells message and code of whatever is thrown', () => {
  const missing = Object.assign(new Error('no such file'), { code: 'ENOENT' });
  expect([missing, new Error('plain'), 'text', undefined].map(messageOf)).toEqual([
    'no such file',
    'plain',
    'text',
    'undefined',
  ]);
  expect([missing, new Error('plain'), { code: 'ENOENT' }].map(errorCodeOf)).toEqual(['ENOENT', undefined, undefined]);
});
