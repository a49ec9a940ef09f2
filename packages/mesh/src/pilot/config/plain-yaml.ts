import { scalarOf, UNUSUAL, unescaped } from './plain-scalar.ts';

/**
 * Reads YAML as most manifests are written: block mappings and lists, flow collections on one line, scalars on one line,
 * and texts after `|`. For all else, and for all that might be wrong, there is the library, which also knows positions:
 * whatever this reads means the same there (`plain-yaml.test.ts` holds that up), and costs a twentieth of the time.
 */

export type PlainYaml = {
  /** Undefined if there is nothing but comments. */
  readonly value?: unknown;
  /** Where the value begins, counted from 1. */
  readonly line: number;
};

type Fields = Record<string, unknown>;

const MAX_DEPTH = 64;
/** Characters that mean something else in some place, or that the library has rules of its own for. */
const UNUSUAL_CHARACTERS = /(?!\n)[\p{Cc}\u2028\u2029\ufeff]/u;
const MAX_KEY_LENGTH = 256;

const SPACE = 0x20;
const NEWLINE = 0x0a;
const HASH = 0x23;
const DASH = 0x2d;
const COLON = 0x3a;
const COMMA = 0x2c;
const DOUBLE_QUOTE = 0x22;
const SINGLE_QUOTE = 0x27;
const BACKSLASH = 0x5c;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;
const OPEN_MAP = 0x7b;
const CLOSE_MAP = 0x7d;
const PIPE = 0x7c;

/** What no plain scalar starts with here. YAML allows some of them, if no space follows. */
const INDICATORS = new Set([...',[]{}#&*!|>\'"%@`?:'].map((each) => each.charCodeAt(0)));

/** One document, which may begin with `---`. Undefined: it is for the library. */
export function readPlainYaml(text: string): PlainYaml | undefined {
  if (UNUSUAL_CHARACTERS.test(text)) return undefined;
  try {
    return new Reader(text).document();
  } catch (error) {
    if (error === UNUSUAL) return undefined;
    throw error;
  }
}

class Reader {
  readonly #text: string;
  /** Where to read on. At the start of a node: its first character. */
  #at = 0;
  /** Column of that character, if it is the first one of its line or follows dashes; -1 at the end of the text. */
  #column = 0;
  #depth = 0;

  constructor(text: string) {
    this.#text = text;
  }

  document(): PlainYaml {
    this.#toContent();
    if (this.#column === 0 && this.#text.startsWith('---', this.#at)) {
      this.#at += 3;
      this.#endLine();
    }
    const line = countLines(this.#text, this.#at) + 1;
    if (this.#column === -1) return { line };
    const value = this.#block();
    if (this.#column !== -1) throw UNUSUAL;
    return { value, line };
  }

  /** From the start of a line, or from within, to the first content from there on. */
  #toContent(): void {
    const text = this.#text;
    let at = this.#at;
    for (;;) {
      const lineStart = at;
      while (text.charCodeAt(at) === SPACE) at++;
      const code = text.charCodeAt(at);
      if (code === HASH) {
        at = text.indexOf('\n', at);
        if (at === -1) at = text.length;
      } else if (code !== NEWLINE && at < text.length) {
        this.#at = at;
        this.#column = at - lineStart;
        return;
      }
      if (at >= text.length) {
        this.#at = text.length;
        this.#column = -1;
        return;
      }
      at++;
    }
  }

  /** After a node: nothing may follow it in its line but a comment. */
  #endLine(): void {
    if (!this.#isLineEnd()) throw UNUSUAL;
    this.#toNextLine();
  }

  #toNextLine(): void {
    const end = this.#text.indexOf('\n', this.#at);
    this.#at = end === -1 ? this.#text.length : end + 1;
    this.#toContent();
  }

  /** Whether nothing but a comment follows in the line. Moves to the comment, if there is one. */
  #isLineEnd(): boolean {
    const text = this.#text;
    const start = this.#at;
    let at = start;
    while (text.charCodeAt(at) === SPACE) at++;
    this.#at = at;
    const code = text.charCodeAt(at);
    return at >= text.length || code === NEWLINE || (code === HASH && at > start);
  }

