import type { Gateway } from '@lateen/api/kinds.ts';
import { describe, expect, it } from 'vitest';
import { buildGateway } from './gateway.ts';

describe('a gateway', () => {
  it('limits hosts to namespaces', () => {
    const hosts = ['*', '*.example.com', './own.test', '*/any.test', 'shop/*'];
    const built = buildGateway({
      apiVersion: 'networking.istio.io/v1',
      kind: 'Gateway',
      metadata: { name: 'front', namespace: 'edge' },
      spec: { servers: [{ port: { number: 80, name: 'http', protocol: 'HTTP' }, hosts }] },
    } as Gateway);
    expect(built).toMatchObject({ key: 'edge/front', selector: {} });
    expect(built.servers[0]).toMatchObject({ port: 80, source: { path: 'spec.servers[0]' } });
    expect(built.servers[0]?.hosts).toEqual([
      { host: '*' },
      { host: '*.example.com' },
      { host: 'own.test', namespace: 'edge' },
      { host: 'any.test' },
      { host: '*', namespace: 'shop' },
    ]);
  });
});
