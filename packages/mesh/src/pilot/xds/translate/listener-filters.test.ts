import { describe, expect, it } from 'vitest';
import { tcpHandler } from '../../proxy/filter-chains.ts';
import type { FilterChainMatchIr, SocketIr } from '../../proxy/ir/listener.ts';
import { listenerFilters } from './listener-filters.ts';

const handler = tcpHandler({ statPrefix: 's', cluster: 'c' });

function filtersOf(matches: readonly FilterChainMatchIr[], socket?: SocketIr) {
  const chains = matches.map((match) => ({ name: 'chain', match, handler }));
  const filters = listenerFilters({
    name: 'l',
    address: '127.0.0.1',
    port: 1,
    direction: 'inbound',
    chains,
    firstBytes: 'detect',
    ...(socket === undefined ? {} : { socket }),
    sources: [],
  });
  return filters.map(({ name = '', filterDisabled }) => [name.replace('envoy.filters.listener.', ''), filterDisabled]);
}

const range = (start: number) => ({ rule: { case: 'destinationPortRange', value: { start, end: start + 1 } } });

describe('listener filters', () => {
  it('are only those that a chain asks for', () => {
    expect(filtersOf([{}])).toEqual([]);
    expect(filtersOf([{ applicationProtocols: 'http' }, {}])).toEqual([['http_inspector', undefined]]);
    expect(filtersOf([{ serverNames: ['a'] }])).toEqual([['tls_inspector', undefined]]);
  });

  it('do not look at ports whose chains do not ask', () => {
    const tls = { transport: 'tls' } as const;
    expect(filtersOf([{ destinationPort: 1 }, { destinationPort: 2, ...tls }, { ...tls }])).toEqual([
      ['tls_inspector', range(1)],
    ]);
    expect(filtersOf([{ destinationPort: 1, ...tls }, {}])).toEqual([
      ['tls_inspector', { rule: { case: 'notMatch', value: range(1) } }],
    ]);
    expect(filtersOf([{ destinationPort: 1 }, { destinationPort: 2 }, tls])).toEqual([
      ['tls_inspector', { rule: { case: 'orMatch', value: { rules: [range(1), range(2)] } } }],
    ]);
  });

  it('find out where a redirected connection was meant to go; who hands it over does that by itself', () => {
    const socket = (handsOver: boolean, transparent = false) =>
      ({ type: 'redirected', handsOver, transparent }) as const;
    expect(filtersOf([{}], socket(false))).toEqual([['original_dst', undefined]]);
    expect(filtersOf([{}], socket(true))).toEqual([]);
    expect(filtersOf([{}], socket(false, true)).map(([name]) => name)).toEqual(['original_dst', 'original_src']);
  });
});
