import { describe, expect, test } from 'vitest';
import { simulate } from '../simulate.ts';
import { request, routesOf } from '../testing/envoy-yaml.ts';
import { choiceOf, httpOf, targetOf } from '../testing/verdicts.ts';

const FAULT = "'@type': type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault";
const CORS = "'@type': type.googleapis.com/envoy.extensions.filters.http.cors.v3.CorsPolicy";

function withFault(config: string, more: Parameters<typeof routesOf>[1] = {}) {
  return routesOf(
    `[{match: {prefix: /}, route: {cluster: a}, typed_per_filter_config: {fault: {${FAULT}, ${config}}}}]`,
    more,
  );
}

describe('faults', () => {
  const abort = 'abort: {http_status: 503, percentage: {numerator: 10}}';
  test('have shares', () => {
    const delay = 'delay: {fixed_delay: 1.5s, percentage: {numerator: 500, denominator: TEN_THOUSAND}}';
    expect(choiceOf(withFault(`${abort}, ${delay}`), request('/')).fault).toEqual({
      abort: { share: 0.1, status: 503 },
      delay: { share: 0.05, ms: 1500 },
    });
    expect(choiceOf(withFault('abort: {http_status: 503}'), request('/')).fault).toBe(undefined);
  });

  test('can be for some requests only', () => {
    const some = withFault(`${abort}, headers: [{name: user, string_match: {exact: kate}}]`);
    expect(choiceOf(some, request('/', { headers: { user: 'kate' } })).fault).toBeDefined();
    expect(choiceOf(some, request('/')).fault).toBe(undefined);
    expect(choiceOf(withFault(`${abort}, upstream_cluster: b`), request('/')).fault).toBe(undefined);
  });

  test('can be asked for by the request', () => {
    const asked = withFault('abort: {header_abort: {}, percentage: {numerator: 50}}');
    const headers = { 'x-envoy-fault-abort-request': '429', 'x-envoy-fault-abort-request-percentage': '25' };
    expect(choiceOf(asked, request('/', { headers })).fault).toEqual({ abort: { share: 0.25, status: 429 } });
  });

  test('of a route replace those of its host, and can be turned off', () => {
    const host = `typed_per_filter_config: {fault: {${FAULT}, abort: {http_status: 500, percentage: {numerator: 100}}}}`;
    expect(choiceOf(withFault(abort, { host }), request('/')).fault?.abort?.status).toBe(503);
    const off = "{'@type': type.googleapis.com/envoy.config.route.v3.FilterConfig, disabled: true}";
    const proxy = routesOf(`[{match: {prefix: /}, route: {cluster: a}, typed_per_filter_config: {fault: ${off}}}]`, {
      host,
    });
    expect(choiceOf(proxy, request('/')).fault).toBe(undefined);
  });

  test('can differ by weighted cluster', () => {
    const own = `typed_per_filter_config: {fault: {${FAULT}, ${abort}}}`;
    const proxy = routesOf(
      `[{match: {prefix: /}, route: {weighted_clusters: {clusters: [{name: a, weight: 3, ${own}}, {name: b, weight: 1}]}}}]`,
    );
    const { action } = choiceOf(proxy, request('/'));
    expect(
      action.type === 'forward' && action.targets.map(({ share, fault }) => [share, fault?.abort?.status]),
    ).toEqual([
      [0.75, 503],
      [0.25, undefined],
    ]);
  });
});

