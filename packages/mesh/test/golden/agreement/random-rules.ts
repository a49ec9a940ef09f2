import fc from 'fast-check';

/**
 * Rules of VirtualServices, of so few words that requests often meet them. A new field of the API is one line here; what
 * is not valid is left out by who uses these.
 */

export const SEGMENTS = [
  'a',
  'b',
  'A',
  'api',
  'v1',
  '12',
  'x.y',
  '%61',
  '%2e%2e',
  '..',
  '.',
  '',
  '%2F',
  'é',
  '%7e-_%41',
  '%zz',
  '%',
  '"<>',
  '^`|',
  '[{}]',
  '%5b%c3',
  ';p=1',
  "'()*+,:@$&=!",
];
export const QUERIES = ['', '', '?', '?q', '?q=1', '?q=2&r', '?r=1&q=12', '?q=%31'];
export const HEADER_NAMES = ['x-user', 'x-team', 'x-empty'];
export const HEADER_VALUES = ['jason', 'Jason', 'kate', 'qa-7', '', '12'];
export const METHODS = ['GET', 'POST', 'PUT', 'OPTIONS'];
export const ORIGINS = ['http://a.test', 'https://b.test'];
const SUBSETS = ['v1', 'v2', 'v3'];
/** `empty` has no instances. */
const SERVICES = ['echo', 'echo', 'other', 'empty'];

const path = fc
  .array(fc.constantFrom(...SEGMENTS), { minLength: 1, maxLength: 3 })
  .map((parts) => `/${parts.join('/')}`);
/** Of rules; there it may not be normal, and then matches nothing. */
export const plainPath = fc.constantFrom(
  '/',
  '/a',
  '/a/',
  '/a/b',
  '/api',
  '/api/v1',
  '/A',
  '/b',
  '/12',
  '/x.y',
  '/a/..',
  '/%61',
);
const replacement = fc.constantFrom('/', '/new', '/new/', '/a', '/x?y=1', '');

export const PATH_REGEXES = [
  '/a/.*',
  '/[ab]+(/.*)?',
  '(?i)/API(/v\\d+)?',
  '/(a|b)/1?2?',
  '/\\S*',
  '/x\\.y',
  '(?s).*',
  '/[[:alpha:]]+',
];
export const VALUE_REGEXES = ['jas.*', '(?i)JASON', '[a-z]+-\\d', '\\d*', '.+', 'a|kate'];

/** One of exact, prefix, regex. */
function stringMatch(values: readonly string[], regexes: readonly string[]) {
  return fc.oneof(
    fc.record({ exact: fc.constantFrom(...values) }),
    fc.record({ prefix: fc.constantFrom(...values.map((value) => value.slice(0, 3))) }),
    fc.record({ regex: fc.constantFrom(...regexes) }),
  );
}

const headerName = fc.constantFrom(...HEADER_NAMES);
const headerMatch = fc.oneof({ weight: 3, arbitrary: stringMatch(HEADER_VALUES, VALUE_REGEXES) }, fc.constant({}));
const queryMatch = fc.oneof(stringMatch(['1', '2', '12', '', '%31'], ['1.*', '\\d']), fc.constant({}));

const match = fc.record(
  {
    uri: fc.oneof(
      fc.record({ exact: plainPath }),
      fc.record({ prefix: plainPath }),
      fc.record({ regex: fc.constantFrom(...PATH_REGEXES) }),
    ),
    ignoreUriCase: fc.boolean(),
    scheme: stringMatch(['http', 'https'], ['https?']),
    method: stringMatch(METHODS, ['P.*', 'GET|PUT']),
    authority: stringMatch(['h0.test', 'h1.test', 's0'], ['.*:\\d+', '[hH]\\d.*']),
    headers: fc.dictionary(headerName, headerMatch, { maxKeys: 2 }),
    withoutHeaders: fc.dictionary(headerName, headerMatch, { maxKeys: 1 }),
    queryParams: fc.dictionary(fc.constantFrom('q', 'r'), queryMatch, { maxKeys: 1 }),
    port: fc.constantFrom(80, 81),
    gateways: fc.constantFrom(['mesh'], ['front']),
    sourceLabels: fc.constantFrom({ app: 'client' }, { app: 'nobody' }),
    sourceNamespace: fc.constantFrom('default', 'elsewhere'),
  },
  { requiredKeys: [] },
);

