import { UsageError } from '../command.ts';
import { findKind, type KindNames, kindNames, parseKindAndName, podNames } from '../kind-names.ts';

export interface Selection {
  readonly parts: readonly SelectionPart[];
  /** One object was named, so it is printed as itself and not as a list of one. */
  readonly single: boolean;
}

export interface SelectionPart {
  readonly kind: KindNames;
  /** Undefined for all of them. */
  readonly names: readonly string[] | undefined;
}

/** `KIND`, `KIND,KIND`, `all`, `KIND NAME...`, `KIND/NAME...`. Throws `UsageError`. */
export function parseSelection(words: readonly string[]): Selection {
  const [first = '', ...names] = words;
  if (words.some((word) => word.includes('/'))) {
    const parts = words.map((word) => {
      const { kind, name } = parseKindAndName(word);
      return { kind, names: [name] };
    });
    return { parts, single: parts.length === 1 };
  }
  const kinds = first
    .split(',')
    .flatMap((word) => (word.toLowerCase() === 'all' ? [podNames, ...kindNames] : [findKind(word)]));
  if (names.length > 0 && kinds.length > 1) {
    throw new UsageError('Names can follow one kind only.', 'Write KIND/NAME for each object.');
  }
  return {
    parts: kinds.map((kind) => ({ kind, names: names.length === 0 ? undefined : names })),
    single: names.length === 1,
  };
}
