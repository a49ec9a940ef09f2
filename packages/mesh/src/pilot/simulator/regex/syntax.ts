import { type CharacterTest, caseFolded, classEscape, posixClass, rangeTest, unicodeClass } from './characters.ts';

/** A regular expression of RE2 (https://github.com/google/re2/wiki/Syntax) as a tree. */
export type RegexNode =
  | { readonly type: 'empty' }
  | { readonly type: 'character'; readonly test: CharacterTest }
  | { readonly type: 'assertion'; readonly holds: Assertion }
  | { readonly type: 'group'; readonly index: number; readonly inner: RegexNode }
  | { readonly type: 'sequence' | 'choice'; readonly parts: readonly RegexNode[] }
  | {
      readonly type: 'repeat';
      readonly inner: RegexNode;
      readonly least: number;
      /** Infinity: no limit. */
      readonly most: number;
      readonly greedy: boolean;
    };

export type Assertion = 'text-start' | 'text-end' | 'line-start' | 'line-end' | 'word-boundary' | 'no-word-boundary';

/** The syntax is RE2's, but what it asks for cannot be simulated, or RE2 itself would refuse it. */
export class RegexError extends Error {
  override readonly name = 'RegexError';
}

interface Flags {
  readonly ignoreCase: boolean;
  readonly multiLine: boolean;
  readonly dotAll: boolean;
  readonly ungreedy: boolean;
}

const NO_FLAGS: Flags = { ignoreCase: false, multiLine: false, dotAll: false, ungreedy: false };
const FLAG_NAMES: Readonly<Record<string, keyof Flags>> = {
  i: 'ignoreCase',
  m: 'multiLine',
  s: 'dotAll',
  U: 'ungreedy',
};
const MAX_REPEAT = 1000;
/** As RE2. */
const MAX_DEPTH = 1000;

/** The tree, and the number of groups. Throws RegexError. */
export function parseRegex(pattern: string): { readonly tree: RegexNode; readonly groups: number } {
  const parser = new Parser(pattern);
  const tree = parser.parseChoice(NO_FLAGS, 0);
  parser.expectEnd();
  return { tree, groups: parser.groups };
}

class Parser {
  groups = 0;
  readonly #text: readonly string[];
  #at = 0;

  constructor(pattern: string) {
    // Code points, not UTF-16: RE2 reads UTF-8.
    this.#text = [...pattern];
  }

  expectEnd(): void {
    if (this.#at < this.#text.length) throw new RegexError("a ')' without a '('");
  }

  /** Flags that are set in the middle of a group hold to its end, also behind a `|`. */
  parseChoice(outer: Flags, depth: number): RegexNode {
    if (depth > MAX_DEPTH) throw new RegexError('it is nested too deeply');
    let flags = outer;
    const branches: RegexNode[] = [];
    let parts: RegexNode[] = [];
    while (this.#at < this.#text.length && this.#peek() !== ')') {
      if (this.#takes('|')) {
        branches.push(sequence(parts));
        parts = [];
      } else if (this.#takes('\\Q')) {
        parts.push(...this.#literal(flags));
      } else {
        const set = this.#flags(flags);
        if (set !== undefined) flags = set;
        else parts.push(this.#repetition(this.#operand(flags, depth), flags));
      }
    }
    branches.push(sequence(parts));
    return branches.length === 1 ? sequence(parts) : { type: 'choice', parts: branches };
  }

  #peek(ahead = 0): string {
    return this.#text[this.#at + ahead] ?? '';
  }

  #next(): string {
    const char = this.#text[this.#at++];
    if (char === undefined) throw new RegexError('it ends too early');
    return char;
  }

  #rest(length: number): string {
    return this.#text.slice(this.#at, this.#at + length).join('');
  }

  #takes(text: string): boolean {
    const length = [...text].length;
    if (this.#rest(length) !== text) return false;
    this.#at += length;
    return true;
  }

  /** `(?i)`: undefined if no such group stands here. */
  #flags(flags: Flags): Flags | undefined {
    const set = /^\(\?([imsU]*)(?:-([imsU]+))?\)/.exec(this.#rest(16));
    if (set === null) return undefined;
    this.#at += set[0].length;
    return withFlags(flags, set[1], set[2]);
  }