/** Most conditions are left out, or hardly anything would match. */
const sparseMatch = fc
  .tuple(match, fc.infiniteStream(fc.nat(3)))
  .map(([fields, dice]) => Object.fromEntries(Object.entries(fields).filter(() => dice.next().value === 0)))
  .map(({ ignoreUriCase, ...fields }) =>
    'uri' in fields && ignoreUriCase === true ? { ...fields, ignoreUriCase } : fields,
  );

const headerText = fc.constantFrom(
  'one',
  'two words',
  '',
  '%REQ(x-user)%',
  'a%%b',
  '%REQ(:path)%',
  '%REQ(x-none?x-team)%',
  '%PROTOCOL%',
);
const changedName = fc.constantFrom(...HEADER_NAMES, 'x-new', 'X-Mixed-Case');

function headerOperations(names: fc.Arbitrary<string>) {
  return fc.record(
    {
      set: fc.dictionary(names, headerText, { minKeys: 1, maxKeys: 2 }),
      add: fc.dictionary(names, headerText, { minKeys: 1, maxKeys: 2 }),
      remove: fc.uniqueArray(names, { minLength: 1, maxLength: 2 }),
    },
    { requiredKeys: [] },
  );
}

const headers = fc.record(
  {
    request: fc.oneof(headerOperations(changedName), fc.constant({ set: { host: 'set.test' } })),
    response: headerOperations(fc.constantFrom('x-r-one', 'x-r-two')),
  },
  { requiredKeys: [] },
);

const destination = fc
  .record({ host: fc.constantFrom(...SERVICES), subset: fc.option(fc.constantFrom(...SUBSETS)) })
  .map(({ host, subset }) => ({ host, ...(subset === null ? {} : { subset }) }));

const route = fc.oneof(
  fc.record({ destination }).map((only) => [only]),
  fc.array(fc.record({ destination, weight: fc.nat(3), headers }, { requiredKeys: ['destination', 'weight'] }), {
    minLength: 1,
    maxLength: 3,
  }),
);

const percent = fc.record({ value: fc.constantFrom(0, 50, 100) });

const fault = fc.record(
  {
    delay: fc.record({ fixedDelay: fc.constant('2ms'), percentage: percent }),
    abort: fc.oneof(
      fc.record({ httpStatus: fc.constantFrom(418, 503, 200), percentage: percent }),
      fc.record({ grpcStatus: fc.constantFrom('UNAVAILABLE', 'NOT_FOUND'), percentage: percent }),
    ),
  },
  { requiredKeys: [] },
);

const rewrite = fc.record(
  {
    uri: replacement,
    authority: fc.constantFrom('rewritten.test', 'rewritten.test:81'),
    uriRegexRewrite: fc.constantFrom(
      { match: '^/([^/]+)/(.*)$', rewrite: '/\\2/\\1' },
      { match: 'a', rewrite: 'z' },
      { match: '/+', rewrite: '/' },
      { match: '(?i)A*', rewrite: '-' },
    ),
  },
  { requiredKeys: [] },
);

const corsPolicy = fc.record(
  {
    allowOrigins: fc.uniqueArray(
      fc.oneof(stringMatch(ORIGINS, ['https?://.*\\.test', 'http:.*']), fc.constant({ exact: '*' })),
      { minLength: 1, maxLength: 2 },
    ),
    allowMethods: fc.constantFrom(['GET', 'PUT'], ['*']),
    allowHeaders: fc.constantFrom(['x-one', 'x-two'], ['*']),
    exposeHeaders: fc.constantFrom(['x-three'], ['*']),
    maxAge: fc.constantFrom('1m', '24h'),
    allowCredentials: fc.boolean(),
    unmatchedPreflights: fc.constantFrom('FORWARD', 'IGNORE', 'UNSPECIFIED'),
  },
  { requiredKeys: ['allowOrigins'] },
);

