import type { Gateway } from '@lateen/api/kinds.ts';
import { expect, test } from 'vitest';
import { buildGateway } from './gateway.ts';
import { groupServers } from './gateway-port.ts';

type Server = Gateway['spec']['servers'][number];
const simple = (credentialName: string): NonNullable<Server['tls']> => ({ mode: 'SIMPLE', credentialName });

function server(
  protocol: Server['port']['protocol'],
  hosts: string[],
  more: Partial<Server> = {},
  number = 443,
): Server {
  return { port: { number, name: `${protocol}-${hosts}`.toLowerCase(), protocol }, hosts, ...more };
}

/** `PORT KIND: GATEWAY[hosts]+SHARING[hosts]`, for Gateways a, b ... with the given servers, and who gets nothing. */
function grouped(...gateways: Server[][]): string[] {
  const attached = gateways.flatMap((servers, index) => {
    const name = String.fromCharCode(97 + index);
    const object = { metadata: { name, namespace: 'x' }, spec: { servers } } as unknown as Gateway;
    return buildGateway(object).servers.map((each) => ({ gateway: name, ...each }));
  });
  const show = ({ gateway, hosts }: (typeof attached)[number]) => `${gateway}[${hosts.map(({ host }) => host)}]`;
  const { ports, conflicts } = groupServers(attached);
  const shown = ports.map(({ port, bind, kind, servers }) => {
    const texts = servers.map(({ server: each, sharedBy }) =>
      [show(each), ...sharedBy.map((other) => `+${show(other)}`)].join(''),
    );
    return `${port}${bind === undefined ? '' : ` ${bind}`} ${kind}: ${texts.join(' ')}`;
  });
  const lost = conflicts.map(
    ({ server: { gateway, port, protocol }, with: other, hosts }) =>
      `${gateway} ${port} ${protocol}${hosts === undefined ? '' : `[${hosts}]`} lost to ${other.gateway}`,
  );
  return [...shown, ...lost];
}

test('plain HTTP of any version shares a port, and any hosts', () => {
  expect(grouped([server('HTTP', ['*']), server('GRPC', ['*'])], [server('HTTP2', ['b.test'])])).toEqual([
    '443 http: a[*] a[*] b[b.test]',
  ]);
});

test('the first server decides what a port is for', () => {
  const tls = { tls: simple('a') };
  expect(grouped([server('TCP', ['*'])], [server('HTTP', ['*']), server('HTTPS', ['*'], tls)])).toEqual([
    '443 tcp: a[*]',
    'b 443 HTTP lost to a',
    'b 443 HTTPS lost to a',
  ]);
  expect(
    grouped([server('TCP', ['*'], tls)], [server('HTTPS', ['b.test'], tls), server('HTTP', ['*'], {}, 80)]),
  ).toEqual(['80 http: b[*]', '443 tls: a[*] b[b.test]']);
});

test('an address of its own makes another port of it', () => {
  expect(grouped([server('TCP', ['*'])], [server('HTTP', ['*'], { bind: '127.0.0.2' })])).toEqual([
    '443 tcp: a[*]',
    '443 127.0.0.2 http: b[*]',
  ]);
});

test('of servers with TLS for one host the first has it', () => {
  expect(
    grouped(
      [server('HTTPS', ['one.test', 'two.test'], { tls: simple('a') })],
      [server('HTTPS', ['./two.test', 'three.test'], { tls: simple('b') })],
      [server('TLS', ['one.test'], { tls: { mode: 'PASSTHROUGH' } })],
    ),
  ).toEqual([
    '443 tls: a[one.test,two.test] b[three.test]',
    'b 443 HTTPS[two.test] lost to a',
    'c 443 TLS[one.test] lost to a',
  ]);
});

test('but servers that meet TLS alike share their hosts', () => {
  const files = { mode: 'SIMPLE', serverCertificate: '/a', privateKey: '/b' } as const;
  expect(
    grouped(
      [server('HTTPS', ['one.test', 'two.test'], { tls: files })],
      [server('HTTPS', ['two.test', 'three.test'], { tls: files })],
      [server('HTTPS', ['three.test'], { tls: files })],
    ),
  ).toEqual(['443 tls: a[one.test,two.test]+b[two.test] b[three.test]+c[three.test]']);
});
