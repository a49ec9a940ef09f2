import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { keyOf } from '@lateen/api/object-key.ts';
import { expect, onTestFinished, test } from 'vitest';
import { buildBootstrap } from '#agent/bootstrap.ts';
import { checkBootstrap } from '#agent/envoy/check.ts';
import { findEnvoy } from '#agent/envoy/find.ts';
import { parseDocuments } from '../../config/parse.ts';
import { sidecarOf } from '../../testing/pilot-of.ts';
import { bootstrapPatches, patchBootstrap } from './bootstrap.ts';
import { buildPatchSource } from './select.ts';

const bootstrap = buildBootstrap({
  instance: sidecarOf('a-0'),
  adminPort: 15_000,
  xdsSocket: '/xds.sock',
  sdsSocket: '/sds.sock',
  trustDomain: 'cluster.local',
  meshId: 'test',
});

async function refusalOf(patched: object): Promise<string | undefined> {
  const dir = mkdtempSync(join(tmpdir(), 'lateen-test-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return checkBootstrap((await findEnvoy()).path, patched, dir);
}

test('a bootstrap with patches merged into it is one that Envoy starts with', async () => {
  const cluster = { name: 'mine', type: 'STATIC', load_assignment: { cluster_name: 'mine' } };
  const patched = patchBootstrap(bootstrap, [
    { stats_flush_interval: '1s', static_resources: { clusters: [cluster] } },
    { statsFlushInterval: '2s' },
  ]);
  expect(patched).toMatchObject({
    node: { metadata: { LABELS: { app: 'a', version: 'v1' } } },
    stats_flush_interval: '2s',
    static_resources: { clusters: [{ name: 'xds-grpc' }, { name: 'sds-grpc' }, cluster] },
  });
  expect(await refusalOf(patched)).toBe(undefined);
});

test('what Envoy does not start with is told in its words', async () => {
  const patched = patchBootstrap(bootstrap, [{ static_resources: { listeners: [{ name: 'l' }] } }]);
  expect(await refusalOf(patched)).toMatch(/address/);
});

test('the patches of all EnvoyFilters, in order, for who writes the bootstraps', () => {
  const filter = (name: string, namespace: string, more: string, context: string) =>
    `---\n{apiVersion: networking.istio.io/v1alpha3, kind: EnvoyFilter, metadata: {name: ${name}, namespace: ${namespace}}, spec: {${more} configPatches: [{applyTo: CLUSTER, patch: {operation: REMOVE}}, {applyTo: BOOTSTRAP, match: {${context}}, patch: {operation: MERGE, value: {stats_flush_interval: 1s}}}]}}\n`;
  const text =
    filter('late', 'istio-system', 'priority: 1,', 'context: GATEWAY') +
    filter(
      'early',
      'default',
      'workloadSelector: {labels: {app: a}},',
      'proxy: {proxyVersion: "^1", metadata: {a: b}}',
    );
  const { objects } = parseDocuments(text, 'f.yaml', { defaultNamespace: 'default' });
  const filters = objects.flatMap(({ object }) => (object.kind === 'EnvoyFilter' ? [object] : []));
  const objectOf = (key: string) => filters.find((each) => keyOf(each) === key);
  const path = 'spec.configPatches[1]';
  expect(bootstrapPatches(filters.map(buildPatchSource), objectOf, 'istio-system')).toEqual([
    {
      source: { name: 'early', namespace: 'default', path },
      roles: ['sidecar', 'router'],
      namespace: 'default',
      selectors: [{ app: 'a' }],
      proxyVersion: '^1',
      metadata: { a: 'b' },
      value: { stats_flush_interval: '1s' },
    },
    {
      source: { name: 'late', namespace: 'istio-system', path },
      roles: ['router'],
      selectors: [],
      metadata: {},
      value: { stats_flush_interval: '1s' },
    },
  ]);
});
