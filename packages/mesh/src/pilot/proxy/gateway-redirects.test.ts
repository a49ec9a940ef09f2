import type { Gateway } from '@lateen/api/kinds.ts';
import { expect, test } from 'vitest';
import { buildGateway } from '../model/gateway.ts';
import { withRedirects } from './gateway-redirects.ts';
import type { RouteTableIr } from './ir/route.ts';

type Server = Gateway['spec']['servers'][number];

function redirecting(hosts: string[]): Server {
  return { port: { number: 80, name: 'http', protocol: 'HTTP' }, hosts, tls: { httpsRedirect: true } };
}

function serving(hosts: string[]): Server {
  return { port: { number: 80, name: 'http', protocol: 'HTTP' }, hosts };
}

/** What becomes of each host of a table: `served`, or where the client is sent. */
function outcomes(servers: Server[], domains: string[], httpsPort?: number): Record<string, string> {
  const object = { metadata: { name: 'g', namespace: 'x' }, spec: { servers } } as unknown as Gateway;
  const attached = buildGateway(object).servers.map((server) => ({ gateway: 'x/g', ...server }));
  const table: RouteTableIr = {
    name: 'http.80',
    ignorePortInHost: true,
    virtualHosts: domains.map((domain) => ({ name: domain, domains: [domain], routes: [] })),
  };
  return Object.fromEntries(
    withRedirects(table, attached, httpsPort).virtualHosts.map(({ domains: [domain = ''], routes: [route] }) => {
      if (route === undefined) return [domain, 'served'];
      const { action } = route;
      if (action.type !== 'redirect') return [domain, action.type];
      return [domain, `${action.status} ${action.scheme}:${action.port ?? ''}`];
    }),
  );
}

test('hosts of the server are redirected, whether or not rules are for them', () => {
  expect(outcomes([redirecting(['a.test', '*.b.test'])], ['a.test', 'x.b.test'])).toEqual({
    'a.test': '301 https:',
    '*.b.test': '301 https:',
    'x.b.test': '301 https:',
  });
});

test('of several servers the narrowest decides', () => {
  const servers = [redirecting(['*']), serving(['plain.test']), redirecting(['*.plain.test'])];
  expect(outcomes(servers, ['plain.test', 'x.plain.test', 'other.test'])).toEqual({
    'plain.test': 'served',
    'x.plain.test': '301 https:',
    'other.test': '301 https:',
    '*': '301 https:',
    '*.plain.test': '301 https:',
  });
});

test('the port that stands for 443 is named where it is another one', () => {
  expect(outcomes([redirecting(['a.test'])], [], 443)).toEqual({ 'a.test': '301 https:' });
  expect(outcomes([redirecting(['a.test'])], [], 8443)).toEqual({ 'a.test': '301 https:8443' });
});

test('nothing changes where no server redirects', () => {
  expect(outcomes([serving(['a.test'])], ['a.test'])).toEqual({ 'a.test': 'served' });
});