  #isDash(at: number): boolean {
    return this.#text.charCodeAt(at) === DASH && this.#isBlank(at + 1);
  }

  #isBlank(at: number): boolean {
    const code = this.#text.charCodeAt(at);
    return code === SPACE || code === NEWLINE || at >= this.#text.length;
  }

  #block(): unknown {
    if (++this.#depth > MAX_DEPTH) throw UNUSUAL;
    const value = this.#isDash(this.#at) ? this.#list(this.#column) : this.#map(this.#column);
    this.#depth--;
    return value;
  }

  #list(column: number): unknown[] {
    const list: unknown[] = [];
    while (this.#column === column && this.#isDash(this.#at)) {
      const dash = this.#at++;
      if (this.#isLineEnd()) {
        this.#toNextLine();
        list.push(this.#column > column ? this.#block() : null);
      } else if (this.#isDash(this.#at) || this.#isKey()) {
        this.#column = column + this.#at - dash;
        list.push(this.#block());
      } else {
        list.push(this.#inline(column));
      }
      if (this.#column > column) throw UNUSUAL;
    }
    return list;
  }

  #map(column: number): Fields {
    const map: Fields = {};
    while (this.#column === column && !this.#isDash(this.#at)) {
      const key = this.#key(map);
      // The colon, and what has to follow it.
      if (this.#text.charCodeAt(this.#at) !== COLON || !this.#isBlank(this.#at + 1)) throw UNUSUAL;
      this.#at++;
      if (this.#isLineEnd()) {
        this.#toNextLine();
        if (this.#column > column) map[key] = this.#block();
        else map[key] = this.#column === column && this.#isDash(this.#at) ? this.#list(column) : null;
      } else {
        map[key] = this.#inline(column);
      }
      if (this.#column > column) throw UNUSUAL;
    }
    return map;
  }

  /** Whether the line goes on with the key of a mapping. */
  #isKey(): boolean {
    const text = this.#text;
    let at = this.#at;
    const first = text.charCodeAt(at);
    if (first === OPEN_LIST || first === OPEN_MAP) return false;
    if (first === DOUBLE_QUOTE || first === SINGLE_QUOTE) {
      this.#quoted();
      const isKey = text.charCodeAt(this.#at) === COLON;
      this.#at = at;
      return isKey;
    }
    for (; ; at++) {
      const code = text.charCodeAt(at);
      if (code === COLON && this.#isBlank(at + 1)) return true;
      if (code === NEWLINE || at >= text.length || (code === HASH && text.charCodeAt(at - 1) === SPACE)) return false;
    }
  }

  /** In a mapping of its own lines. */
  #key(map: Fields): string {
    const text = this.#text;
    const start = this.#at;
    const first = text.charCodeAt(start);
    if (first === DOUBLE_QUOTE || first === SINGLE_QUOTE) return checkKey(this.#quoted(), map);
    this.#checkStart(start);
    let at = start;
    for (; ; at++) {
      const code = text.charCodeAt(at);
      if (code === COLON && this.#isBlank(at + 1)) break;
      if (code === NEWLINE || at >= text.length || (code === HASH && text.charCodeAt(at - 1) === SPACE)) throw UNUSUAL;
    }
    this.#at = at;
    return checkKey(text.slice(start, at), map);
  }

  #checkStart(at: number): void {
    const code = this.#text.charCodeAt(at);
    if (INDICATORS.has(code) || this.#isDash(at)) throw UNUSUAL;
    // These end documents.
    if (this.#column === 0 && (this.#text.startsWith('...', at) || this.#text.startsWith('---', at))) throw UNUSUAL;
  }

  /** What stands after a key or a dash; the node around it is in `column`. Moves to the content after it. */
  #inline(column: number): unknown {
    const text = this.#text;
    const code = text.charCodeAt(this.#at);
    let value: unknown;
    if (code === DOUBLE_QUOTE || code === SINGLE_QUOTE) value = this.#quoted();
    else if (code === OPEN_LIST || code === OPEN_MAP) value = this.#flow();
    else if (code === PIPE) return this.#literal(column);
    else {
      const start = this.#at;
      if (INDICATORS.has(code) || this.#isDash(start)) throw UNUSUAL;
      let at = start;
      let end = start;
      for (; ; at++) {
        const each = text.charCodeAt(at);
        if (each === NEWLINE || at >= text.length) break;
        if (each === SPACE) continue;
        if (each === HASH && text.charCodeAt(at - 1) === SPACE) break;
        if (each === COLON && this.#isBlank(at + 1)) throw UNUSUAL;
        end = at + 1;
      }
      this.#at = end;
      value = scalarOf(text.slice(start, end));
    }
    this.#endLine();
    return value;
  }

  /** On one line; moves behind the closing quote. */
  #quoted(): string {
    const text = this.#text;
    const quote = text.charCodeAt(this.#at);
    const start = this.#at + 1;
    let isEscaped = false;
    for (let at = start; ; at++) {
      const code = text.charCodeAt(at);
      if (code === NEWLINE || at >= text.length) throw UNUSUAL;
      if (code === BACKSLASH && quote === DOUBLE_QUOTE) {
        isEscaped = true;
        at++;
      } else if (code === quote) {
        if (quote === SINGLE_QUOTE && text.charCodeAt(at + 1) === SINGLE_QUOTE) {
          isEscaped = true;
          at++;
          continue;
        }
        this.#at = at + 1;
        const inner = text.slice(start, at);
        if (!isEscaped) return inner;
        return quote === SINGLE_QUOTE ? inner.replaceAll("''", "'") : inner.replace(/\\./g, unescaped);
      }
    }
  }

  /** A collection in brackets, on one line; moves behind it. */
  #flow(): unknown {
    if (++this.#depth > MAX_DEPTH) throw UNUSUAL;
    const isList = this.#text.charCodeAt(this.#at) === OPEN_LIST;
    const close = isList ? CLOSE_LIST : CLOSE_MAP;
    const list: unknown[] = [];
    const map: Fields = {};
    this.#at++;
    for (;;) {
      this.#skipSpaces();
      if (this.#text.charCodeAt(this.#at) === close) break;
      if (isList) list.push(this.#flowValue());
      else {
        const isQuoted = this.#isQuote();
        const key = checkKey(isQuoted ? this.#quoted() : this.#flowPlain(), map);
        if (this.#text.charCodeAt(this.#at) !== COLON || !(isQuoted || this.#isBlank(this.#at + 1))) throw UNUSUAL;
        this.#at++;
        this.#skipSpaces();
        map[key] = this.#flowValue();
      }
      this.#skipSpaces();
      const next = this.#text.charCodeAt(this.#at);
      if (next === COMMA) this.#at++;
      else if (next !== close) throw UNUSUAL;
    }
    this.#at++;
    this.#depth--;
    return isList ? list : map;
  }

  #flowValue(): unknown {
    if (this.#isQuote()) return this.#quoted();
    const code = this.#text.charCodeAt(this.#at);
    if (code === OPEN_LIST || code === OPEN_MAP) return this.#flow();
    return scalarOf(this.#flowPlain());
  }

  #isQuote(): boolean {
    const code = this.#text.charCodeAt(this.#at);
    return code === DOUBLE_QUOTE || code === SINGLE_QUOTE;
  }

  #skipSpaces(): void {
    while (this.#text.charCodeAt(this.#at) === SPACE) this.#at++;
  }

  /** Up to what ends it between brackets. */
  #flowPlain(): string {
    const text = this.#text;
    const start = this.#at;
    const first = text.charCodeAt(start);
    if (INDICATORS.has(first) || this.#isDash(start)) throw UNUSUAL;
    let end = start;
    for (let at = start; ; at++) {
      const code = text.charCodeAt(at);
      if (code === NEWLINE || at >= text.length) throw UNUSUAL;
      if (code === SPACE) continue;
      if (code === HASH && text.charCodeAt(at - 1) === SPACE) throw UNUSUAL;
      if (isFlowIndicator(code)) break;
      if (code === COLON && (this.#isBlank(at + 1) || isFlowIndicator(text.charCodeAt(at + 1)))) break;
      end = at + 1;
    }
    // A dash alone is the start of a list for some, and nothing at all is null.
    if (end === start || (first === DASH && end === start + 1)) throw UNUSUAL;
    this.#at = end;
    this.#skipSpaces();
    if (this.#at > end && text.charCodeAt(this.#at) === COLON) throw UNUSUAL;
    return text.slice(start, end);
  }

  /** A text after `|`; moves to the content after it. */
  #literal(column: number): string {
    const text = this.#text;
    this.#at++;
    const strips = text.charCodeAt(this.#at) === DASH;
    if (strips) this.#at++;
    this.#skipSpaces();
    if (text.charCodeAt(this.#at) !== NEWLINE) throw UNUSUAL;
    let at = this.#at + 1;
    let indent = -1;
    const lines: string[] = [];
    let used = 0;
    while (at < text.length) {
      let content = at;
      while (text.charCodeAt(content) === SPACE) content++;
      let end = text.indexOf('\n', content);
      if (end === -1) end = text.length;
      if (content === end) {
        // Spaces alone may belong to the text.
        if (indent === -1 ? content > at : content - at > indent) throw UNUSUAL;
        lines.push('');
      } else {
        if (indent === -1) {
          if (content - at <= column) break;
          indent = content - at;
        } else if (content - at < indent) break;
        lines.push(text.slice(at + indent, end));
        used = lines.length;
      }
      at = end + 1;
    }
    this.#at = Math.min(at, text.length);
    this.#toContent();
    // A text that ends with the file, or has nothing in it.
    if (used === 0) throw UNUSUAL;
    return lines.slice(0, used).join('\n') + (strips ? '' : '\n');
  }
}

function isFlowIndicator(code: number): boolean {
  return code === COMMA || code === CLOSE_LIST || code === CLOSE_MAP || code === OPEN_LIST || code === OPEN_MAP;
}

function checkKey(key: string, map: Fields): string {
  const isSpecial =
    key === '' || key === '<<' || key === '__proto__' || key.endsWith(' ') || key.length > MAX_KEY_LENGTH;
  if (isSpecial || Object.hasOwn(map, key)) throw UNUSUAL;
  return key;
}

function countLines(text: string, end: number): number {
  let count = 0;
  for (let at = text.indexOf('\n'); at !== -1 && at < end; at = text.indexOf('\n', at + 1)) count++;
  return count;
}
