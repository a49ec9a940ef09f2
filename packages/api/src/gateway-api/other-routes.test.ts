import { describe, expect, test } from 'vitest';
import { kinds } from '../kinds.ts';
import { findingsIn } from '../testing/findings-in.ts';

const reviews = { name: 'reviews', port: 9080 };

describe('GRPCRoute', () => {
  const route = (spec: object) => findingsIn(kinds.GRPCRoute, spec);
  const method = (value: object) => route({ rules: [{ matches: [{ method: value }] }] });

  test('with everything', () => {
    const modifier = { set: [{ name: 'a', value: 'b' }] };
    const filters = [
      { type: 'RequestHeaderModifier', requestHeaderModifier: modifier },
      { type: 'ResponseHeaderModifier', responseHeaderModifier: modifier },
      { type: 'RequestMirror', requestMirror: { backendRef: reviews } },
      { type: 'RequestMirror', requestMirror: { backendRef: reviews } },
      { type: 'ExtensionRef', extensionRef: { group: 'a', kind: 'b', name: 'c' } },
    ];
    const matches = [
      { method: { service: 'grpc.health.v1.Health', method: 'Check' } },
      { method: { type: 'RegularExpression', service: 'foo\\.(a|b)' }, headers: [{ name: 'a', value: 'b  c' }] },
    ];
    const backendRefs = [{ ...reviews, weight: 3, filters }];
    const sessionPersistence = { type: 'Header', sessionName: 'x' };
    const rules = [{ name: 'a', matches, filters, backendRefs, sessionPersistence }];
    const spec = { parentRefs: [{ name: 'edge' }], useDefaultGateways: 'None', hostnames: ['a.example'], rules };
    expect(route(spec)).toEqual([]);
    expect(route({})).toEqual([]);
  });

  test('what a match by method says', () => {
    const path = 'spec.rules[0].matches[0].method';
    expect(method({})).toEqual([`${path}: one of service or method must be set`]);
    expect(method({ service: 'a b' })).toEqual([
      `${path}.service: must be a service such as grpc.health.v1.Health, not 'a b'`,
    ]);
    expect(method({ method: 'a.b' })).toEqual([`${path}.method: must be a method such as Check, not 'a.b'`]);
    const [regex = ''] = method({ type: 'RegularExpression', method: '(' });
    expect(regex).toContain(`${path}.method: is not a valid RE2 regular expression`);
  });

  test.each([
    ['RequestHeaderModifier', 'requestHeaderModifier'],
    ['ResponseHeaderModifier', 'responseHeaderModifier'],
  ])('the filter %s', (type, field) => {
    const filters = (...all: object[]) => route({ rules: [{ filters: all }] });
    expect(filters({ type, [field]: {} }, { type, [field]: {} })).toEqual([
      `spec.rules[0].filters[1].type: there is a filter ${type} already`,
    ]);
    expect(filters({ type })).toEqual([`spec.rules[0].filters[0].${field}: must be set for the type ${type}`]);
    expect(filters({ type: 'RequestMirror', requestMirror: { backendRef: reviews }, [field]: {} })).toEqual([
      `spec.rules[0].filters[0].${field}: must not be set for the type RequestMirror`,
    ]);
  });

  test('rules are told apart, and have not too many matches', () => {
    const matches = Array.from({ length: 64 }, () => ({}));
    expect(route({ rules: [{ name: 'a' }, { name: 'a' }] })).toEqual([
      'spec.rules[1].name: the rule name a is used twice',
    ]);
    expect(route({ rules: [{ matches }, { matches }, {}] })).toEqual([]);
    expect(route({ rules: [{ matches }, { matches }, { matches: [{}] }] })).toEqual([
      'spec.rules: must have at most 128 matches in all, not 129',
    ]);
  });

  test('parents and backends have the rules of all routes', () => {
    expect(route({ parentRefs: [{ name: 'a' }, { name: 'a' }], rules: [{ backendRefs: [{ name: 'b' }] }] })).toEqual([
      'spec.rules[0].backendRefs[0].port: is required for a Service',
    ]);
    expect(route({ parentRefs: [{ name: 'a' }, { name: 'a' }] })).toEqual([
      'spec.parentRefs[1]: names the same part of the parent as an earlier one',
    ]);
  });
});

describe.each([kinds.TLSRoute, kinds.TCPRoute, kinds.UDPRoute])('$kind', (kind) => {
  const hostnames = kind.kind === 'TLSRoute' ? { hostnames: ['*.example.com'] } : {};
  const route = (spec: object) => findingsIn(kind, { ...hostnames, rules: [{ backendRefs: [reviews] }], ...spec });

  test('with everything', () => {
    const rules = [
      {
        name: 'a',
        backendRefs: [
          { ...reviews, weight: 1 },
          { kind: 'ServiceImport', name: 'b' },
        ],
      },
    ];
    // Only Services of the core group need a port.
    const [, imported] = rules[0]?.backendRefs ?? [];
    Object.assign(imported as object, { group: 'multicluster.x-k8s.io' });
    expect(route({ parentRefs: [{ name: 'edge' }], useDefaultGateways: 'All', rules })).toEqual([]);
  });

  test.each([
    ['no rule', { rules: [] }, 'spec.rules: must have at least one element'],
    [
      'two rules',
      { rules: [{ backendRefs: [reviews] }, { backendRefs: [reviews] }] },
      'spec.rules: must have at most 1 elements, not 2',
    ],
    ['no backend', { rules: [{ backendRefs: [] }] }, 'spec.rules[0].backendRefs: must have at least one element'],
    [
      'a Service without port',
      { rules: [{ backendRefs: [{ name: 'a' }] }] },
      'spec.rules[0].backendRefs[0].port: is required for a Service',
    ],
    [
      'a parent twice',
      { parentRefs: [{ name: 'a' }, { name: 'a' }] },
      'spec.parentRefs[1]: names the same part of the parent as an earlier one',
    ],
  ])('refused: %s', (_, spec, finding) => {
    expect(route(spec)).toEqual([finding]);
  });
});

test('a TLSRoute is for hosts', () => {
  const route = (hostnames?: unknown) =>
    findingsIn(kinds.TLSRoute, { rules: [{ backendRefs: [reviews] }], ...(hostnames !== undefined && { hostnames }) });
  expect(route()).toEqual(['spec.hostnames: is required, but missing']);
  expect(route([])).toEqual(['spec.hostnames: must have at least one element']);
  expect(route(['10.0.0.1'])).toEqual(['spec.hostnames[0]: must be a host name, not the IP address 10.0.0.1']);
  expect(route(['a.*.example'])[0]).toContain('spec.hostnames[0]: must be a host name in lower case');
});
