import { describe, expect, test } from 'vitest';
import { type RequestOptions, request, routesOf } from '../testing/envoy-yaml.ts';
import { choiceOf, targetOf } from '../testing/verdicts.ts';

describe('the path that the endpoint gets', () => {
  test.each([
    ['{prefix: /a}', 'prefix_rewrite: /b', '/a/c?x=1', '/b/c?x=1'],
    ['{prefix: /a/}', 'prefix_rewrite: /', '/a/', '/'],
    ['{path: /a}', 'prefix_rewrite: /b', '/a?x', '/b?x'],
    ['{safe_regex: {regex: "/.*"}}', 'prefix_rewrite: /all', '/a/b?x', '/all?x'],
    ['{prefix: /A, case_sensitive: false}', 'prefix_rewrite: /b', '/ac', '/bc'],
    ['{path_separated_prefix: /a}', 'prefix_rewrite: /b', '/a/c', '/b/c'],
    [
      '{prefix: /}',
      'regex_rewrite: {pattern: {regex: "^/(\\\\w+)/(\\\\w+)"}, substitution: "/\\\\2/\\\\1"}',
      '/a/b/c?x=/d/e',
      '/b/a/c?x=/d/e',
    ],
  ])('%s with %s: %s becomes %s', (match, rewrite, path, expected) => {
    const target = targetOf(routesOf(`[{match: ${match}, route: {cluster: a, ${rewrite}}}]`), request(path));
    expect(target.request.path).toBe(expected);
    expect(target.request.headers).toContainEqual(['x-envoy-original-path', path]);
  });
});

describe('the host that the endpoint gets', () => {
  const headers = { x: 'from-header' };
  test.each([
    ['host_rewrite_literal: b', 'b'],
    ['host_rewrite_header: X', 'from-header'],
    ['host_rewrite_header: missing', 'example.com'],
    ['host_rewrite_path_regex: {pattern: {regex: "^/(.+)/.+$"}, substitution: \'\\1\'}', 'a'],
    ['auto_host_rewrite: false', 'example.com'],
  ])('%s', (rewrite, expected) => {
    const proxy = routesOf(`[{match: {prefix: /}, route: {cluster: a, ${rewrite}}}]`);
    expect(targetOf(proxy, request('/a/b?c', { headers })).request.authority).toBe(expected);
  });

  test('can be kept in a header', () => {
    const proxy = routesOf(
      '[{match: {prefix: /}, route: {cluster: a, host_rewrite_literal: b, append_x_forwarded_host: true}}]',
    );
    expect(targetOf(proxy, request('/')).request.headers).toContainEqual(['x-forwarded-host', 'example.com']);
  });

  test('is not known where the endpoint says it', () => {
    const proxy = routesOf('[{match: {prefix: /}, route: {cluster: a, auto_host_rewrite: true}}]');
    expect(choiceOf(proxy, request('/')).action).toMatchObject({ type: 'undecided' });
  });
});

describe('a redirect', () => {
  const cases: [redirect: string, path: string, options: RequestOptions, location: string][] = [
    ['path_redirect: /b', '/a?x=1', {}, 'http://example.com/b?x=1'],
    ['path_redirect: "/b?y=2"', '/a?x=1', {}, 'http://example.com/b?y=2'],
    ['path_redirect: /b, strip_query: true', '/a?x=1', {}, 'http://example.com/b'],
    ['prefix_rewrite: /b', '/a/c?x', {}, 'http://example.com/b/c?x'],
    ['regex_rewrite: {pattern: {regex: a}, substitution: b}', '/a/a', {}, 'http://example.com/b/b'],
    ['host_redirect: b', '/a', { authority: 'example.com:8080' }, 'http://b/a'],
    ['host_redirect: b, port_redirect: 81', '/a', {}, 'http://b:81/a'],
    ['port_redirect: 81', '/a', { authority: 'example.com:8080' }, 'http://example.com:81/a'],
    ['https_redirect: true', '/a', { authority: 'example.com:80' }, 'https://example.com/a'],
    ['https_redirect: true', '/a', { authority: 'example.com:8080' }, 'https://example.com:8080/a'],
    ['scheme_redirect: ftp', '/a', { authority: '[::1]:80' }, 'ftp://[::1]/a'],
  ];
  test.each(cases)('{%s} of %s %j leads to %s', (redirect, path, options, location) => {
    const proxy = routesOf(`[{match: {prefix: /a}, redirect: {${redirect}}}]`);
    expect(choiceOf(proxy, request(path, options)).action).toMatchObject({
      type: 'respond',
      by: 'redirect',
      status: 301,
      headers: [['location', location]],
    });
  });

  test.each([
    ['FOUND', 302],
    ['SEE_OTHER', 303],
    ['TEMPORARY_REDIRECT', 307],
    ['PERMANENT_REDIRECT', 308],
  ])('has the status %s', (code, status) => {
    const proxy = routesOf(`[{match: {prefix: /a}, redirect: {path_redirect: /, response_code: ${code}}}]`);
    expect(choiceOf(proxy, request('/a')).action).toMatchObject({ status });
  });

  test('to TLS is made by a virtual host that is only for TLS', () => {
    const proxy = routesOf('[{match: {prefix: /}, route: {cluster: a}}]', { host: 'require_tls: ALL' });
    expect(choiceOf(proxy, request('/a?b')).action).toMatchObject({
      status: 301,
      headers: [['location', 'https://example.com/a?b']],
    });
    const forwarded = request('/', { headers: { 'x-forwarded-proto': 'https' } });
    expect(choiceOf(proxy, forwarded).action.type).toBe('forward');
  });
});