describe('CORS', () => {
  const policy = `{${CORS}, allow_origin_string_match: [{exact: http://a}], allow_methods: "GET,PUT", max_age: "60", allow_credentials: true, expose_headers: x-e}`;
  const proxy = routesOf(`[{match: {prefix: /}, route: {cluster: a}, typed_per_filter_config: {cors: ${policy}}}]`);

  test('answers preflight requests of origins that are allowed', () => {
    const headers = { origin: 'http://a', 'access-control-request-method': 'PUT' };
    expect(choiceOf(proxy, request('/', { method: 'OPTIONS', headers }))).toMatchObject({
      cors: { origin: 'http://a', allowed: true, preflight: true },
      action: {
        type: 'respond',
        by: 'cors',
        status: 200,
        headers: [
          ['access-control-allow-origin', 'http://a'],
          ['access-control-allow-credentials', 'true'],
          ['access-control-allow-methods', 'GET,PUT'],
          ['access-control-max-age', '60'],
          ['access-control-expose-headers', 'x-e'],
        ],
      },
    });
    const other = { ...headers, origin: 'http://b' };
    expect(choiceOf(proxy, request('/', { method: 'OPTIONS', headers: other }))).toMatchObject({
      cors: { allowed: false },
      action: { type: 'forward' },
    });
  });

  test('adds headers to the answers of actual requests', () => {
    expect(targetOf(proxy, request('/', { headers: { origin: 'http://a' } })).responseHeaders).toEqual([
      { action: 'overwrite', name: 'access-control-allow-origin', value: 'http://a' },
      { action: 'overwrite', name: 'access-control-allow-credentials', value: 'true' },
      { action: 'overwrite', name: 'access-control-expose-headers', value: 'x-e' },
    ]);
    expect(targetOf(proxy, request('/', { headers: { origin: 'http://b' } })).responseHeaders).toEqual([]);
    expect(choiceOf(proxy, request('/')).cors).toBe(undefined);
  });

  test('can answer preflight requests of other origins, without permission', () => {
    const strict = `{${CORS}, allow_origin_string_match: [{exact: http://a}], max_age: '60', forward_not_matching_preflights: false}`;
    const closed = routesOf(`[{match: {prefix: /}, route: {cluster: a}, typed_per_filter_config: {cors: ${strict}}}]`);
    const headers = { origin: 'http://b', 'access-control-request-method': 'PUT' };
    expect(choiceOf(closed, request('/', { method: 'OPTIONS', headers }))).toMatchObject({
      cors: { allowed: false },
      action: { by: 'cors', headers: [['access-control-max-age', '60']] },
    });
  });

  test('makes of a star what was asked for', () => {
    const any = `{${CORS}, allow_origin_string_match: [{exact: http://a}], allow_methods: '*', allow_headers: '*'}`;
    const open = routesOf(`[{match: {prefix: /}, route: {cluster: a}, typed_per_filter_config: {cors: ${any}}}]`);
    const headers = { origin: 'http://a', 'access-control-request-method': 'PUT' };
    expect(choiceOf(open, request('/', { method: 'OPTIONS', headers })).action).toMatchObject({
      headers: [
        ['access-control-allow-origin', 'http://a'],
        ['access-control-allow-methods', 'PUT'],
        ['access-control-allow-headers', ''],
      ],
    });
  });

  test('does not care for routes that answer by themselves', () => {
    const direct = routesOf(
      `[{match: {prefix: /}, direct_response: {status: 200}, typed_per_filter_config: {cors: ${policy}}}]`,
    );
    expect(choiceOf(direct, request('/', { headers: { origin: 'http://a' } }))).toMatchObject({
      action: { by: 'route', responseHeaders: [] },
    });
  });

  test('comes before a fault where it stands before it', () => {
    const both = routesOf(
      `[{match: {prefix: /}, route: {cluster: a}, typed_per_filter_config: {cors: ${policy}, fault: {${FAULT}, abort: {http_status: 500, percentage: {numerator: 100}}}}}]`,
    );
    const headers = { origin: 'http://a', 'access-control-request-method': 'PUT' };
    const choice = choiceOf(both, request('/', { method: 'OPTIONS', headers }));
    expect([choice.fault, choice.action.type]).toEqual([undefined, 'respond']);
  });
});

test('only gRPC is told a gRPC status', () => {
  const proxy = withFault('abort: {grpc_status: 5, percentage: {numerator: 100}}');
  expect(choiceOf(proxy, request('/')).fault?.abort).toEqual({ share: 1, status: 200 });
  const headers = { 'content-type': 'application/grpc' };
  expect(choiceOf(proxy, request('/', { headers })).fault?.abort).toEqual({ share: 1, status: 200, grpcStatus: 5 });
});

test('the time for a gRPC request is what the caller says, up to that of the route', () => {
  const proxy = routesOf('[{match: {prefix: /}, route: {cluster: a, timeout: 9s, max_grpc_timeout: 9s}}]');
  const timeout = (grpcTimeout?: string) => {
    const headers = {
      'content-type': 'application/grpc',
      ...(grpcTimeout === undefined ? {} : { 'grpc-timeout': grpcTimeout }),
    };
    return targetOf(proxy, request('/', { headers })).request.headers.find(([name]) => name === 'grpc-timeout')?.[1];
  };
  expect([timeout(), timeout('2S'), timeout('1H'), timeout('500000u')]).toEqual(['9000m', '2000m', '9000m', '500m']);
});

test("the proxy's answers to gRPC are gRPC", () => {
  const proxy = withFault('abort: {http_status: 503, percentage: {numerator: 100}}');
  const headers = { 'content-type': 'application/grpc' };
  expect(choiceOf(proxy, request('/', { headers })).fault?.abort).toEqual({ share: 1, status: 200, grpcStatus: 14 });
  const nothing = routesOf('[]');
  expect(choiceOf(nothing, request('/', { headers })).action).toMatchObject({
    status: 200,
    headers: [
      ['content-type', 'application/grpc'],
      ['grpc-status', '12'],
    ],
  });
});

