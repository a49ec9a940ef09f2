import type { WorkloadInstance } from '@lateen/api/workload-instance.ts';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Graph } from '../../incremental/graph.ts';
import { NodeRegistry } from './node-registry.ts';

const OLD = 'sidecar~10.1.0.2~reviews-1.shop~shop.svc.cluster.local';
const NEW = 'sidecar~10.1.0.3~reviews-1.shop~shop.svc.cluster.local';
const KEY = 'reviews-1.shop';
const LINGER_MS = 1_000;

describe('a workload that is known by its proxy', () => {
  const instances = () => new Graph().source<WorkloadInstance>('instances');
  const node = (id: string, metadata = {}) => ({ id, cluster: '', metadata });

  beforeEach(() => vi.useFakeTimers());
  afterEach(() => vi.useRealTimers());

  it('is there from the first connection to a while after the last, so that one that broke does no harm', () => {
    const known = instances();
    const registry = new NodeRegistry(known, LINGER_MS);
    expect(registry.arrive(node(OLD))).toBe(KEY);
    expect(known.get(KEY)).toMatchObject({ address: '10.1.0.2' });
    registry.leave(OLD, KEY);
    vi.advanceTimersByTime(LINGER_MS - 1);
    registry.arrive(node(OLD, { LABELS: { version: 'v2' } }));
    vi.advanceTimersByTime(LINGER_MS);
    expect(known.get(KEY)).toMatchObject({ labels: { version: 'v2' } });
    registry.leave(OLD, KEY);
    vi.advanceTimersByTime(LINGER_MS);
    expect(known.get(KEY)).toBeUndefined();
  });

  it('that came back with another address is not taken away by the end of its old connection', () => {
    const known = instances();
    const registry = new NodeRegistry(known, LINGER_MS);
    registry.arrive(node(OLD));
    registry.arrive(node(NEW));
    registry.leave(OLD, KEY);
    vi.advanceTimersByTime(LINGER_MS);
    expect(known.get(KEY)).toMatchObject({ address: '10.1.0.3' });
  });

  it('stays as it was when the proxy comes back with metadata that cannot be used', () => {
    const known = instances();
    const registry = new NodeRegistry(known, LINGER_MS);
    registry.arrive(node(OLD));
    expect(() => registry.arrive(node(OLD, { LABELS: 'no' }))).toThrow(/LABELS/);
    expect(known.get(KEY)).toMatchObject({ address: '10.1.0.2' });
  });
});
