import type { ConfigObject } from '@lateen/api/kinds.ts';
import { keyOf } from '@lateen/api/object-key.ts';
import { instanceKey, nodeIdOf, type WorkloadInstance } from '@lateen/api/workload-instance.ts';
import fc from 'fast-check';
import type { Source } from '../incremental/collection.ts';
import type { LearntHost, LearntHosts } from '../model/learnt-hosts.ts';
import type { Pilot } from '../pilot.ts';
import { someGatewayApi } from './random-gateway-api.ts';
import { anyInstance, anyObject, buildRouter, buildSidecar, namespace, object } from './random-mesh.ts';

/**
 * One change to what a Pilot is told. What is deleted or disconnected may not be there. What is known is altered by its
 * position, counted round.
 */
export type MeshChange =
  | { readonly type: 'set object'; readonly object: ConfigObject }
  | { readonly type: 'delete object'; readonly key: string }
  | { readonly type: 'rename object'; readonly at: number; readonly name: string }
  | { readonly type: 'relabel object' | 'relabel instance'; readonly at: number; readonly labels: Labels }
  | { readonly type: 'move endpoint'; readonly at: number; readonly address: string }
  | { readonly type: 'set health'; readonly at: number; readonly health: WorkloadInstance['health'] }
  | { readonly type: 'delete namespace'; readonly namespace: string }
  | { readonly type: 'set instance'; readonly instance: WorkloadInstance }
  | { readonly type: 'delete instance'; readonly key: string }
  | { readonly type: 'connect' | 'disconnect'; readonly nodeId: string; readonly instance: string }
  /** A workload has asked for just these by now. */
  | { readonly type: 'learn'; readonly workload: string; readonly learnt: LearntHosts };

type Labels = Readonly<Record<string, string>>;

const position = fc.nat(30);

const labels = fc.constantFrom<Labels>(
  {},
  { app: 'a' },
  { app: 'b', version: 'v2' },
  { app: 'a', version: 'v1', 'istio-locality': 'eu.a' },
  { istio: 'ingressgateway' },
);

/** Changes of what is known already. */
const alteration: fc.Arbitrary<MeshChange> = fc.oneof(
  fc.record({
    type: fc.constant('rename object' as const),
    at: position,
    name: fc.constantFrom('a', 'b', 'x', 'y', 'front'),
  }),
  fc.record({ type: fc.constantFrom('relabel object' as const, 'relabel instance' as const), at: position, labels }),
  fc.record({
    type: fc.constant('move endpoint' as const),
    at: position,
    address: fc.constantFrom('10.0.0.1', '10.0.0.3', '10.0.0.4'),
  }),
  fc.record({
    type: fc.constant('set health' as const),
    at: position,
    health: fc.constantFrom('ready' as const, 'unready' as const, 'draining' as const),
  }),
);

/** Names of services, near and far, of hosts that only rules know, and of nobody. */
const CALLED = ['a', 'b.default', 'a.other.svc.cluster.local', 'db.test', 'c.test', '10.9.0.1', 'nobody.test'];

const learning: fc.Arbitrary<MeshChange> = fc.record({
  type: fc.constant('learn' as const),
  workload: fc.constantFrom('default/a-v1', 'default/b-v1', 'other/a-v1'),
  learnt: fc.record({
    epoch: fc.nat(2),
    hosts: fc.uniqueArray(
      fc
        .record({ table: fc.constantFrom('80', '9080'), host: fc.constantFrom(...CALLED), isOnTrial: fc.boolean() })
        .map(({ isOnTrial, ...host }): LearntHost => (isOnTrial ? { ...host, isOnTrial } : host)),
      { selector: ({ table, host }) => `${table}/${host}`, maxLength: 4 },
    ),
  }),
});

export const anyChange: fc.Arbitrary<MeshChange> = fc.oneof(
  { weight: 5, arbitrary: anyObject.map((each): MeshChange => ({ type: 'set object', object: each })) },
  { weight: 2, arbitrary: anyObject.map((each): MeshChange => ({ type: 'delete object', key: keyOf(each) })) },
  { weight: 5, arbitrary: alteration },
  { weight: 2, arbitrary: learning },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('delete namespace' as const), namespace }) },
  { weight: 4, arbitrary: anyInstance.map((instance): MeshChange => ({ type: 'set instance', instance })) },
  {
    weight: 1,
    arbitrary: anyInstance.map((each): MeshChange => ({ type: 'delete instance', key: instanceKey(each) })),
  },
  {
    weight: 4,
    arbitrary: fc
      .record({ type: fc.constantFrom('connect', 'connect', 'connect', 'disconnect'), instance: anyInstance })
      .map(({ type, instance }): MeshChange => ({ type, nodeId: nodeIdOf(instance), instance: instanceKey(instance) })),
  },
);