  /** `\Q...\E` */
  #literal(flags: Flags): RegexNode[] {
    const nodes: RegexNode[] = [];
    while (this.#at < this.#text.length && !this.#takes('\\E')) nodes.push(character(this.#next(), flags));
    const last = nodes.pop();
    return last === undefined ? [] : [...nodes, this.#repetition(last, flags)];
  }

  #operand(flags: Flags, depth: number): RegexNode {
    const char = this.#next();
    switch (char) {
      case '(':
        return this.#group(flags, depth);
      case '[':
        return { type: 'character', test: this.#class(flags) };
      case '.':
        return { type: 'character', test: flags.dotAll ? () => true : (code) => code !== 10 };
      case '^':
        return { type: 'assertion', holds: flags.multiLine ? 'line-start' : 'text-start' };
      case '$':
        return { type: 'assertion', holds: flags.multiLine ? 'line-end' : 'text-end' };
      case '\\':
        return this.#escape(flags);
      case '*':
      case '+':
      case '?':
        throw new RegexError(`nothing to repeat before '${char}'`);
      default:
        return character(char, flags);
    }
  }

  #group(flags: Flags, depth: number): RegexNode {
    let inner = flags;
    let index: number | undefined;
    const opening = /^\?(?:P?<[A-Za-z_]\w*>|([imsU]*)(?:-([imsU]+))?:)/.exec(this.#rest(300));
    if (opening === null) {
      if (this.#peek() === '?') throw new RegexError(`the group '(${this.#rest(3)}' is not one of RE2`);
      index = ++this.groups;
    } else {
      this.#at += opening[0].length;
      if (opening[0].endsWith('>')) index = ++this.groups;
      else inner = withFlags(flags, opening[1], opening[2]);
    }
    const tree = this.parseChoice(inner, depth + 1);
    if (!this.#takes(')')) throw new RegexError("a '(' is not closed");
    return index === undefined ? tree : { type: 'group', index, inner: tree };
  }

  #repetition(operand: RegexNode, flags: Flags): RegexNode {
    const bounds = this.#bounds();
    if (bounds === undefined) return operand;
    const lazy = this.#takes('?');
    if (this.#bounds() !== undefined) throw new RegexError('it repeats a repetition');
    return { type: 'repeat', inner: operand, ...bounds, greedy: lazy === flags.ungreedy };
  }

  #bounds(): { least: number; most: number } | undefined {
    if (this.#takes('*')) return { least: 0, most: Number.POSITIVE_INFINITY };
    if (this.#takes('+')) return { least: 1, most: Number.POSITIVE_INFINITY };
    if (this.#takes('?')) return { least: 0, most: 1 };
    // As in Perl, a brace that does not start a repetition stands for itself.
    const braces = /^\{(\d+)(,(\d*))?\}/.exec(this.#rest(32));
    if (braces === null) return undefined;
    this.#at += braces[0].length;
    const least = Number(braces[1]);
    const most = braces[2] === undefined ? least : braces[3] === '' ? Number.POSITIVE_INFINITY : Number(braces[3]);
    if (least > MAX_REPEAT || (most > MAX_REPEAT && most !== Number.POSITIVE_INFINITY) || most < least) {
      throw new RegexError(`the bounds ${braces[0]} are not possible`);
    }
    return { least, most };
  }

  #escape(flags: Flags): RegexNode {
    const char = this.#peek();
    switch (char) {
      case 'A':
      case 'z':
      case 'b':
      case 'B':
        this.#at++;
        return { type: 'assertion', holds: ESCAPED_ASSERTIONS[char] };
      case 'C':
        throw new RegexError("'\\C' is a single byte, which cannot be told in text");
      default: {
        const test = this.#escapedClass();
        if (test !== undefined) return { type: 'character', test: flags.ignoreCase ? caseFolded(test) : test };
        return character(this.#escapedCharacter(), flags);
      }
    }
  }

  /** `\d`, `\pL`, `\p{Greek}`: undefined if it is another escape. */
  #escapedClass(): CharacterTest | undefined {
    const simple = classEscape(this.#peek());
    if (simple !== undefined) {
      this.#at++;
      return simple;
    }
    const unicode = /^([pP])(?:([A-Z])|\{(\^?)(\w+)\})/.exec(this.#rest(64));
    if (unicode === null) return undefined;
    this.#at += unicode[0].length;
    const test = unicodeClass(unicode[2] ?? unicode[4] ?? '');
    if (test === undefined) throw new RegexError(`there is no Unicode class '\\${unicode[0]}'`);
    const negated = (unicode[1] === 'P') !== (unicode[3] === '^');
    return negated ? (code) => !test(code) : test;
  }

  #escapedCharacter(): string {
    const char = this.#next();
    const control = CONTROLS[char];
    if (control !== undefined) return control;
    if (char === 'x') {
      const hex = /^(?:([0-9A-Fa-f]{2})|\{([0-9A-Fa-f]{1,6})\})/.exec(this.#rest(8));
      if (hex === null) throw new RegexError("'\\x' needs hexadecimal digits");
      this.#at += hex[0].length;
      const code = Number.parseInt(hex[1] ?? hex[2] ?? '', 16);
      if (code > 0x10ffff) throw new RegexError(`there is no character ${hex[0]}`);
      return String.fromCodePoint(code);
    }
    const octal = /^(?:0[0-7]{0,2}|[1-7][0-7]{1,2})/.exec(`${char}${this.#rest(2)}`);
    if (octal !== null) {
      this.#at += octal[0].length - 1;
      return String.fromCodePoint(Number.parseInt(octal[0], 8));
    }
    if (/[A-Za-z0-9]/.test(char)) throw new RegexError(`RE2 has no escape '\\${char}'`);
    return char;
  }

  #class(flags: Flags): CharacterTest {
    const negated = this.#takes('^');
    const tests: CharacterTest[] = [];
    for (let first = true; first || this.#peek() !== ']'; first = false) {
      const posix = /^\[:(\^?)([a-z]+):\]/.exec(this.#rest(16));
      if (posix !== null) {
        this.#at += posix[0].length;
        const test = posixClass(posix[2] ?? '');
        if (test === undefined) throw new RegexError(`there is no class '${posix[0]}'`);
        tests.push(posix[1] === '^' ? (code) => !test(code) : test);
        continue;
      }
      tests.push(this.#classItem());
    }
    this.#at++;
    const any: CharacterTest = (code) => tests.some((test) => test(code));
    const folded = flags.ignoreCase ? caseFolded(any) : any;
    return negated ? (code) => !folded(code) : folded;
  }

  #classItem(): CharacterTest {
    if (this.#peek() === '\\') {
      this.#at++;
      const test = this.#escapedClass();
      if (test !== undefined) return test;
      this.#at--;
    }
    const low = this.#classCharacter();
    if (this.#peek() !== '-' || this.#peek(1) === ']' || this.#peek(1) === '') return rangeTest(low, low);
    this.#at++;
    const high = this.#classCharacter();
    if (high < low) throw new RegexError('a range has its bounds the wrong way round');
    return rangeTest(low, high);
  }

  #classCharacter(): number {
    const char = this.#next();
    return (char === '\\' ? this.#escapedCharacter() : char).codePointAt(0) ?? 0;
  }
}

const ESCAPED_ASSERTIONS = { A: 'text-start', z: 'text-end', b: 'word-boundary', B: 'no-word-boundary' } as const;

const CONTROLS: Readonly<Record<string, string>> = {
  a: '\u0007',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
};

function withFlags(flags: Flags, set = '', unset = ''): Flags {
  const changed = { ...flags };
  for (const name of set) changed[FLAG_NAMES[name] ?? 'dotAll'] = true;
  for (const name of unset) changed[FLAG_NAMES[name] ?? 'dotAll'] = false;
  return changed;
}

function character(char: string, { ignoreCase }: Flags): RegexNode {
  const code = char.codePointAt(0) ?? 0;
  const test = rangeTest(code, code);
  return { type: 'character', test: ignoreCase ? caseFolded(test) : test };
}

function sequence(parts: readonly RegexNode[]): RegexNode {
  const [only, second] = parts;
  if (only === undefined) return { type: 'empty' };
  return second === undefined ? only : { type: 'sequence', parts: [...parts] };
}
