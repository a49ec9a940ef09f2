import { RouteConfigurationSchema } from '@lateen/envoy-api/envoy/config/route/v3/route_pb.js';
import { expect, test } from 'vitest';
import { messageOf } from '../testing/envoy-yaml.ts';
import { tableOf } from './table-source.ts';
import { DomainIndex } from './virtual-host.ts';

const DOMAINS = ['a.example.com', '*.example.com', '*.b.example.com', 'a.*', 'a.example.*', '*', 'p:80', '[::1]:80'];

function index(domains: readonly string[], ignorePort = false): DomainIndex {
  const hosts = domains.map((domain, i) => `{name: "${i}", domains: ["${domain}"]}`);
  const table = messageOf(RouteConfigurationSchema, `{name: t, virtual_hosts: [${hosts.join(', ')}]}`);
  return new DomainIndex(tableOf(table).hosts, ignorePort);
}

test.each([
  ['A.Example.com', 'a.example.com'],
  ['b.example.com', '*.example.com'],
  ['c.b.example.com', '*.b.example.com'],
  ['.example.com', '*'],
  ['a.example.org', 'a.example.*'],
  ['a.org', 'a.*'],
  ['a.', '*'],
  ['p:80', 'p:80'],
  ['p', '*'],
  ['a.example.com:80', 'a.example.*'],
])('%s is %s', (host, expected) => {
  expect(index(DOMAINS).find(host)?.domain).toBe(expected);
});

test('the port of a request counts only where it is not ignored', () => {
  expect(index(['a', '[::1]'], true).find('a:8080')?.domain).toBe('a');
  expect(index(['a', '[::1]'], true).find('[::1]:8080')?.domain).toBe('[::1]');
  expect(index(['a', '[::1]'], true).find('[::1]')?.domain).toBe('[::1]');
  expect(index(['a']).find('a:8080')).toBe(undefined);
});