/** Tells a Pilot of a change. */
export function makeChange({ graph, objects, instances, proxies, learnt }: Pilot, change: MeshChange): void {
  switch (change.type) {
    case 'set object':
      objects.set(keyOf(change.object), change.object);
      break;
    case 'delete object':
      objects.delete(change.key);
      break;
    case 'rename object':
      at(objects, change.at, (found, key) => {
        const renamed = { ...found, metadata: { ...found.metadata, name: change.name } } as ConfigObject;
        graph.transaction(() => {
          objects.delete(key);
          objects.set(keyOf(renamed), renamed);
        });
      });
      break;
    case 'relabel object':
      at(objects, change.at, (found, key) =>
        objects.set(key, { ...found, metadata: { ...found.metadata, labels: change.labels } } as ConfigObject),
      );
      break;
    case 'relabel instance':
      at(instances, change.at, (found, key) => instances.set(key, { ...found, labels: change.labels }));
      break;
    case 'move endpoint':
      at(objects, change.at, (found, key) => objects.set(key, movedTo(change.address, found)));
      break;
    case 'set health':
      at(instances, change.at, (found, key) => instances.set(key, { ...found, health: change.health }));
      break;
    case 'delete namespace':
      graph.transaction(() => {
        const isThere = (where: object) => 'namespace' in where && where.namespace === change.namespace;
        for (const [key, { metadata }] of [...objects.entries()]) if (isThere(metadata)) objects.delete(key);
        for (const [key, instance] of [...instances.entries()]) if (isThere(instance)) instances.delete(key);
      });
      break;
    case 'set instance':
      instances.set(instanceKey(change.instance), change.instance);
      break;
    case 'delete instance':
      instances.delete(change.key);
      break;
    case 'connect':
      proxies.set(change.nodeId, { nodeId: change.nodeId, instance: change.instance });
      break;
    case 'disconnect':
      proxies.delete(change.nodeId);
      break;
    case 'learn':
      learnt.set(change.workload, change.learnt);
      break;
  }
}

/** Does something with one of those that are there, if any are. */
function at<V>(source: Source<V>, position: number, alter: (value: V, key: string) => void): void {
  const all = [...source.entries()];
  const [key, value] = all[position % Math.max(1, all.length)] ?? [];
  if (key !== undefined && value !== undefined) alter(value, key);
}

/** A WorkloadEntry or the first endpoint of a ServiceEntry; others have no address. */
function movedTo(address: string, found: ConfigObject): ConfigObject {
  if (found.kind === 'WorkloadEntry') return { ...found, spec: { ...found.spec, address } };
  if (found.kind !== 'ServiceEntry' || found.spec.endpoints === undefined) return found;
  const endpoints = found.spec.endpoints.map((each, i) => (i === 0 ? { ...each, address } : each));
  return { ...found, spec: { ...found.spec, endpoints } };
}

/** A mesh in which everything refers to something, for random changes to meet. */
export const someMesh: readonly MeshChange[] = [
  ...[
    object('Service', 'a', 'default', {
      selector: { app: 'a' },
      ports: [{ port: 80, name: 'http', targetPort: 'web' }],
    }),
    object('Service', 'b', 'default', {
      selector: { app: 'b' },
      ports: [{ port: 9080, name: 'http', targetPort: 8080 }],
    }),
    object('DestinationRule', 'x', 'default', { host: 'a', subsets: [{ name: 'v1', labels: { version: 'v1' } }] }),
    object('VirtualService', 'x', 'default', {
      hosts: ['a', 'b'],
      gateways: ['mesh', 'front'],
      http: [
        { match: [{ uri: { prefix: '/x' } }], route: [{ destination: { host: 'b' } }] },
        { route: [{ destination: { host: 'a', subset: 'v1' } }] },
      ],
    }),
    object('Gateway', 'front', 'default', {
      selector: { istio: 'ingressgateway' },
      servers: [{ port: { number: 80, name: 'http', protocol: 'HTTP' }, hosts: ['*'] }],
    }),
    ...someGatewayApi,
  ].map((each): MeshChange => ({ type: 'set object', object: each })),
  ...[
    buildSidecar('a', 'v1', 'default'),
    buildSidecar('b', 'v1', 'default'),
    buildRouter('default', { 80: 8080 }),
  ].flatMap((instance): MeshChange[] => [
    { type: 'set instance', instance },
    { type: 'connect', nodeId: nodeIdOf(instance), instance: instanceKey(instance) },
  ]),
];
