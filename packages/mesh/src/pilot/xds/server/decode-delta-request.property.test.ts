import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { DeltaDiscoveryRequestSchema } from '@lateen/envoy-api/envoy/service/discovery/v3/discovery_pb.js';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeDeltaRequest } from './decode-delta-request.ts';

const RUNS = { numRuns: 1000, seed: 20_261_123 };

/** What the generated code finds, reduced to the same. */
function byGeneratedCode(bytes: Uint8Array): ReturnType<typeof decodeDeltaRequest> {
  const message = fromBinary(DeltaDiscoveryRequestSchema, bytes);
  return {
    node: message.node,
    typeUrl: message.typeUrl,
    nonce: message.responseNonce,
    error: message.errorDetail?.message,
    subscribe: message.resourceNamesSubscribe,
    unsubscribe: message.resourceNamesUnsubscribe,
    initialVersions: new Map(Object.entries(message.initialResourceVersions)),
  };
}

const name = fc.string({ unit: 'grapheme', maxLength: 40 });
const names = fc.array(name, { maxLength: 6 });

const request = fc
  .record({
    node: fc.option(
      fc.record({
        id: name,
        cluster: name,
        metadata: fc.dictionary(name, fc.oneof(fc.boolean(), name), { maxKeys: 3, noNullPrototype: true }),
      }),
      { nil: undefined },
    ),
    typeUrl: name,
    responseNonce: name,
    errorDetail: fc.option(fc.record({ code: fc.nat(20), message: name }), { nil: undefined }),
    resourceNamesSubscribe: names,
    resourceNamesUnsubscribe: names,
    initialResourceVersions: fc.dictionary(name, name, { maxKeys: 6, noNullPrototype: true }),
    resourceLocatorsSubscribe: fc.array(fc.record({ name }), { maxLength: 2 }),
  })
  .map(({ node, errorDetail, ...rest }) =>
    create(DeltaDiscoveryRequestSchema, { ...rest, ...(node && { node }), ...(errorDetail && { errorDetail }) }),
  );

const encoded = request.map((message) => toBinary(DeltaDiscoveryRequestSchema, message));

describe('the same as the generated code', () => {
  test('for any request', () => {
    fc.assert(
      fc.property(encoded, (bytes) => {
        expect(decodeDeltaRequest(bytes)).toEqual(byGeneratedCode(bytes));
      }),
      RUNS,
    );
  });

  test('for a request in several pieces, which add up', () => {
    fc.assert(
      fc.property(encoded, encoded, (first, second) => {
        const both = Buffer.concat([first, second]);
        expect(decodeDeltaRequest(both)).toEqual(byGeneratedCode(both));
      }),
      RUNS,
    );
  });

  test('for a request that breaks off: both refuse it, or both read the same', () => {
    const plain = request.map((message) =>
      toBinary(DeltaDiscoveryRequestSchema, { ...message, node: undefined, resourceLocatorsSubscribe: [] }),
    );
    fc.assert(
      fc.property(plain, fc.nat(), (bytes, at) => {
        const broken = bytes.subarray(0, at % (bytes.length + 1));
        expect(outcome(() => decodeDeltaRequest(broken))).toEqual(outcome(() => byGeneratedCode(broken)));
      }),
      RUNS,
    );
  });
});

test.each([
  ['a name that goes on behind the end', [0x1a, 5, 0x61]],
  ['a node that is none', [0x0a, 2, 0x0a, 9]],
  ['an end in the middle of a number', [0x1a, 0xff]],
  ['a field without a number', [0x02, 0]],
])('%s is refused', (_, bytes) => {
  expect(() => decodeDeltaRequest(Uint8Array.from(bytes))).toThrow();
  expect(() => byGeneratedCode(Uint8Array.from(bytes))).toThrow();
});

test('a name that goes on behind its entry is refused', () => {
  expect(() => decodeDeltaRequest(Uint8Array.from([0x2a, 3, 0x0a, 2, 0x61, 0x61]))).toThrow('premature EOF');
});

test('the hundreds of extensions that Envoy lists are passed over', () => {
  const extensions = [{ name: 'envoy.filters.http.router', category: 'envoy.filters.http', typeUrls: ['a.b.Router'] }];
  const message = create(DeltaDiscoveryRequestSchema, { node: { id: 'a', cluster: 'b', extensions } });
  const { node } = decodeDeltaRequest(toBinary(DeltaDiscoveryRequestSchema, message));
  expect(node).toMatchObject({ id: 'a', cluster: 'b', extensions: [] });
});

function outcome<T>(run: () => T): T | 'refused' {
  try {
    return run();
  } catch {
    return 'refused';
  }
}
