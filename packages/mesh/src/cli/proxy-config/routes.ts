import { fieldOf, isType, listOf, shortList, textOf } from './envoy-json.ts';
import { sourceText } from './source-column.ts';
import type { Filters, Messages, View } from './view.ts';

/** A row for each route, in the order in which they are tried; with the tables that stand in listeners. */
export function routesView(tables: Messages, listeners: Messages, { name, fqdn }: Filters): View {
  const wanted = [...tables, ...listeners.flatMap(inlineTables)]
    .filter((table) => name === undefined || name === fieldOf(table, 'name'))
    .map((table) => ({ ...(table as object), virtual_hosts: hostsFor(table, fqdn) }))
    .filter((table) => fqdn === undefined || table.virtual_hosts.length > 0)
    .toSorted((a, b) => (textOf(fieldOf(a, 'name')) < textOf(fieldOf(b, 'name')) ? -1 : 1));
  return {
    titles: ['name', 'virtual host', 'domains', 'match', 'destination', 'source'],
    rows: wanted.flatMap((table) =>
      table.virtual_hosts.flatMap((host) => {
        const domains = listOf(fieldOf(host, 'domains'));
        return listOf(fieldOf(host, 'routes')).map((route) => [
          textOf(fieldOf(table, 'name')),
          textOf(fieldOf(host, 'name')),
          domains.length === 1 ? textOf(domains[0]) : shortList(domains),
          matchText(fieldOf(route, 'match')),
          destinationText(route),
          sourceText(route),
        ]);
      }),
    ),
    document: wanted,
  };
}

/** The tables with the virtual hosts that come on their own, which are named `TABLE/HOST`. */
export function withHosts(tables: Messages, hosts: Messages): Messages {
  return tables.map((table) => {
    if (fieldOf(table, 'vhds') === undefined) return table;
    const own = hosts.filter((host) => textOf(fieldOf(host, 'name')).startsWith(`${textOf(fieldOf(table, 'name'))}/`));
    return { ...(table as object), virtual_hosts: [...listOf(fieldOf(table, 'virtual_hosts')), ...own] };
  });
}

function inlineTables(listener: unknown): unknown[] {
  return listOf(fieldOf(listener, 'filter_chains'))
    .flatMap((chain) => listOf(fieldOf(chain, 'filters')))
    .map((filter) => fieldOf(filter, 'typed_config'))
    .filter((config) => isType(config, 'HttpConnectionManager'))
    .map((config) => fieldOf(config, 'route_config'))
    .filter((table, index, all) => {
      // The chains for plaintext and for TLS have the same.
      const first = all.findIndex((other) => JSON.stringify(other) === JSON.stringify(table));
      return table !== undefined && first === index;
    });
}

function hostsFor(table: unknown, fqdn: string | undefined): readonly unknown[] {
  const hosts = listOf(fieldOf(table, 'virtual_hosts'));
  if (fqdn === undefined) return hosts;
  return hosts.filter((host) =>
    [fieldOf(host, 'name'), ...listOf(fieldOf(host, 'domains'))].some(
      (name) => name === fqdn || textOf(name).replace(/:\d+$/, '') === fqdn,
    ),
  );
}

function matchText(match: unknown): string {
  const at = (field: string) => fieldOf(match, field);
  const path =
    at('connect_matcher') !== undefined
      ? 'CONNECT'
      : at('safe_regex') !== undefined
        ? `~${textOf(fieldOf(match, 'safe_regex', 'regex'))}`
        : at('path_separated_prefix') !== undefined
          ? `${textOf(at('path_separated_prefix'))}/*`
          : textOf(at('path')) || `${textOf(at('prefix'))}*`;
  const headers = listOf(at('headers')).map((each) => conditionText(each));
  const query = listOf(at('query_parameters')).map((each) => `?${conditionText(each)}`);
  return [path, ...headers, ...query].join(' ');
}

/** `end-user=jason`, `x-id~[0-9]+`, `!x-debug` */
function conditionText(condition: unknown): string {
  const match = fieldOf(condition, 'string_match') ?? condition;
  const value = textOf(fieldOf(match, 'exact') ?? fieldOf(match, 'exact_match'));
  const prefix = textOf(fieldOf(match, 'prefix') ?? fieldOf(match, 'prefix_match'));
  const regex = textOf(fieldOf(match, 'safe_regex', 'regex'));
  const text = value !== '' ? `=${value}` : prefix !== '' ? `=${prefix}*` : regex !== '' ? `~${regex}` : '';
  const not = fieldOf(condition, 'invert_match') === true ? '!' : '';
  return `${not}${textOf(fieldOf(condition, 'name'))}${text}`;
}

function destinationText(route: unknown): string {
  const redirect = fieldOf(route, 'redirect');
  if (redirect !== undefined) {
    const to = ['scheme_redirect', 'host_redirect', 'port_redirect', 'path_redirect', 'prefix_rewrite']
      .map((field) => textOf(fieldOf(redirect, field)))
      .filter((text) => text !== '');
    return `redirect: ${to.join(' ')}`;
  }
  const direct = fieldOf(route, 'direct_response');
  if (direct !== undefined) return `answer: ${textOf(fieldOf(direct, 'status'))}`;
  const action = fieldOf(route, 'route');
  const weighted = listOf(fieldOf(action, 'weighted_clusters', 'clusters'));
  if (weighted.length > 0) {
    return weighted.map((each) => `${textOf(fieldOf(each, 'name'))} (${textOf(fieldOf(each, 'weight'))})`).join(', ');
  }
  return textOf(fieldOf(action, 'cluster')) || textOf(fieldOf(action, 'cluster_header'));
}
