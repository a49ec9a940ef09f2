import { type Captures, findMatch, matchesWhole } from './match.ts';
import { compileRegex, type Instruction } from './program.ts';
import { parseRegex } from './syntax.ts';

export { RegexError } from './syntax.ts';

/** A regular expression with the meaning that it has in RE2, the engine in Envoy. */
export class Regex {
  readonly pattern: string;
  readonly #program: readonly Instruction[];
  readonly #slots: number;
  /** The whole pattern, if it is plain text: most are compared far more often than they need an engine. */
  readonly #literal: string | undefined;

  /** Throws RegexError. */
  constructor(pattern: string) {
    this.pattern = pattern;
    const { tree, groups } = parseRegex(pattern);
    this.#program = compileRegex(tree);
    this.#slots = (groups + 1) * 2;
    this.#literal = /^[\w/-]*$/.test(pattern) ? pattern : undefined;
  }

  /** Whether all of the text matches (`RE2::FullMatch`), as Envoy's matchers ask. */
  matches(text: string): boolean {
    return this.#literal === undefined ? matchesWhole(this.#program, codePoints(text)) : text === this.#literal;
  }

  /**
   * Replaces each match (`RE2::GlobalReplace`); `\1` in the substitution is the first group, `\0` all of the match.
   * An empty match right behind another match does not count.
   */
  replaceAll(text: string, substitution: string): string {
    const codes = codePoints(text);
    let out = '';
    let lastEnd = -1;
    let at = 0;
    while (at <= codes.length) {
      const captures = findMatch(this.#program, codes, at, this.#slots);
      if (captures === undefined) break;
      const [start = 0, end = 0] = captures;
      out += textOf(codes, at, start);
      if (start === end && start === lastEnd) {
        out += textOf(codes, start, start + 1);
        at = start + 1;
        continue;
      }
      out += expand(substitution, codes, captures);
      at = end;
      lastEnd = end;
    }
    return out + textOf(codes, at, codes.length);
  }
}

function expand(substitution: string, codes: readonly number[], captures: Captures): string {
  return substitution.replace(/\\(\d|\\)/g, (_, what: string) => {
    if (what === '\\') return '\\';
    const group = Number(what) * 2;
    return textOf(codes, captures[group] ?? -1, captures[group + 1] ?? -1);
  });
}

function textOf(codes: readonly number[], start: number, end: number): string {
  return start < 0 || end <= start ? '' : String.fromCodePoint(...codes.slice(start, end));
}

function codePoints(text: string): number[] {
  const codes: number[] = [];
  for (let at = 0; at < text.length; at++) {
    const code = text.codePointAt(at) ?? 0;
    if (code > 0xffff) at++;
    codes.push(code);
  }
  return codes;
}
