import type { DestinationRule } from '@lateen/api/kinds.ts';
import { describe, expect, it } from 'vitest';
import { buildTrafficPolicy, policyFor } from './traffic-policy.ts';

function policy(namespace: string, name: string, spec: Partial<DestinationRule['spec']> = {}) {
  return buildTrafficPolicy(
    {
      apiVersion: 'networking.istio.io/v1',
      kind: 'DestinationRule',
      metadata: { name, namespace },
      spec: { host: 'reviews.shop.svc.cluster.local', ...spec },
    } as DestinationRule,
    'cluster.local',
  );
}

describe('traffic policies', () => {
  it('are looked up with the client, then with the service, then in the root namespace', () => {
    const [client, shop, root] = [policy('client', 'a'), policy('shop', 'b'), policy('istio-system', 'c')];
    const lookUp = (...all: (typeof client)[]) =>
      policyFor(all, { namespace: 'client', labels: {} }, 'shop', 'istio-system');
    expect(lookUp(root, shop, client)).toBe(client);
    expect(lookUp(root, shop)).toBe(shop);
    expect(lookUp(root)).toBe(root);
    expect(lookUp(policy('elsewhere', 'd'))).toBeUndefined();
    expect(lookUp(policy('shop', 'a'), policy('shop', 'b'))?.source.name).toBe('a');
  });

  it('complete short hosts with their own namespace', () => {
    expect(policy('shop', 'a', { host: 'ratings' }).host).toBe('ratings.shop.svc.cluster.local');
  });

  it.each([
    ['ROUND_ROBIN', 'round-robin'],
    ['LEAST_REQUEST', 'least-request'],
    ['LEAST_CONN', 'least-request'],
    ['RANDOM', 'random'],
    ['UNSPECIFIED', undefined],
  ] as const)('with the load balancer %s have %s', (simple, expected) => {
    const trafficPolicy = { loadBalancer: { simple } };
    const built = policy('shop', 'a', { trafficPolicy, subsets: [{ name: 'v1', trafficPolicy }] });
    expect(built.loadBalancer).toBe(expected);
    expect(built.subsets[0]).toMatchObject({ name: 'v1', labels: {}, source: { path: 'spec.subsets[0]' } });
    expect(built.subsets[0]?.loadBalancer).toBe(expected);
  });
});
