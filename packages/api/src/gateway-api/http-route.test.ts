import { describe, expect, test } from 'vitest';
import { kinds } from '../kinds.ts';
import { findingsIn } from '../testing/findings-in.ts';

const reviews = { name: 'reviews', port: 9080 };

function route(spec: object) {
  return findingsIn(kinds.HTTPRoute, spec);
}

function rule(more: object) {
  return route({ rules: [{ ...more }] }).map((finding) => finding.replace('spec.rules[0].', ''));
}

function filter(...filters: object[]) {
  return rule({ filters }).map((finding) => finding.replace('filters[0].', ''));
}

test('an HTTPRoute with everything', () => {
  const modifier = { set: [{ name: 'a', value: 'b' }], add: [{ name: 'a', value: 'b c' }], remove: ['x', 'y'] };
  const findings = route({
    parentRefs: [
      { name: 'edge', sectionName: 'http' },
      { name: 'edge', sectionName: 'https' },
      { name: 'edge', namespace: 'other' },
      { group: '', kind: 'Service', name: 'reviews', port: 9080 },
      { group: '', kind: 'Service', name: 'reviews', port: 9081 },
    ],
    useDefaultGateways: 'All',
    hostnames: ['reviews.example.com', '*.example.com'],
    rules: [
      {
        name: 'first',
        matches: [
          { path: { type: 'Exact', value: '/a%20b' }, method: 'GET' },
          { path: { type: 'RegularExpression', value: '/(a|b)/.*' } },
          { path: {}, headers: [{ name: 'end-user', value: 'jason' }] },
          { queryParams: [{ name: 'a', value: '[0-9]+', type: 'RegularExpression' }] },
        ],
        filters: [
          { type: 'RequestHeaderModifier', requestHeaderModifier: modifier },
          { type: 'ResponseHeaderModifier', responseHeaderModifier: modifier },
          { type: 'RequestMirror', requestMirror: { backendRef: reviews, percent: 10 } },
          { type: 'RequestMirror', requestMirror: { backendRef: reviews, fraction: { numerator: 1 } } },
          {
            type: 'URLRewrite',
            urlRewrite: { hostname: 'a.b', path: { type: 'ReplaceFullPath', replaceFullPath: '' } },
          },
          { type: 'CORS', cors: { allowOrigins: ['https://*.example.com:8443'], allowMethods: ['*'], maxAge: 1 } },
          {
            type: 'ExternalAuth',
            externalAuth: {
              protocol: 'HTTP',
              backendRef: reviews,
              http: { path: '/check', allowedHeaders: ['a'] },
              forwardBody: { maxSize: 1024 },
            },
          },
          { type: 'ExtensionRef', extensionRef: { group: 'example.com', kind: 'Filter', name: 'x' } },
        ],
        backendRefs: [
          { ...reviews, weight: 0 },
          { group: 'example.com', kind: 'Bucket', name: 'x' },
          { ...reviews, filters: [{ type: 'RequestHeaderModifier', requestHeaderModifier: {} }] },
        ],
        timeouts: { request: '10s', backendRequest: '1s500ms' },
        retry: { codes: [503, 504], attempts: 3, backoff: '100ms' },
        sessionPersistence: { absoluteTimeout: '1h', cookieConfig: { lifetimeType: 'Permanent' } },
      },
      {
        matches: [{ path: { value: '/old' } }],
        filters: [
          {
            type: 'RequestRedirect',
            requestRedirect: {
              scheme: 'https',
              path: { type: 'ReplacePrefixMatch', replacePrefixMatch: '/new' },
              port: 8443,
              statusCode: 308,
            },
          },
        ],
      },
      {
        filters: [
          { type: 'URLRewrite', urlRewrite: { path: { type: 'ReplacePrefixMatch', replacePrefixMatch: '/' } } },
        ],
      },
      { timeouts: { request: '0s', backendRequest: '5s' } },
    ],
  });
  expect(findings).toEqual([]);
});

