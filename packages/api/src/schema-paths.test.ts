import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { kinds } from './kinds.ts';
import { fieldsBelow, nodeAt, nodeOf } from './schema/node.ts';

/** The field paths of the CRDs, lists and maps written as their elements. */
function crdPaths(kind: string): string[] {
  const file = new URL(`../testdata/schema-paths/${kind}.txt`, import.meta.url);
  return readFileSync(file, 'utf8').trim().split('\n').sort();
}

const KINDS = [
  ...(['Gateway', 'VirtualService', 'DestinationRule', 'PeerAuthentication'] as const),
  ...(['ServiceEntry', 'WorkloadEntry', 'Sidecar', 'ProxyConfig', 'EnvoyFilter'] as const),
  // The Gateway API 1.6, experimental channel; ServiceImport is of the Multi-Cluster Services API.
  ...(['GatewayClass', 'KubernetesGateway', 'ListenerSet', 'ReferenceGrant', 'BackendTLSPolicy'] as const),
  ...(['HTTPRoute', 'GRPCRoute', 'TLSRoute', 'TCPRoute', 'UDPRoute'] as const),
  ...(['XBackend', 'XBackendTrafficPolicy', 'XMesh', 'ServiceImport'] as const),
];

describe.each(KINDS)('%s', (kind) => {
  test('has exactly the fields of its CRD', () => {
    const spec = nodeAt(nodeOf(kinds[kind].schema), ['spec']);
    if (spec === undefined) throw new Error('no spec');
    const paths = [...fieldsBelow(spec)].map(({ path }) => `${kind}.${path.replaceAll(/\[\]|\{\}/g, '')}`);
    expect(paths.sort()).toEqual(crdPaths(kind));
  });
});
