import { expect, test } from 'vitest';
import { DiagnosticError, diagnostic, formatDiagnostic, hasErrors } from './diagnostic.ts';
import { diagnosticCodes } from './diagnostic-codes.ts';

const object = { kind: 'VirtualService', namespace: 'default', name: 'reviews' };

test('a line says where, how bad, which code, which object, which field, and what', () => {
  const found = diagnostic('LAT0110', 'unknown field', { file: 'a.yaml', line: 3, object, path: 'spec.htp' });
  expect(formatDiagnostic(found)).toBe(
    'a.yaml:3: error LAT0110: VirtualService default/reviews: spec.htp: unknown field',
  );
});

test('what is not known is left out', () => {
  expect(formatDiagnostic(diagnostic('LAT0121', 'no such file', { file: 'a.yaml' }))).toBe(
    'a.yaml: error LAT0121: no such file',
  );
  const namespace = { kind: 'Namespace', namespace: '', name: 'a' };
  expect(formatDiagnostic(diagnostic('LAT0130', 'm', { object: namespace, path: '' }))).toBe(
    'warning LAT0130: Namespace a: m',
  );
});

test('severity comes from the code, unless given', () => {
  expect(hasErrors([diagnostic('LAT0130', 'm')])).toBe(false);
  expect(hasErrors([diagnostic('LAT0130', 'm', { severity: 'error' })])).toBe(true);
});

test('an error carries its diagnostics and shows each on a line', () => {
  const error = new DiagnosticError([diagnostic('LAT0110', 'one'), diagnostic('LAT0111', 'two')]);
  expect(error.message).toBe('error LAT0110: one\nerror LAT0111: two');
  expect(error.diagnostics).toHaveLength(2);
});

test('every code says what happened, why, and what to do', () => {
  for (const [code, entry] of Object.entries(diagnosticCodes)) {
    expect(code).toMatch(/^LAT\d{4}$/);
    expect(entry.title, code).toMatch(/^[A-Za-z].*[^.]$/);
    expect(entry.why.length, code).toBeGreaterThan(10);
    expect(entry.remedy.length, code).toBeGreaterThan(10);
  }
});
