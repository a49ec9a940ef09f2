import type { ProxyDefaults } from '@lateen/api/istio/mesh-config-proxy.ts';
import type { ProxyConfig } from '@lateen/api/kinds.ts';
import { describe, expect, it } from 'vitest';
import { buildProxySettings, type ProxiedWorkload } from './proxy-settings.ts';

function config(namespace: string, name: string, spec: ProxyConfig['spec']): ProxyConfig {
  return { apiVersion: 'networking.istio.io/v1beta1', kind: 'ProxyConfig', metadata: { namespace, name }, spec };
}

const reviews: ProxiedWorkload = { namespace: 'shop', labels: { app: 'reviews' } };

function settings(
  configs: readonly ProxyConfig[],
  { mesh = {}, ...workload }: Partial<ProxiedWorkload> & { readonly mesh?: ProxyDefaults } = {},
) {
  return buildProxySettings({ mesh, configs, rootNamespace: 'istio-system' }, { ...reviews, ...workload });
}

describe('the settings of a proxy', () => {
  it('are those of Lateen where nothing is said', () => {
    expect(settings([])).toEqual({});
  });

  it('come from what is nearest to the workload, an annotation after what selects it', () => {
    const mesh = { concurrency: 5 };
    const annotation = { concurrency: 2 };
    const all = [
      config('istio-system', 'all', { concurrency: 4 }),
      config('shop', 'all', { concurrency: 3 }),
      config('shop', 'reviews', { selector: { matchLabels: { app: 'reviews' } }, concurrency: 1 }),
      config('shop', 'ratings', { selector: { matchLabels: { app: 'ratings' } }, concurrency: 9 }),
      config('other', 'all', { concurrency: 9 }),
    ];
    const concurrency = (configs: readonly ProxyConfig[], more: Parameters<typeof settings>[1] = {}) =>
      settings(configs, { mesh, ...more }).concurrency;
    expect(concurrency(all, { annotation })).toBe(1);
    expect(concurrency(all.slice(0, 2), { annotation })).toBe(2);
    expect(concurrency(all.slice(0, 2))).toBe(3);
    expect(concurrency(all.slice(0, 1))).toBe(4);
    expect(concurrency([])).toBe(5);
    expect(concurrency(all, { labels: {} })).toBe(3);
    expect(concurrency(all, { namespace: 'istio-system' })).toBe(4);
  });

  it('are of one of several that are alike', () => {
    const two = [config('shop', 'a', { concurrency: 1 }), config('shop', 'b', { environmentVariables: { B: '2' } })];
    expect(settings(two)).toEqual({ concurrency: 1 });
  });

  it('have the environment variables of all of them', () => {
    const mesh = { proxyMetadata: { A: 'mesh', B: 'mesh', C: 'mesh' } };
    const annotation = { proxyMetadata: { A: 'pod', B: 'pod' } };
    const selector = { matchLabels: reviews.labels };
    const selecting = config('shop', 'reviews', { selector, environmentVariables: { A: 'own' } });
    expect(settings([selecting], { mesh, annotation }).environment).toEqual({ A: 'own', B: 'pod', C: 'mesh' });
  });

  it('say how it starts and ends, and what it logs', () => {
    const annotation: ProxyDefaults = {
      drainDuration: '10s',
      terminationDrainDuration: '0s',
      holdApplicationUntilProxyStarts: false,
      gatewayTopology: { numTrustedProxies: 1 },
    };
    const annotations = { 'sidecar.istio.io/logLevel': 'debug', 'sidecar.istio.io/componentLogLevel': 'http:trace' };
    expect(settings([], { annotation, annotations })).toEqual({
      drainMs: 10_000,
      terminationDrainMs: 0,
      holdsApplication: false,
      logLevel: 'debug',
      componentLogLevel: 'http:trace',
      gatewayTopology: { numTrustedProxies: 1 },
    });
  });

  it('leave what stands in front of all gateways to the mesh, which says it at once', () => {
    expect(settings([], { mesh: { gatewayTopology: { numTrustedProxies: 1 } } })).toEqual({});
  });
});