describe('parents', () => {
  test.each([
    [
      'different sections',
      [
        { name: 'a', sectionName: 'x' },
        { name: 'a', sectionName: 'y' },
      ],
      [],
    ],
    ['different namespaces', [{ name: 'a' }, { name: 'a', namespace: 'x' }], []],
    ['different kinds', [{ name: 'a' }, { name: 'a', kind: 'Service', group: '' }], []],
    [
      'one section, two ports',
      [
        { name: 'a', sectionName: 'x', port: 1 },
        { name: 'a', sectionName: 'x', port: 2 },
      ],
      [],
    ],
    [
      'the same',
      [{ name: 'a' }, { name: 'a', kind: 'Gateway' }],
      ['spec.parentRefs[1]: names the same part of the parent as an earlier one'],
    ],
    [
      'a part and the whole',
      [{ name: 'a', sectionName: 'x' }, { name: 'a' }],
      [
        'spec.parentRefs[1]: must set sectionName and port just as the earlier ones of the same parent do, with other values',
      ],
    ],
    [
      'a section and a port',
      [
        { name: 'a', sectionName: 'x' },
        { name: 'a', port: 80 },
      ],
      [
        'spec.parentRefs[1]: must set sectionName and port just as the earlier ones of the same parent do, with other values',
      ],
    ],
  ])('%s', (_, parentRefs, findings) => {
    expect(route({ parentRefs })).toEqual(findings);
  });
});

describe('rules', () => {
  const matches = (length: number) => Array.from({ length }, () => ({}));

  test('names are unique', () => {
    expect(route({ rules: [{ name: 'a' }, {}, {}, { name: 'a' }] })).toEqual([
      'spec.rules[3].name: the rule name a is used twice',
    ]);
  });

  test('there are at most 128 matches, of which a rule without any has one', () => {
    expect(route({ rules: [{ matches: matches(64) }, { matches: matches(63) }, {}] })).toEqual([]);
    expect(route({ rules: [{ matches: matches(64) }, { matches: matches(64) }, {}] })).toEqual([
      'spec.rules: must have at most 128 matches in all, not 129',
    ]);
  });

  test('there is one at least', () => {
    expect(route({ rules: [] })).toEqual(['spec.rules: must have at least one element']);
  });
});

const PREFIX = { type: 'ReplacePrefixMatch', replacePrefixMatch: '/' };
const REDIRECT = { type: 'RequestRedirect', requestRedirect: { path: PREFIX } };
const REWRITE = { type: 'URLRewrite', urlRewrite: { path: PREFIX } };
const ONE_PREFIX = 'replacePrefixMatch: needs a rule with exactly one match, and that by PathPrefix';

