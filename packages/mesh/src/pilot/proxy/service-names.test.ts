import { describe, expect, it } from 'vitest';
import { networkingText, pilotOf, serviceText, sidecarOf } from '../testing/pilot-of.ts';

const entry = (name: string, host: string, more = '', namespace = 'default') =>
  networkingText(
    'ServiceEntry',
    name,
    `{hosts: ["${host}"], resolution: STATIC, endpoints: [{address: 10.0.0.1}], ports: [{number: 80, name: http, protocol: HTTP}]${more}}`,
    namespace,
  );

/** Domains by virtual host, as a sidecar in `default` has them behind its HTTP proxy. */
function domains(text: string): Record<string, readonly string[]> {
  const { resolved } = pilotOf(text, sidecarOf('client', { labels: {} }));
  const table = [...resolved.tables.entries()].find(([, { name }]) => name === 'http_proxy')?.[1];
  return Object.fromEntries(table?.virtualHosts.map((host) => [host.name, host.domains]) ?? []);
}

describe('the names of a service', () => {
  it('are those of its hostname, and its addresses, but not its subnets', () => {
    const addresses = ', addresses: [192.0.2.1, 192.0.2.64/26, "2001:db8::1"]';
    expect(domains(entry('a', 'a.example.com', addresses))['a.example.com:80']).toEqual([
      ...['a.example.com', 'a.example.com:80'],
      ...['192.0.2.1', '192.0.2.1:80'],
      ...['[2001:db8::1]', '[2001:db8::1]:80'],
    ]);
  });

  it('are short where it is named as if it were a Service', () => {
    const names = (host: string) =>
      domains(entry('a', host, ', addresses: [192.0.2.1]'))[`${host}:80`]?.filter((name) => !name.includes(':'));
    expect(names('a.default.svc.cluster.local')).toEqual([
      ...['a', 'a.default', 'a.default.svc', 'a.default.svc.cluster.local'],
      '192.0.2.1',
    ]);
    expect(names('a.other.svc.cluster.local')).toEqual([
      ...['a.other', 'a.other.svc', 'a.other.svc.cluster.local'],
      '192.0.2.1',
    ]);
  });

  it('belong to the service whose hostname they are', () => {
    const both = domains(serviceText('a', '[{port: 80}]') + entry('x', 'a.default', ', addresses: [192.0.2.1]'));
    expect(both['a.default:80']).toContain('a.default');
    expect(both['a.default.svc.cluster.local:80']).not.toContain('a.default');
    expect(both['a.default.svc.cluster.local:80']).toContain('a');
  });

  it('belong to the first, where two say that they have an address', () => {
    const one = entry('x', 'x.example.com', ', addresses: [192.0.2.1]');
    const both = domains(one + entry('y', 'y.example.com', ', addresses: [192.0.2.1]'));
    expect(both['x.example.com:80']).toContain('192.0.2.1');
    expect(both['y.example.com:80']).toEqual(['y.example.com', 'y.example.com:80']);
  });
});
