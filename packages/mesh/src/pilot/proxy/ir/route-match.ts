/** All that is given must hold. */
export interface RouteMatchIr {
  readonly path: PathMatchIr;
  readonly headers: readonly HeaderMatchIr[];
  /** Of query parameters; of those that are given several times, the first counts. */
  readonly query?: readonly QueryMatchIr[];
  /** Each request draws one of a million lots, for all routes that ask: it must be lower than this. */
  readonly lotBelow?: number;
}

export type PathMatchIr =
  | { readonly type: 'any' }
  | { readonly type: 'exact' | 'prefix'; readonly value: string; readonly ignoreCase?: true }
  | { readonly type: 'regex'; readonly value: string }
  /** The path itself and what lies below it, by whole elements; without a slash at the end. */
  | { readonly type: 'separated-prefix'; readonly value: string }
  /** A CONNECT request, which has no path. */
  | { readonly type: 'connect' };

export interface HeaderMatchIr {
  /** Lower case; `:method`, `:scheme`, `:authority` and `:path` (with the query) for what is no header in HTTP/1. */
  readonly name: string;
  readonly value: ValueMatchIr;
  /** The header must not match, or be absent. */
  readonly invert?: true;
}

export interface QueryMatchIr {
  readonly name: string;
  readonly value: ValueMatchIr;
}

export type ValueMatchIr = StringMatchIr | { readonly type: 'present' };

export interface StringMatchIr {
  readonly type: 'exact' | 'prefix' | 'regex';
  readonly value: string;
  readonly ignoreCase?: true;
}
