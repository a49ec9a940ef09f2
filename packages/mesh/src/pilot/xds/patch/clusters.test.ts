import { type Cluster, ClusterSchema } from '@lateen/envoy-api/envoy/config/cluster/v3/cluster_pb.js';
import { describe, expect, test } from 'vitest';
import { sourcesIn } from '../translate/metadata.ts';
import { addedClusters, addedExtensions, addedListeners } from './added.ts';
import { patchCluster } from './clusters.ts';
import type { ClusterFacts } from './match.ts';
import { messageOf, patchesOf, plain } from './testing/patches-of.ts';

const REVIEWS = 'outbound|9080|v1|reviews.default.svc.cluster.local';
const outbound: ClusterFacts = { context: 'SIDECAR_OUTBOUND', services: [] };
const inbound: ClusterFacts = { context: 'SIDECAR_INBOUND', services: ['reviews.default.svc.cluster.local'] };

function patched(yaml: string, patches: string, facts = outbound) {
  const before = messageOf<Cluster>(ClusterSchema, yaml);
  const applied = new Set<never>();
  const after = patchCluster(before, facts, patchesOf(patches), applied as never);
  return { after, applied: applied.size, isSame: after === before };
}

const merge = (match: string, value = 'connect_timeout: 1s') =>
  `[{applyTo: CLUSTER, match: {${match}}, patch: {operation: MERGE, value: {${value}}}}]`;

describe('a cluster is found by', () => {
  test.each([
    [REVIEWS, outbound, ''],
    [REVIEWS, outbound, `cluster: {name: "${REVIEWS}"}`],
    [REVIEWS, outbound, 'cluster: {service: reviews.default.svc.cluster.local}'],
    [REVIEWS, outbound, 'cluster: {subset: v1, portNumber: 9080}'],
    [REVIEWS, outbound, `cluster: {name: "${REVIEWS}", portNumber: 1}`],
    ['inbound|9080||', inbound, 'cluster: {service: reviews.default.svc.cluster.local}'],
    ['inbound|9080||', inbound, 'context: SIDECAR_INBOUND, cluster: {portNumber: 9080}'],
  ])('%s %j %s', (name, facts, match) => {
    const { after, applied } = patched(JSON.stringify({ name }), merge(match), facts);
    expect(applied).toBe(1);
    expect(plain(after)).toEqual({ name, connect_timeout: '1s' });
    expect(sourcesIn(after?.metadata)).toHaveLength(1);
  });

  test.each([
    [outbound, 'context: GATEWAY'],
    [outbound, 'context: SIDECAR_INBOUND'],
    [outbound, 'cluster: {subset: v2}'],
    [outbound, 'cluster: {portNumber: 80}'],
    [outbound, 'cluster: {service: ratings.default.svc.cluster.local}'],
    [inbound, 'cluster: {service: ratings.default.svc.cluster.local}'],
  ])('%j not by %s', (facts, match) => {
    expect(patched(JSON.stringify({ name: REVIEWS }), merge(match), facts)).toMatchObject({ applied: 0, isSame: true });
  });
});

test('a cluster can be removed, which comes before all that would be merged into it', () => {
  const patches = `
- {applyTo: CLUSTER, patch: {operation: MERGE, value: {connect_timeout: 1s}}}
- {applyTo: CLUSTER, patch: {operation: REMOVE}}`;
  expect(patched('{name: x}', patches)).toMatchObject({ after: undefined, applied: 1 });
});

describe('a transport socket', () => {
  const TLS = '"@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext';
  const socket = (sni: string) => `{name: envoy.transport_sockets.tls, typed_config: {${TLS}, ${sni}}}`;
  const change = merge('', `connect_timeout: 1s, transport_socket: ${socket('allow_renegotiation: true')}`);

  test('is merged with the one of its name', () => {
    expect(plain(patched(`{transport_socket: ${socket('sni: a')}}`, change).after)).toMatchObject({
      transport_socket: { typed_config: { sni: 'a', allow_renegotiation: true } },
    });
  });

  test('takes the place of another', () => {
    const { after } = patched('{transport_socket: {name: envoy.transport_sockets.raw_buffer}}', change);
    expect(plain(after)).toMatchObject({
      transport_socket: { name: 'envoy.transport_sockets.tls', typed_config: { allow_renegotiation: true } },
    });
  });

  test('is merged where a cluster chooses among several, and is left out if none has its name', () => {
    const matches = `{transport_socket_matches: [{name: tls, transport_socket: ${socket('sni: a')}}, {name: raw, transport_socket: {name: raw}}]}`;
    expect(plain(patched(matches, change).after)).toMatchObject({
      connect_timeout: '1s',
      transport_socket_matches: [
        { transport_socket: { typed_config: { sni: 'a', allow_renegotiation: true } } },
        { name: 'raw' },
      ],
    });
    const { after } = patched('{transport_socket_matches: [{name: raw, transport_socket: {name: raw}}]}', change);
    expect(plain(after)).toEqual({
      connect_timeout: '1s',
      transport_socket_matches: [{ name: 'raw', transport_socket: { name: 'raw' } }],
    });
  });
});

test('what is added to a proxy depends on its role, and the first of a name counts', () => {
  const patches = (target: string) =>
    patchesOf(`
- {applyTo: ${target}, match: {context: SIDECAR_OUTBOUND}, patch: {operation: ADD, value: {name: out}}}
- {applyTo: ${target}, match: {context: GATEWAY}, patch: {operation: ADD, value: {name: gateway}}}
- {applyTo: ${target}, patch: {operation: ADD, value: {name: any}}}
- {applyTo: ${target}, patch: {operation: ADD, value: {name: any}}}`);
  const sidecar = ['SIDECAR_INBOUND', 'SIDECAR_OUTBOUND'] as const;
  for (const [target, added] of [
    ['CLUSTER', addedClusters],
    ['LISTENER', addedListeners],
    ['EXTENSION_CONFIG', addedExtensions],
  ] as const) {
    const all = patches(target)[target] ?? [];
    expect(added(sidecar, all).map(({ message }) => message.name)).toEqual(['out', 'any']);
    expect(added(['GATEWAY'], all).map(({ message }) => message.name)).toEqual(['gateway', 'any']);
  }
});