test('a change of protocol is allowed or not', () => {
  const headers = { connection: 'Upgrade', upgrade: 'WebSocket' };
  const manager = 'upgrade_configs: [{upgrade_type: websocket}]';
  const route =
    '[{match: {path: /no}, route: {cluster: a, upgrade_configs: [{upgrade_type: websocket, enabled: false}]}}, {match: {prefix: /}, route: {cluster: a}}]';
  expect(choiceOf(routesOf(route), request('/', { headers })).action).toMatchObject({ status: 403 });
  const proxy = routesOf(route, { manager });
  expect(choiceOf(proxy, request('/no', { headers })).action).toMatchObject({ status: 403 });
  expect(choiceOf(proxy, request('/', { headers })).action).toMatchObject({ upgrade: 'websocket' });
  expect(targetOf(proxy, request('/', { headers })).request.headers).toContainEqual(['upgrade', 'WebSocket']);
  expect(
    targetOf(proxy, request('/', { headers: { connection: 'x' } })).request.headers.map(([name]) => name),
  ).not.toContain('connection');
});

test('what is not known is named, and nothing of what is', () => {
  const known = routesOf('[{match: {prefix: /}, route: {cluster: a}}]');
  expect(simulate(known, request('/')).unknowns).toEqual([]);
  const proxy = routesOf('[{match: {prefix: /}, route: {cluster: a, internal_redirect_policy: {}}}]', {
    manager: 'server_header_transformation: PASS_THROUGH\nscheme_header_transformation: {scheme_to_overwrite: https}',
    host: 'matcher: {on_no_match: {action: {name: x, typed_config: {"@type": type.googleapis.com/google.protobuf.Empty}}}}',
    table: 'vhost_header: x',
  });
  const { unknowns } = simulate(proxy, request('/'));
  expect(unknowns.map(({ what, where }) => `${what} in ${where}`)).toEqual([
    'HttpConnectionManager.scheme_header_transformation in connection manager front',
    'RouteConfiguration.vhost_header in route table table',
    'VirtualHost.matcher in virtual host host',
    'RouteAction.internal_redirect_policy in route #1',
  ]);
});

test('what of the router is not considered is named', () => {
  const proxy = routesOf('[{match: {prefix: /}, route: {cluster: a}}]', {
    router: ', dynamic_stats: false, suppress_envoy_headers: true',
  });
  expect(simulate(proxy, request('/')).unknowns).toEqual([
    { what: 'Router.suppress_envoy_headers', where: 'connection manager front, HTTP filter router' },
  ]);
});

test('policies of the way', () => {
  const retry =
    'retry_policy: {retry_on: "5xx,reset", num_retries: 3, per_try_timeout: 1s, retriable_status_codes: [429]}';
  const action = `cluster: a, timeout: 2s, idle_timeout: 3s, max_stream_duration: {max_stream_duration: 4s}, ${retry}, hash_policy: [{header: {header_name: User}}, {cookie: {name: c}}, {query_parameter: {name: q}}, {connection_properties: {source_ip: true}}], request_mirror_policies: [{cluster: b, runtime_fraction: {default_value: {numerator: 50}}}]`;
  const proxy = routesOf(`[{match: {prefix: /}, route: {${action}}}]`);
  const headers = { user: 'kate', cookie: 'c=1' };
  const call = request('/?q=2', { headers, authority: 'example.com:80' });
  expect(choiceOf(proxy, call).action).toMatchObject({
    timeoutMs: 2000,
    idleTimeoutMs: 3000,
    maxStreamDurationMs: 4000,
    retry: { conditions: ['5xx', 'reset'], attempts: 3, perTryTimeoutMs: 1000, statusCodes: [429] },
    mirrors: [{ share: 0.5, cluster: { name: 'b' }, authority: 'example.com-shadow:80' }],
  });
  expect(targetOf(proxy, call).hash).toEqual([
    { type: 'header', name: 'User', value: 'kate' },
    { type: 'cookie', name: 'c', value: '1' },
    { type: 'query', name: 'q', value: '2' },
    { type: 'source' },
  ]);
  const plain = routesOf('[{match: {prefix: /}, route: {cluster: a}}, ]');
  expect(httpOf(plain, call).choices[0]?.action).toMatchObject({ timeoutMs: 15_000 });
  const missing = routesOf('[{match: {prefix: /}, route: {cluster: c, cluster_not_found_response_code: NOT_FOUND}}]');
  expect(choiceOf(missing, call).action).toMatchObject({ type: 'respond', status: 404 });
});
