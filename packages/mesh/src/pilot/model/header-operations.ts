import type { VirtualService } from '@lateen/api/kinds.ts';
import type { HeaderChangesIr, HeaderOperationsIr } from '../proxy/ir/header-operations.ts';

export interface HeaderOperations {
  readonly operations: HeaderOperationsIr;
  /** Who sets the host, in either of its names, gives the request another authority. */
  readonly authority?: string;
}

type Headers = NonNullable<NonNullable<VirtualService['spec']['http']>[number]['headers']>;
type Changes = NonNullable<Headers['response']>;

export function buildHeaderOperations({ request = {}, response = {} }: Headers): HeaderOperations {
  const [, authority] =
    Object.entries({ ...request.add, ...request.set }).findLast(([name]) => isAuthority(name)) ?? [];
  return {
    operations: { request: buildChanges(request), response: buildChanges(response) },
    ...(authority === undefined ? {} : { authority }),
  };
}

function buildChanges({ set = {}, add = {}, remove = [] }: Changes): HeaderChangesIr {
  const values = (given: Readonly<Record<string, string>>) =>
    Object.entries(given)
      .filter(([name]) => !isAuthority(name))
      .map(([name, value]) => ({ name, value }));
  return { set: values(set), add: values(add), remove };
}

function isAuthority(name: string): boolean {
  return name === ':authority' || name.toLowerCase() === 'host';
}
