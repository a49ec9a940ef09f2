import type { WorkloadInstance } from '@lateen/api/workload-instance.ts';
import { describe, expect, test } from 'vitest';
import type { Call } from '../simulator/call.ts';
import { sidecarOf } from '../testing/pilot-of.ts';
import { aim } from './aim.ts';

const servicePorts = {
  'shop.default.svc.cluster.local:80': 2001,
  'db.far.svc.cluster.local:99': 2002,
  'db.com:99': 2003,
};
const sidecar = sidecarOf('web', { capture: { mode: 'explicit', httpProxyPort: 2000, servicePorts } });
const gateway = sidecarOf('gate', { role: 'router', capture: { mode: 'gateway', hostPorts: { 80: 8080 } } });

function aimed(url: string, from: WorkloadInstance = sidecar, headers: [string, string][] = [], method = 'GET'): Call {
  const mesh = { clusterDomain: 'cluster.local', outboundPort: 15_001, services: () => [], addressesBehind: () => [] };
  return aim({ method, url, headers }, from, mesh);
}

function portOf({ at }: Call): number {
  return 'port' in at ? at.port : 0;
}

describe('from a sidecar', () => {
  test('the URL goes to the HTTP proxy as it is written', () => {
    expect(aimed('http://Shop:80/a/../%2e%2E/b?c=|', sidecar, [['X-A', '1']])).toMatchObject({
      at: { port: 2000 },
      payload: {
        type: 'http',
        request: { scheme: 'http', authority: 'Shop:80', path: '/a/../%2e%2E/b?c=|', headers: [['x-a', '1']] },
      },
    });
    expect(aimed('http://shop').payload).toMatchObject({ request: { path: '/' } });
    expect(aimed('http://shop?a').payload).toMatchObject({ request: { path: '/?a' } });
  });

  test('TLS goes through a tunnel, and names the server only where it has a name', () => {
    expect(aimed('https://shop/').payload).toMatchObject({
      request: { method: 'CONNECT', authority: 'shop:443' },
      inside: { type: 'tls', serverName: 'shop' },
    });
    const byAddress = aimed('https://[::1]:9/').payload;
    expect(byAddress).toMatchObject({ request: { authority: '[::1]:9' }, inside: { type: 'tls' } });
    expect(JSON.stringify(byAddress)).not.toContain('serverName');
  });

  test.each([
    ['tcp://shop:80', 2001],
    ['tcp://SHOP.default:80', 2001],
    ['tcp://db.far.svc:99', 2002],
    ['tcp://db.com:99', 2003],
  ])('%s goes to the listener of the service', (url, port) => {
    expect(portOf(aimed(url))).toBe(port);
  });
});

test('a gateway is called at its port, or at that of the machine, with a Host of choice', () => {
  expect(portOf(aimed('http://x/', gateway))).toBe(8080);
  expect(aimed('http://localhost:8080/', gateway, [['Host', 'shop.com']])).toMatchObject({
    at: { port: 8080 },
    payload: { request: { authority: 'shop.com', headers: [] } },
  });
});

test.each([
  ['shop', {}, 'LAT0560'],
  ['ftp://shop/', {}, 'LAT0560'],
  ['tcp://shop', {}, 'LAT0560'],
  ['tcp://shop:80/path', {}, 'LAT0560'],
  ['http://shop:70000/', {}, 'LAT0560'],
  ['http://shop/a b', {}, 'LAT0560'],
  ['http://shop/é', {}, 'LAT0560'],
  ['http://shop/#part', {}, 'LAT0560'],
  ['http://user@shop/', {}, 'LAT0560'],
  ['tcp://shop:81', {}, 'LAT0561'],
  ['http://shop/', { method: 'G T' }, 'LAT0505'],
  ['http://shop/', { method: 'CONNECT' }, 'LAT0505'],
  ['http://shop/', { headers: [['a b', '1']] as [string, string][] }, 'LAT0505'],
  ['http://shop/', { headers: [['a', '1\r\nb: 2']] as [string, string][] }, 'LAT0505'],
])('%s %j is refused', (url, { method, headers }: { method?: string; headers?: [string, string][] }, code) => {
  expect(() => aimed(url, sidecar, headers, method)).toThrow(expect.objectContaining({ code }));
});
