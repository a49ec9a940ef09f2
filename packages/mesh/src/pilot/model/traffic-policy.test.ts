import type { DestinationRule } from '@lateen/api/kinds.ts';
import { describe, expect, it } from 'vitest';
import { buildTrafficPolicy, policyFor, type TrafficPolicy } from './traffic-policy.ts';

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

/** For a client in the namespace `client`, of a service in `shop`: the names of the rules that its policy is made of. */
function found(policies: readonly TrafficPolicy[], client = 'client', labels = {}): string[] | undefined {
  const holding = policyFor(policies, { role: 'sidecar', namespace: client, labels }, 'shop', 'istio-system');
  return holding?.sources.map(({ name }) => name);
}

describe('the policy of a client', () => {
  const [client, shop, root] = [policy('client', 'a'), policy('shop', 'b'), policy('istio-system', 'c')];

  it('is that of its own namespace, else of the service, else of the root namespace', () => {
    expect(found([client, root, shop])).toEqual(['a']);
    expect(found([root, shop])).toEqual(['b']);
    expect(found([root])).toEqual(['c']);
    expect(found([policy('elsewhere', 'd')])).toBeUndefined();
  });

  it('is that of the service even in the root namespace, unless a rule is only for it', () => {
    expect(found([root, shop], 'istio-system')).toEqual(['b']);
    expect(found([policy('istio-system', 'own', { exportTo: ['.'] }), shop], 'istio-system')).toEqual(['own']);
  });

  it('is only one that is exported to it', () => {
    const exported = (name: string, exportTo: string[]) => policy('shop', name, { exportTo });
    expect(found([exported('own', ['.']), root])).toEqual(['c']);
    expect(found([exported('own', ['.'])], 'shop')).toEqual(['own']);
    expect(found([exported('named', ['client', 'other'])])).toEqual(['named']);
    expect(found([exported('all', ['*'])])).toEqual(['all']);
    expect(found([exported('none', ['~'])])).toBeUndefined();
  });

  it('is that for the narrowest host', () => {
    const wide = policy('shop', 'wide', { host: '*.shop.svc.cluster.local' });
    // As the model gives them: narrow first.
    expect(found([shop, wide])).toEqual(['b']);
    // The namespace counts more.
    expect(found([shop, policy('client', 'wide', { host: '*.cluster.local' })])).toEqual(['wide']);
  });

  it('that asks for labels is for clients of its own namespace with these labels, and goes before others there', () => {
    const jobs = policy('client', 'jobs', { workloadSelector: { matchLabels: { app: 'job' } } });
    expect(jobs.askedLabels).toEqual(['app']);
    expect(found([client, jobs], 'client', { app: 'job' })).toEqual(['jobs']);
    expect(found([client, jobs], 'client', { app: 'web' })).toEqual(['a']);
    expect(found([jobs, shop], 'client', { app: 'web' })).toEqual(['b']);
    const elsewhere = policy('shop', 'jobs', { workloadSelector: { matchLabels: { app: 'job' } } });
    expect(found([elsewhere], 'client', { app: 'job' })).toBeUndefined();
    const nightly = policy('client', 'nightly', { workloadSelector: { matchLabels: { app: 'job', when: 'night' } } });
    expect(found([jobs, nightly], 'client', { app: 'job', when: 'night' })).toEqual(['nightly']);
  });

  it('is all rules for the host together: the first settings, and the subsets of all', () => {
    const random = { loadBalancer: { simple: 'RANDOM' } } as const;
    const robin = { loadBalancer: { simple: 'ROUND_ROBIN' } } as const;
    const joined = policyFor(
      [
        policy('shop', 'a', { subsets: [{ name: 'v1', labels: { version: 'v1' } }] }),
        policy('shop', 'b', { trafficPolicy: random, subsets: [{ name: 'v1' }, { name: 'v2' }] }),
        policy('shop', 'c', { trafficPolicy: robin }),
      ],
      { role: 'sidecar', namespace: 'client', labels: {} },
      'shop',
      'istio-system',
    );
    expect(joined?.settings?.loadBalancing?.balancer).toEqual({ type: 'random' });
    expect(joined?.subsets.map(({ name, labels, source }) => [name, labels, source.name])).toEqual([
      ['v1', { version: 'v1' }, 'a'],
      ['v2', {}, 'b'],
    ]);
    expect(joined?.sources.map(({ name }) => name)).toEqual(['a', 'b', 'c']);
  });
});

describe('credentials', () => {
  const tls = { mode: 'MUTUAL', credentialName: 'shop' } as const;
  const tlsOf = (spec: Partial<DestinationRule['spec']>, role: 'sidecar' | 'router') => {
    const rules = [policy('client', 'a', { trafficPolicy: { tls }, ...spec })];
    const found = policyFor(rules, { role, namespace: 'client', labels: { app: 'job' } }, 'shop', 'istio-system');
    const { tls: settings } = found?.settings ?? {};
    const names = settings?.type === 'originate' ? [settings.certificate?.name, settings.authorities?.name] : [];
    return { names, variant: found?.variant };
  };

  it('are for gateways', () => {
    const names = ['kubernetes://shop', 'kubernetes://shop-cacert'];
    expect(tlsOf({}, 'router')).toEqual({ names, variant: undefined });
    expect(tlsOf({}, 'sidecar')).toEqual({ names: [undefined, 'file-root:system'], variant: 'without credentials' });
  });

  it('are for sidecars that a rule selects', () => {
    const names = ['kubernetes://shop', 'kubernetes://shop-cacert'];
    const selected = { workloadSelector: { matchLabels: { app: 'job' } } };
    expect(tlsOf(selected, 'sidecar')).toEqual({ names, variant: undefined });
  });
});

describe('a traffic policy', () => {
  it('completes short hosts with its own namespace', () => {
    expect(policy('shop', 'a', { host: 'ratings' }).host).toBe('ratings.shop.svc.cluster.local');
  });

  it('knows which field a subset came from', () => {
    const { subsets } = policy('shop', 'a', { subsets: [{ name: 'v1' }] });
    expect(subsets[0]).toMatchObject({ name: 'v1', labels: {}, source: { path: 'spec.subsets[0]' } });
  });
});
