import { expect, test } from 'vitest';
import { referencePages, stalePages } from './generate-reference.ts';

test('the generated pages of the reference are up to date (node scripts/generate-reference.ts)', () => {
  expect(stalePages()).toEqual([]);
});

test('the list of unsupported fields names a field with what it belongs to, but not what lies inside', () => {
  const page = referencePages().get('docs/reference/unsupported.md') ?? '';
  expect(page).toContain('| `spec.template.spec.containers[].startupProbe` | start-up probes |');
  expect(page).not.toContain('startupProbe.');
  expect(page).toContain('| `spec.http[].match[].headers.@request.auth.claims` | authentication of requests by JWT |');
  expect(page).toContain('| `spec.ingress[].port.protocol: UDP` | other protocols than TCP |');
  expect(page).toContain('| `spec.template.spec.containers[].image` | images are not pulled');
});

test('every code has an entry with what to do', () => {
  const page = referencePages().get('docs/reference/diagnostics.md') ?? '';
  expect(page).toMatch(/## LAT0110\n\n\*\*Unknown field\*\* \(error\)\n\n.+\n\n\*What to do:\* .+/);
});

test('the page of a kind shows type, meaning and whether a field is required', () => {
  const page = referencePages().get('docs/reference/kinds/virtualservices.md') ?? '';
  expect(page).toContain('| `spec.http[].directResponse.status` (required) | number, 200 to 599 |');
  expect(page).toContain('| `spec.http[].timeout` | duration |');
});