test.each([
  [
    'a redirect with backends',
    { filters: [{ type: 'RequestRedirect', requestRedirect: {} }], backendRefs: [reviews] },
    'filters[0].requestRedirect: RequestRedirect and backendRefs exclude each other',
  ],
  [
    'a new prefix for several matches',
    { matches: [{}, {}], filters: [REDIRECT] },
    `filters[0].requestRedirect.path.${ONE_PREFIX}`,
  ],
  [
    'a new prefix for an exact path',
    { matches: [{ path: { type: 'Exact', value: '/a' } }], filters: [REWRITE] },
    `filters[0].urlRewrite.path.${ONE_PREFIX}`,
  ],
  ['a new prefix for no match', { matches: [], filters: [REWRITE] }, `filters[0].urlRewrite.path.${ONE_PREFIX}`],
  [
    'a redirect to a new prefix of a backend',
    { matches: [{}, {}], backendRefs: [reviews, { ...reviews, filters: [REDIRECT] }] },
    `backendRefs[1].filters[0].requestRedirect.path.${ONE_PREFIX}`,
  ],
  [
    'a new prefix of a backend',
    { matches: [{}, {}], backendRefs: [{ ...reviews, filters: [REWRITE] }] },
    `backendRefs[0].filters[0].urlRewrite.path.${ONE_PREFIX}`,
  ],
  ['a Service without port', { backendRefs: [{ name: 'a' }] }, 'backendRefs[0].port: is required for a Service'],
  [
    'a weight that is too large',
    { backendRefs: [{ ...reviews, weight: 1_000_001 }] },
    'backendRefs[0].weight: must be from 0 to 1000000, not 1000001',
  ],
  [
    'an attempt that takes longer than the request',
    { timeouts: { request: '1s', backendRequest: '1001ms' } },
    'timeouts.backendRequest: must not be longer than the timeout of the request, 1s',
  ],
  [
    'a duration with a fraction',
    { timeouts: { request: '1.5s' } },
    "timeouts.request: must be a duration of whole hours, minutes, seconds and milliseconds, such as 10s, 500ms or 1m30s, not '1.5s'",
  ],
  ['a status twice', { retry: { codes: [503, 503] } }, "retry.codes[1]: '503' is listed twice"],
  ['a status of success', { retry: { codes: [200] } }, 'retry.codes[0]: must be from 400 to 599, not 200'],
  ['no attempt', { retry: { attempts: 0 } }, 'retry.attempts: must be 1 or more, not 0'],
  [
    'a cookie for ever',
    { sessionPersistence: { cookieConfig: { lifetimeType: 'Permanent' } } },
    'sessionPersistence.absoluteTimeout: must be set for cookies with the lifetimeType Permanent',
  ],
  [
    'a cookie in a header',
    { sessionPersistence: { type: 'Header', cookieConfig: {} } },
    'sessionPersistence.cookieConfig: must not be set for the type Header',
  ],
])('refused in a rule: %s', (_, more, finding) => {
  expect(rule(more)).toEqual([finding]);
});

test.each([
  ['Exact', 'a', "value: must start with '/'"],
  ['PathPrefix', '', "value: must start with '/'"],
  ['PathPrefix', '/a//b', "value: must not contain '//'"],
  ['Exact', '/a/./b', "value: must not contain '/./'"],
  ['Exact', '/a/../b', "value: must not contain '/../'"],
  ['Exact', '/a%2fb', "value: must not contain '%2f'"],
  ['Exact', '/a%2Fb', "value: must not contain '%2F'"],
  ['Exact', '/a#b', "value: must not contain '#'"],
  ['PathPrefix', '/a/..', "value: must not end with '/..'"],
  ['PathPrefix', '/a/.', "value: must not end with '/.'"],
  ['Exact', '/a b', 'value: has characters that a path must not have; write them as %XX'],
  ['Exact', '/%zz', 'value: has characters that a path must not have; write them as %XX'],
  ['RegularExpression', '(', 'value: is not a valid RE2 regular expression: '],
  ['Prefix', '/a', "type: must be Exact, PathPrefix or RegularExpression, not 'Prefix'"],
])('refused as a path: %s %s', (type, value, finding) => {
  const findings = rule({ matches: [{ path: { type, value } }] });
  expect(findings.map((each) => each.slice(0, `matches[0].path.${finding}`.length))).toContain(
    `matches[0].path.${finding}`,
  );
});

test.each([
  [
    'a header twice',
    {
      headers: [
        { name: 'a', value: '1' },
        { name: 'a', value: '2' },
      ],
    },
    "headers[1]: 'a' is listed twice",
  ],
  [
    'a parameter twice',
    {
      queryParams: [
        { name: 'a', value: '1' },
        { name: 'a', value: '2' },
      ],
    },
    "queryParams[1]: 'a' is listed twice",
  ],
  [
    'a header name that is none',
    { headers: [{ name: 'a b', value: '1' }] },
    "headers[0].name: must be a header name of at most 256 characters, not 'a b'",
  ],
  [
    'a value with a line break',
    { headers: [{ name: 'a', value: 'b\nc' }] },
    "headers[0].value: must be a header value: visible ASCII characters, single spaces between them, at most 4096 in all, not 'b\nc'",
  ],
  ['a value without text', { queryParams: [{ name: 'a', value: '' }] }, 'queryParams[0].value: must not be empty'],
  [
    'a method that is none',
    { method: 'get' },
    "method: must be GET, HEAD, POST, PUT, DELETE, CONNECT, OPTIONS, TRACE or PATCH, not 'get', did you mean 'GET'?",
  ],
])('refused in a match: %s', (_, match, finding) => {
  expect(rule({ matches: [match] })).toEqual([`matches[0].${finding}`]);
});

