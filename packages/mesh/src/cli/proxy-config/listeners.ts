import { addressText, fieldOf, isType, listOf, shortList, textOf } from './envoy-json.ts';
import { sourceText } from './source-column.ts';
import type { Filters, Messages, View } from './view.ts';

/** A row for each filter chain. */
export function listenersView(listeners: Messages, filters: Filters): View {
  const wanted = listeners
    .filter((listener) => isWanted(listener, filters))
    .toSorted((a, b) => (textOf(a.name) < textOf(b.name) ? -1 : 1));
  return {
    titles: ['name', 'address', 'match', 'destination', 'source'],
    rows: wanted.flatMap((listener) => {
      const { name, address, filter_chains: chains, default_filter_chain: rest } = listener;
      const all = [
        ...listOf(chains).map((chain) => ({ chain, match: matchText(fieldOf(chain, 'filter_chain_match')) })),
        ...(rest === undefined ? [] : [{ chain: rest, match: 'all others' }]),
      ];
      return all.map(({ chain, match }) => [
        textOf(name),
        addressText(address),
        match,
        destinationText(chain),
        sourceText(listener),
      ]);
    }),
    document: wanted,
  };
}

function isWanted(listener: unknown, { name, port, direction }: Filters): boolean {
  const own = textOf(fieldOf(listener, 'name'));
  const ports = [addressText(fieldOf(listener, 'address')).split(':').at(-1), own.split('|')[1]];
  return (
    (name === undefined || name === own) &&
    (port === undefined || ports.includes(String(port))) &&
    (direction === undefined || direction === textOf(fieldOf(listener, 'traffic_direction')).toLowerCase())
  );
}

function matchText(match: unknown): string {
  const names = listOf(fieldOf(match, 'server_names'));
  const protocols = listOf(fieldOf(match, 'application_protocols'));
  const transport = textOf(fieldOf(match, 'transport_protocol'));
  const port = textOf(fieldOf(match, 'destination_port'));
  const ranges = listOf(fieldOf(match, 'prefix_ranges')).map(
    (range) => `${textOf(fieldOf(range, 'address_prefix'))}/${textOf(fieldOf(range, 'prefix_len'))}`,
  );
  const parts = [
    ...(ranges.length === 0 ? [] : [`addr: ${shortList(ranges)}`]),
    ...(port === '' ? [] : [`port: ${port}`]),
    ...(transport === '' ? [] : [`trans: ${transport}`]),
    ...(names.length === 0 ? [] : [`SNI: ${shortList(names)}`]),
    ...(protocols.length === 0 ? [] : [`app: ${shortList(protocols)}`]),
  ];
  return parts.length === 0 ? 'all' : parts.join('; ');
}

/** Where the last filter of the chain sends what it gets. */
function destinationText(chain: unknown): string {
  const last = listOf(fieldOf(chain, 'filters')).at(-1);
  const config = fieldOf(last, 'typed_config');
  if (isType(config, 'HttpConnectionManager')) {
    const discovered = textOf(fieldOf(config, 'rds', 'route_config_name'));
    return discovered === ''
      ? `Inline route: ${textOf(fieldOf(config, 'route_config', 'name'))}`
      : `Route: ${discovered}`;
  }
  if (!isType(config, 'TcpProxy')) return textOf(fieldOf(last, 'name'));
  const weighted = listOf(fieldOf(config, 'weighted_clusters', 'clusters')).map((each) => fieldOf(each, 'name'));
  return `Cluster: ${textOf(fieldOf(config, 'cluster')) || shortList(weighted)}`;
}
