import type { WorkloadInstance } from '@lateen/api/workload-instance.ts';
import { describe, expect, test } from 'vitest';
import { networkingText, pilotOf, serviceText, sidecarOf } from '../testing/pilot-of.ts';
import { explain } from './explain.ts';

const web = redirected('web', '10.1.0.1', { app: 'web' });
const shop = redirected('shop', '10.1.0.2', { app: 'shop', 'security.istio.io/tlsMode': 'istio' });

const TEXT = [
  '{apiVersion: v1, kind: Service, metadata: {name: shop, namespace: default}, spec: {clusterIP: 10.96.0.1, selector: {app: shop}, ports: [{port: 80, name: http, targetPort: 8080}]}}\n',
  '---\n{apiVersion: v1, kind: Service, metadata: {name: db, namespace: default}, spec: {clusterIP: 10.96.0.2, selector: {app: shop}, ports: [{port: 99, name: tcp, targetPort: 9090}]}}\n',
  serviceText('pods', '[{port: 7070, name: tcp}]', { selector: '{app: shop}' }).replace(
    'selector',
    'clusterIP: None, selector',
  ),
  networkingText(
    'VirtualService',
    'shop',
    '{hosts: [shop], http: [{rewrite: {uri: /v2}, route: [{destination: {host: shop}}]}]}',
  ),
].join('');

function redirected(name: string, address: string, labels: Readonly<Record<string, string>>): WorkloadInstance {
  const ports = [8080, 9090].map((port) => ({ containerPort: port, inboundPort: port, appPort: port }));
  return sidecarOf(name, { address, labels, ports, capture: { mode: 'redirect', interception: 'redirect' } });
}

function explained(url: string, headers: [string, string][] = []) {
  const { start, outcomes, unknowns } = explain(
    pilotOf(TEXT, web, shop),
    { from: 'web', method: 'GET', url, headers },
    () => undefined,
  );
  return { start, outcomes, unknowns, ends: outcomes.map(({ end }) => end) };
}

describe('calls that the kernel redirects', () => {
  test('are followed by the address of their service, through both proxies', () => {
    const { start, outcomes, unknowns } = explained('http://shop/cart');
    expect(unknowns).toEqual([]);
    expect(start.verdict).toMatchObject({ at: '10.1.0.1:15001', listener: { name: '0.0.0.0_80' } });
    expect(outcomes).toMatchObject([
      {
        end: { type: 'application', instance: 'shop.default' },
        proxies: ['web.default', 'shop.default'],
        request: { path: '/v2/cart' },
      },
    ]);
  });

  test('of TCP, too, also where only the pods have addresses', () => {
    expect(explained('tcp://db:99').ends).toMatchObject([{ type: 'application', port: 9090 }]);
    expect(explained('tcp://pods:7070').ends).toMatchObject([{ type: 'application', port: 7070 }]);
  });

  test('to an address go there, whatever name a Host header has', () => {
    expect(explained('http://192.0.2.7/', [['Host', 'example.com']]).ends).toEqual([
      { type: 'outside', host: '192.0.2.7', port: 80 },
    ]);
    expect(explained('http://192.0.2.7/', [['Host', 'shop']]).ends).toMatchObject([{ instance: 'shop.default' }]);
    expect(explained('https://192.0.2.7/', [['Host', 'example.com:443']]).ends).toMatchObject([
      { type: 'outside', port: 443 },
    ]);
  });

  test('to a name whose address is not known cannot be followed', () => {
    expect(() => explained('http://example.com/')).toThrow(
      expect.objectContaining({ code: 'LAT0561', remedy: expect.stringContaining("-H 'Host: example.com'") }),
    );
  });

  test('without redirection lead to the listeners of the loopback address', () => {
    const client = { ...web, capture: { mode: 'redirect' as const, interception: 'none' as const } };
    const request = { from: 'web', method: 'GET', url: 'http://shop/', headers: [] };
    const { start } = explain(pilotOf(TEXT, client, shop), request, () => undefined);
    expect(start.verdict).toMatchObject({ at: '127.0.0.1:80', listener: { name: '127.0.0.1_80' } });
  });
});
