import { describe, expect, it } from 'vitest';
import type { RouteActionIr } from '../../proxy/ir/route-action.ts';
import type { RouteMatchIr } from '../../proxy/ir/route-match.ts';
import { encodeRouteTable } from '../encode-resource.ts';
import { printResource } from '../print-resource.ts';

type Forward = Extract<RouteActionIr, { type: 'forward' }>;

const forward: Forward = {
  type: 'forward',
  destinations: [{ cluster: 'a', weight: 1 }],
  retry: { type: 'off' },
  stripResponseHeaders: [],
};

/** The `route` or `redirect` of Envoy's route, as it prints. */
function translated(action: RouteActionIr, path: RouteMatchIr['path'] = { type: 'any' }) {
  const routes = [{ name: 'r', match: { path, headers: [] }, action, sources: [] }];
  const table = encodeRouteTable({
    name: 't',
    ignorePortInHost: false,
    virtualHosts: [{ name: 'v', domains: ['*'], routes }],
  });
  const printed = printResource(table) as { virtual_hosts: { routes: { route?: unknown; redirect?: unknown }[] }[] };
  const [route] = printed.virtual_hosts[0]?.routes ?? [];
  return route?.route ?? route?.redirect;
}

function prefixRewrite(prefix: string, value: string) {
  return translated({ ...forward, rewrite: { path: { type: 'prefix', value } } }, { type: 'prefix', value: prefix });
}

describe('a rewritten prefix', () => {
  it.each([
    ['/api', '/v1', '/v1'],
    ['/api/', '/v1/', '/v1/'],
    ['/api/', '/v1', '/v1/'],
    ['/', '/v1', '/v1/'],
    ['/', '/', '/'],
  ])('%s -> %s is left to Envoy, as %s', (prefix, value, expected) => {
    expect(prefixRewrite(prefix, value)).toMatchObject({ prefix_rewrite: expected });
  });

  it.each([
    ['/api', '/', '/api/books', '/books'],
    ['/api', '/', '/api', '/'],
    ['/api', '/v1/', '/api//x', '/v1//x'],
    ['/a.b+c', '/', '/a.b+c/x', '/x'],
    ['/a', '/\\1/', '/a/x', '/\\1/x'],
  ])('%s -> %s makes %s to %s', (prefix, value, path, expected) => {
    const { regex_rewrite } = prefixRewrite(prefix, value) as {
      regex_rewrite: { pattern: { regex: string }; substitution: string };
    };
    // RE2 writes groups as \1, and a backslash as \\; JavaScript writes them as $1.
    const replacement = regex_rewrite.substitution.replace(/\\(\\|1)/g, (_, each) => (each === '1' ? '$1' : '\\'));
    expect(path.replace(new RegExp(regex_rewrite.pattern.regex), replacement)).toBe(expected);
  });
});

describe('a forwarding route', () => {
  it('has no time limit unless it is told one', () => {
    expect(translated(forward)).toMatchObject({ cluster: 'a', timeout: '0s' });
    expect(translated({ ...forward, timeoutMs: 1250 })).toMatchObject({ timeout: '1.250s' });
    expect(translated(forward)).not.toHaveProperty('retry_policy');
  });

  it('has weights where there are several destinations', () => {
    const destinations = [
      { cluster: 'a', weight: 80 },
      { cluster: 'b', weight: 20 },
    ];
    expect(translated({ ...forward, destinations })).toMatchObject({
      weighted_clusters: {
        clusters: [
          { name: 'a', weight: 80 },
          { name: 'b', weight: 20 },
        ],
      },
    });
  });

  it('retries as it is told', () => {
    const retry = {
      type: 'on',
      attempts: 3,
      perTryTimeoutMs: 100,
      conditions: ['5xx'],
      statusCodes: [429],
      baseIntervalMs: 10,
      avoidTriedHosts: false,
      otherLocalities: true,
    } as const;
    expect(translated({ ...forward, retry })).toMatchObject({
      retry_policy: {
        retry_on: '5xx',
        num_retries: 3,
        per_try_timeout: '0.100s',
        retriable_status_codes: [429],
        retry_back_off: { base_interval: '0.010s' },
        retry_priority: { name: 'envoy.retry_priorities.previous_priorities' },
      },
    });
    expect(translated({ ...forward, retry })).not.toHaveProperty('retry_policy.retry_host_predicate');
    expect(translated({ ...forward, retry: { ...retry, avoidTriedHosts: true } })).toHaveProperty(
      'retry_policy.retry_host_predicate',
    );
  });
});

describe('a redirect', () => {
  it.each([
    [{ scheme: 'https', port: 443 } as const, { scheme_redirect: 'https', port_redirect: 443 }],
    [
      { authority: 'b', path: { type: 'full', value: '/x' }, port: 81 } as const,
      { host_redirect: 'b', path_redirect: '/x', port_redirect: 81 },
    ],
  ])('%j is %j', (action, expected) => {
    expect(translated({ type: 'redirect', status: 307, ...action })).toEqual({
      ...expected,
      response_code: 'TEMPORARY_REDIRECT',
    });
  });
});
