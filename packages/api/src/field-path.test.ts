import fc from 'fast-check';
import { expect, test } from 'vitest';
import { pathParts, pathText } from './field-path.ts';

test('looks as users write it', () => {
  expect(pathText(['spec', 'http', 0, 'match', 1, 'headers', 'end-user'])).toBe(
    'spec.http[0].match[1].headers.end-user',
  );
  expect(pathText(['metadata', 'labels', 'app.kubernetes.io/name'])).toBe('metadata.labels["app.kubernetes.io/name"]');
  expect(pathText([])).toBe('');
});

test('can be read back', () => {
  const part = fc.oneof(fc.nat(), fc.string({ minLength: 1 }), fc.constantFrom('a.b', '[0]', '"', '\\', 'a]b', '0'));
  fc.assert(
    fc.property(fc.array(part), (parts) => {
      expect(pathParts(pathText(parts))).toEqual(parts);
    }),
  );
});
