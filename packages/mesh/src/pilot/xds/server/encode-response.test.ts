import { fromBinary } from '@bufbuild/protobuf';
import {
  DeltaDiscoveryResponseSchema,
  DiscoveryResponseSchema,
} from '@lateen/envoy-api/envoy/service/discovery/v3/discovery_pb.js';
import { expect, test } from 'vitest';
import { typeUrls } from '../resource.ts';
import { type EncodedResponse, encodeResponse, resourceHeadsMade } from './encode-response.ts';
import { testResource } from './testing/grpc-client.ts';

const long = new Uint8Array(300).fill(7);
const resources = [testResource('cluster', 'a|ü', 'v1'), testResource('cluster', 'long', 'v2', long)];
const response = (nonce: string) => ({
  typeUrl: typeUrls.cluster,
  nonce,
  version: nonce,
  resources,
  removed: ['gone'],
});

/** As gRPC does: behind five bytes of its own. */
function bytesOf(encoded: EncodedResponse): Buffer {
  const target = Buffer.alloc(encoded.byteLength + 5);
  expect(encoded.copy(target, 5)).toBe(encoded.byteLength);
  return target.subarray(5);
}

test('what is copied is the response', () => {
  const delta = fromBinary(DeltaDiscoveryResponseSchema, bytesOf(encodeResponse('delta', response('7'))));
  expect(delta).toMatchObject({ systemVersionInfo: '7', typeUrl: typeUrls.cluster, nonce: '7' });
  expect(delta.removedResources).toEqual(['gone']);
  expect(delta.resources.map(({ name, version, resource }) => [name, version, resource?.typeUrl])).toEqual([
    ['a|ü', 'v1', typeUrls.cluster],
    ['long', 'v2', typeUrls.cluster],
  ]);
  expect(delta.resources[1]?.resource?.value).toEqual(Buffer.from(long));

  const sotw = fromBinary(DiscoveryResponseSchema, bytesOf(encodeResponse('sotw', response('8'))));
  expect(sotw).toMatchObject({ versionInfo: '8', typeUrl: typeUrls.cluster, nonce: '8' });
  expect(sotw.resources[1]?.value).toEqual(Buffer.from(long));
});

test('what stands around a resource is made once, however many streams it is sent on', () => {
  const before = resourceHeadsMade();
  const fresh = [testResource('endpoint', 'e', 'v1'), testResource('endpoint', 'f', 'v1')];
  for (const nonce of ['1', '2', '3']) encodeResponse('delta', { ...response(nonce), resources: fresh });
  expect(resourceHeadsMade() - before).toBe(2);
});

test('long lists: those that follow each other in the same way are put together once, and replaced with any of them', () => {
  const list = Array.from({ length: 200 }, (_, i) => testResource('endpoint', `e${i}`, 'v1'));
  const names = (resources: typeof list) => {
    const bytes = bytesOf(encodeResponse('delta', { ...response('1'), resources }));
    return fromBinary(DeltaDiscoveryResponseSchema, bytes).resources.map(({ name, version }) => `${name}@${version}`);
  };
  const expected = (resources: typeof list) => resources.map(({ name, version }) => `${name}@${version}`);
  for (let time = 0; time < 3; time++) expect(names(list)).toEqual(expected(list));
  const changed = list.with(100, testResource('endpoint', 'e100', 'v2'));
  for (let time = 0; time < 3; time++) expect(names(changed)).toEqual(expected(changed));
  expect(names(list)).toEqual(expected(list));
  const shorter = list.slice(0, 64).with(63, testResource('endpoint', 'other', 'v1'));
  expect(names(shorter)).toEqual(expected(shorter));
});
