import { describe, expect, it } from 'vitest';
import { Graph } from '../incremental/graph.ts';
import { networkingText, pilotOf } from '../testing/pilot-of.ts';
import { allocateAddresses } from './virtual-address.ts';

const entry = (spec: string, labels = '{}') =>
  networkingText(
    'ServiceEntry',
    'a',
    `{hosts: [a.example.com], ports: [{number: 80, name: http, protocol: HTTP}], ${spec}}`,
  ).replace('namespace: default', `namespace: default, labels: ${labels}`);
const STATIC = 'resolution: STATIC, endpoints: [{address: 10.0.0.1}]';
const allocated = (text: string) => pilotOf(text).model.services.get('default/a.example.com')?.allocatedAddress;

function allocate(keys: readonly string[]): Map<string, string> {
  const graph = new Graph();
  const wanted = graph.source<boolean>('wanted');
  const addresses = allocateAddresses(graph, wanted, (each) => each);
  graph.transaction(() => {
    for (const key of keys) wanted.set(key, true);
  });
  return new Map(addresses.entries());
}

describe('an allocated address', () => {
  it('is given to hosts that have none, unless nothing could be done with it', () => {
    expect(allocated(entry(STATIC))).toMatch(/^240\.240\.\d+\.\d+$/);
    expect(allocated(entry('resolution: NONE'))).toBeUndefined();
    expect(allocated(entry(`${STATIC}, addresses: [192.0.2.1]`))).toBeUndefined();
    expect(allocated(entry(STATIC, '{networking.istio.io/enable-autoallocate-ip: "false"}'))).toBeUndefined();
    const wildcard = entry(STATIC).replace('[a.example.com]', '["*.example.com"]');
    expect(pilotOf(wildcard).model.services.get('default/*.example.com')?.addresses).toEqual([]);
  });

  it('belongs to one host only, among thousands', () => {
    const keys = Array.from({ length: 10_000 }, (_, i) => `default/svc-${i}.example.com`);
    const addresses = allocate(keys);
    expect(addresses.size).toBe(keys.length);
    expect(new Set(addresses.values()).size).toBe(keys.length);
    for (const address of addresses.values()) {
      const [a, b, c = 0, d = 0] = address.split('.').map(Number);
      expect([a, b, c <= 254, d >= 1 && d <= 254]).toEqual([240, 240, true, true]);
    }
  });

  it('does not depend on who came first, and mostly not on others at all', () => {
    const keys = Array.from({ length: 2_000 }, (_, i) => `default/svc-${i}.example.com`);
    const all = allocate(keys);
    expect(allocate([...keys].reverse())).toEqual(all);
    const half = allocate(keys.filter((_, i) => i % 2 === 0));
    const moved = [...half].filter(([key, address]) => all.get(key) !== address);
    expect(moved.length).toBeLessThan(50);
  });
});
