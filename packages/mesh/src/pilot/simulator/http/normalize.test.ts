import { HttpConnectionManagerSchema } from '@lateen/envoy-api/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js';
import { describe, expect, test } from 'vitest';
import { messageOf } from '../testing/envoy-yaml.ts';
import { normalizeHost, normalizePath } from './normalize.ts';

function manager(fields: string) {
  return messageOf(HttpConnectionManagerSchema, `{stat_prefix: x, ${fields}}`);
}

describe('the path', () => {
  test.each([
    ['normalize_path: true', '/a/../b', '/b'],
    ['normalize_path: true', '/a/%2e%2E/b?x=/../y', '/b?x=/../y'],
    ['normalize_path: true', '/a/./b/.', '/a/b/'],
    ['normalize_path: true', '/a/b/..', '/a/'],
    ['normalize_path: true', '/../..', '/'],
    ['normalize_path: true', '/a//b', '/a//b'],
    ['normalize_path: true', '/a\\b', '/a/b'],
    ['normalize_path: true', '/a%2Fb', '/a%2Fb'],
    ['normalize_path: true', '/é"^`|<>{}', '/%C3%A9%22%5E%60%7C%3C%3E%7B%7D'],
    ['normalize_path: true', '/%41%7e%2d%5f%30%2f%5b%zz%', '/A~-_0%2f%5b%zz%'],
    ['normalize_path: false', '/a/../b', '/a/../b'],
    ['normalize_path: true, merge_slashes: true', '/a//..//b?x=//', '/a/b?x=//'],
    ['path_with_escaped_slashes_action: UNESCAPE_AND_FORWARD', '/a%2fb%5Cc?%2f', '/a/b\\c?%2f'],
    ['path_with_escaped_slashes_action: KEEP_UNCHANGED', '/a%2fb', '/a%2fb'],
  ])('{%s}: %s becomes %s', (fields, path, expected) => {
    expect(normalizePath(path, manager(fields))).toEqual({ type: 'path', path: expected });
  });

  test('can be refused or redirected', () => {
    const refused = normalizePath('/a%2fb', manager('path_with_escaped_slashes_action: REJECT_REQUEST'));
    expect(refused).toEqual({ type: 'refused', reason: 'the path has an escaped slash' });
    const moved = normalizePath('/a%2fb?x', manager('path_with_escaped_slashes_action: UNESCAPE_AND_REDIRECT'));
    expect(moved).toEqual({ type: 'redirect', path: '/a/b?x' });
    expect(normalizePath('/%00', manager('normalize_path: true')).type).toBe('refused');
    expect(normalizePath('/a#b', manager('normalize_path: true')).type).toBe('refused');
  });
});

test.each([
  ['strip_any_host_port: true', 'a:80', 'a'],
  ['strip_any_host_port: true', '[::1]:80', '[::1]'],
  ['strip_matching_host_port: true', 'a:8080', 'a'],
  ['strip_matching_host_port: true', 'a:80', 'a:80'],
  ['strip_trailing_host_dot: true', 'a.:80', 'a:80'],
  ['strip_trailing_host_dot: true, strip_any_host_port: true', 'a.:80', 'a'],
  ['normalize_path: true', 'a.:80', 'a.:80'],
])('{%s}: the host %s becomes %s', (fields, host, expected) => {
  expect(normalizeHost(host, false, manager(fields), 8080)).toBe(expected);
});