const redirect = fc.record(
  {
    uri: replacement,
    prefixRewrite: replacement,
    authority: fc.constantFrom('other.test', 'other.test:82'),
    port: fc.constantFrom(80, 443, 8443),
    derivePort: fc.constantFrom('FROM_PROTOCOL_DEFAULT', 'FROM_REQUEST_PORT'),
    scheme: fc.constantFrom('http', 'https'),
    redirectCode: fc.constantFrom(301, 302, 303, 307, 308),
  },
  { requiredKeys: [] },
);

const directResponse = fc.oneof(
  fc.record(
    { status: fc.constantFrom(200, 418, 503), body: fc.record({ string: fc.constantFrom('tea', '') }) },
    { requiredKeys: ['status'] },
  ),
  // With a body Envoy would send that as well, which no client understands.
  fc.record({ status: fc.constantFrom(204) }),
);

const common = { match: fc.array(sparseMatch, { maxLength: 2 }), headers, corsPolicy };

/** Fields that are there once in a while, and all others always. */
function seldom<T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }, always: readonly (keyof T)[]) {
  return fc
    .tuple(fc.record(model), fc.infiniteStream(fc.nat(3)))
    .map(([fields, dice]) =>
      Object.fromEntries(
        Object.entries(fields as object).filter(([key]) => always.includes(key as keyof T) || dice.next().value === 0),
      ),
    );
}

const rule = fc.oneof(
  {
    weight: 5,
    arbitrary: seldom({ ...common, route, rewrite, fault, timeout: fc.constant('9s'), mirror: destination }, [
      'match',
      'route',
    ]),
  },
  { weight: 1, arbitrary: seldom({ ...common, redirect }, ['match', 'redirect']) },
  { weight: 1, arbitrary: seldom({ ...common, directResponse }, ['match', 'directResponse']) },
);

export const anyRules = fc.array(rule, { minLength: 2, maxLength: 7 });

export interface RandomRequest {
  readonly protocol: 'http1' | 'http2';
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Which of the hosts of a group of rules. */
  readonly host: number;
}

export const anyRequest: fc.Arbitrary<RandomRequest> = fc
  .record({
    protocol: fc.constantFrom('http1' as const, 'http1' as const, 'http2' as const),
    method: fc.constantFrom('GET', 'GET', ...METHODS),
    path: fc.oneof(path, plainPath),
    query: fc.constantFrom(...QUERIES),
    headers: fc.dictionary(headerName, fc.constantFrom(...HEADER_VALUES), { maxKeys: 2 }),
    origin: fc.option(fc.constantFrom(...ORIGINS, 'http://c.test'), { freq: 2 }),
    requestMethod: fc.option(fc.constantFrom('PUT', ''), { freq: 2 }),
    requestHeaders: fc.option(fc.constantFrom('x-one', 'x-other'), { freq: 2 }),
    grpc: fc.nat(9),
    host: fc.nat(7),
  })
  .map(({ protocol, method, path, query, headers, origin, requestMethod, requestHeaders, grpc, host }) => ({
    protocol,
    method,
    path: path.replaceAll('é', '%C3%A9') + query,
    headers: {
      ...headers,
      ...(origin === null ? {} : { origin }),
      ...(origin === null || requestMethod === null ? {} : { 'access-control-request-method': requestMethod }),
      ...(origin === null || requestHeaders === null ? {} : { 'access-control-request-headers': requestHeaders }),
      ...(grpc === 0 ? { 'content-type': 'application/grpc' } : {}),
    },
    host,
  }));
