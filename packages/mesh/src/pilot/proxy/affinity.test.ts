import { describe, expect, it } from 'vitest';
import type { PlacedEndpoint } from './endpoint-groups.ts';
import { groupsFrom } from './viewpoint.ts';

const endpoint = (instance: string): PlacedEndpoint => ({
  address: '127.0.0.1',
  port: 80,
  meshTls: true,
  instance,
  labels: {},
});

/** Which instance a client has an affinity for. */
function chosen(client: string, instances: readonly string[]): string | undefined {
  const view = { client, labels: {}, applicationLocalities: [] };
  const groups = groupsFrom(view, instances.map(endpoint), { type: 'affinity' });
  const [first, ...others] = groups;
  expect(first?.endpoints).toHaveLength(1);
  expect(others.flatMap(({ endpoints }) => endpoints)).toHaveLength(instances.length - 1);
  return first?.endpoints[0]?.instance;
}

describe('an affinity', () => {
  const instances = ['a', 'b', 'c', 'd'];
  const clients = Array.from({ length: 400 }, (_, i) => `client-${i}`);

  it('spreads clients over all instances', () => {
    for (const instance of instances) {
      const share = clients.filter((client) => chosen(client, instances) === instance).length / clients.length;
      expect(share).toBeGreaterThan(0.15);
    }
  });

  it('changes only for clients whose instance goes', () => {
    for (const client of clients) {
      const before = chosen(client, instances);
      if (before !== 'd') expect(chosen(client, ['a', 'b', 'c'])).toBe(before);
    }
  });

  it('is for nobody where nobody is', () => {
    expect(groupsFrom({ client: 'a', labels: {}, applicationLocalities: [] }, [], { type: 'affinity' })).toEqual([]);
  });
});
