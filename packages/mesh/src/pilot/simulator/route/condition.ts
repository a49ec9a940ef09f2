import type { RoutedRequest } from '../http/request.ts';
import type { Undecidable } from './string-match.ts';

/** One condition of a route, made ready to be asked often. */
export interface Condition {
  /** What it wants, in words: `path starting with "/a"`. */
  readonly words: string;
  /** Undefined where it holds; else why not, in words. */
  readonly check: (request: RoutedRequest) => string | Undecidable | undefined;
}

export function undecidableCondition(what: string): Condition {
  const answer: Undecidable = { undecidable: what };
  return { words: what, check: () => answer };
}