const TYPES = [
  ['RequestHeaderModifier', 'requestHeaderModifier', {}],
  ['ResponseHeaderModifier', 'responseHeaderModifier', {}],
  ['RequestMirror', 'requestMirror', { backendRef: reviews }],
  ['RequestRedirect', 'requestRedirect', {}],
  ['URLRewrite', 'urlRewrite', {}],
  ['ExtensionRef', 'extensionRef', { group: 'a', kind: 'b', name: 'c' }],
  ['CORS', 'cors', {}],
  ['ExternalAuth', 'externalAuth', { protocol: 'GRPC', backendRef: reviews, grpc: {} }],
] as const;

describe.each(TYPES)('the filter %s', (type, field, value) => {
  test('has the field of its name, and no other has it', () => {
    expect(filter({ type, [field]: value })).toEqual([]);
    expect(filter({ type })).toEqual([`${field}: must be set for the type ${type}`]);
    const [other, otherField, otherValue] = TYPES.find(([each]) => each !== type) ?? TYPES[0];
    expect(filter({ type: other, [otherField]: otherValue, [field]: value })).toEqual([
      `${field}: must not be set for the type ${other}`,
    ]);
  });

  test('there is one at most, but for mirrors and what lies outside', () => {
    const many = type === 'RequestMirror' || type === 'ExtensionRef' || type === 'ExternalAuth';
    const twice = {
      filters: [
        { type, [field]: value },
        { type, [field]: value },
      ],
    };
    const finding = `filters[1].type: there is a filter ${type} already`;
    expect(rule(twice)).toEqual(many ? [] : [finding]);
    expect(rule({ backendRefs: [{ ...reviews, ...twice }] })).toEqual(many ? [] : [`backendRefs[0].${finding}`]);
  });
});

test('a redirect and a rewrite exclude each other', () => {
  const filters = [
    { type: 'RequestRedirect', requestRedirect: {} },
    { type: 'URLRewrite', urlRewrite: {} },
  ];
  expect(rule({ filters })).toEqual(['filters[1].type: URLRewrite and RequestRedirect exclude each other']);
});

const mirror = (more: object) => ({ type: 'RequestMirror', requestMirror: { backendRef: reviews, ...more } });
const cors = (value: object) => ({ type: 'CORS', cors: value });
const rewrite = (path: object) => ({ type: 'URLRewrite', urlRewrite: { path } });
const redirect = (value: object) => ({ type: 'RequestRedirect', requestRedirect: value });
const auth = (value: object) => ({ type: 'ExternalAuth', externalAuth: { backendRef: reviews, ...value } });
const headers = (value: object) => ({ type: 'RequestHeaderModifier', requestHeaderModifier: value });

test.each([
  [
    'two sorts of shares',
    mirror({ percent: 1, fraction: { numerator: 1 } }),
    'requestMirror.fraction: percent and fraction exclude each other: set only one of percent and fraction',
  ],
  [
    'more than all',
    mirror({ fraction: { numerator: 101 } }),
    'requestMirror.fraction.numerator: must be at most the denominator, 100',
  ],
  ['more than 100 percent', mirror({ percent: 101 }), 'requestMirror.percent: must be from 0 to 100, not 101'],
  [
    'a mirror without port',
    mirror({ backendRef: { name: 'a' } }),
    'requestMirror.backendRef.port: is required for a Service',
  ],
  [
    'origins beside all',
    cors({ allowOrigins: ['*', 'https://a.b'] }),
    "cors.allowOrigins: must not list others beside '*'",
  ],
  ['methods beside all', cors({ allowMethods: ['GET', '*'] }), "cors.allowMethods: must not list others beside '*'"],
  ['headers beside all', cors({ allowHeaders: ['*', 'a'] }), "cors.allowHeaders: must not list others beside '*'"],
  ['a header twice', cors({ exposeHeaders: ['a', 'a'] }), "cors.exposeHeaders[1]: 'a' is listed twice"],
  [
    'an origin that is none',
    cors({ allowOrigins: ['example.com'] }),
    "cors.allowOrigins[0]: must be an origin such as https://example.com, https://*.example.com or '*', not 'example.com'",
  ],
  ['no age', cors({ maxAge: 0 }), 'cors.maxAge: must be 1 or more, not 0'],
  [
    'no full path',
    rewrite({ type: 'ReplaceFullPath' }),
    'urlRewrite.path.replaceFullPath: must be set for the type ReplaceFullPath',
  ],
  [
    'no prefix',
    rewrite({ type: 'ReplacePrefixMatch' }),
    'urlRewrite.path.replacePrefixMatch: must be set for the type ReplacePrefixMatch',
  ],
  [
    'a prefix beside a full path',
    rewrite({ type: 'ReplaceFullPath', replaceFullPath: '/', replacePrefixMatch: '/' }),
    'urlRewrite.path.replacePrefixMatch: must not be set for the type ReplaceFullPath',
  ],
  [
    'a full path beside a prefix',
    redirect({ path: { type: 'ReplacePrefixMatch', replaceFullPath: '/', replacePrefixMatch: '/' } }),
    'requestRedirect.path.replaceFullPath: must not be set for the type ReplacePrefixMatch',
  ],
  [
    'a status that is no redirect',
    redirect({ statusCode: 200 }),
    'requestRedirect.statusCode: must be 301, 302, 303, 307 or 308, not 200',
  ],
  [
    'a redirect to a wildcard',
    redirect({ hostname: '*.a.b' }),
    "requestRedirect.hostname: must be a host name in lower case, without wildcard, not '*.a.b'",
  ],
  ['no gRPC', auth({ protocol: 'GRPC' }), 'externalAuth.grpc: must be set for the protocol GRPC'],
  ['no HTTP', auth({ protocol: 'HTTP' }), 'externalAuth.http: must be set for the protocol HTTP'],
  [
    'HTTP beside gRPC',
    auth({ protocol: 'GRPC', grpc: {}, http: {} }),
    'externalAuth.http: must not be set for the protocol GRPC',
  ],
  [
    'gRPC beside HTTP',
    auth({ protocol: 'HTTP', grpc: {}, http: {} }),
    'externalAuth.grpc: must not be set for the protocol HTTP',
  ],
  [
    'a path that is none',
    auth({ protocol: 'HTTP', http: { path: '/a b' } }),
    "externalAuth.http.path: must be a path of at most 1024 characters that URLs may have, not '/a b'",
  ],
  [
    'a header that is set twice',
    headers({
      set: [
        { name: 'a', value: 'b' },
        { name: 'a', value: 'c' },
      ],
    }),
    "requestHeaderModifier.set[1]: 'a' is listed twice",
  ],
  [
    'a header that is added twice',
    headers({
      add: [
        { name: 'a', value: 'b' },
        { name: 'a', value: 'c' },
      ],
    }),
    "requestHeaderModifier.add[1]: 'a' is listed twice",
  ],
  [
    'a header that is removed twice',
    headers({ remove: ['a', 'a'] }),
    "requestHeaderModifier.remove[1]: 'a' is listed twice",
  ],
])('refused in a filter: %s', (_, value, finding) => {
  expect(filter(value)).toEqual([finding]);
});
