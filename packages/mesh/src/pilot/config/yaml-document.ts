import type { PathPart } from '@lateen/api/field-path.ts';
import { messageOf } from '@lateen/api/lateen-error.ts';
import {
  type Alias,
  type Document,
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseAllDocuments,
  type Scalar,
  visit,
  type YAMLError,
} from 'yaml';

/** One document of a YAML or JSON text, still with the positions of everything in it. */
export type YamlDocument = {
  readonly document: Document.Parsed;
  /** The document's own text, to read it again when a line is asked for later. */
  readonly text: string;
  /** Number of lines in the file before that text. */
  readonly linesBefore: number;
  readonly lineAt: (offset: number) => number;
};

export type YamlProblem = { readonly duplicateKey: boolean; readonly message: string; readonly line: number };

/** Aliases may multiply the size of a document by this at most. */
const MAX_ALIAS_COUNT = 1000;
const MAX_PROBLEMS = 5;

const OPTIONS = {
  merge: true,
  stringKeys: true,
  // The library compares every key with all others, which takes minutes for a large mapping: see duplicateKeys.
  uniqueKeys: false,
  prettyErrors: false,
  // Warnings are read from the document; nothing is printed.
  logLevel: 'silent',
} as const;

export function readYaml(text: string): YamlDocument[] {
  return splitDocuments(text).flatMap(({ text: part, linesBefore }) => readPart(part, linesBefore));
}

/**
 * Splits at the `---` lines, which YAML allows nowhere inside of a document: so a quote that is not closed spoils its own
 * document only. A part can hold further documents, after `...`, or none.
 */
export function splitDocuments(text: string): { readonly text: string; readonly linesBefore: number }[] {
  const starts = [0];
  for (const { index } of text.matchAll(/^---(?=[ \t\r\n]|$)/gm)) {
    // Directives and comments in front belong to the document that follows.
    if (!isPreamble(text, starts.at(-1) ?? 0, index)) starts.push(index);
  }
  let linesBefore = 0;
  return starts.map((start, index) => {
    const part = { text: text.slice(start, starts[index + 1]), linesBefore };
    linesBefore += countLines(part.text);
    return part;
  });
}

function isPreamble(text: string, start: number, end: number): boolean {
  for (let at = start; at < end; ) {
    const newline = text.indexOf('\n', at);
    const lineEnd = newline === -1 || newline > end ? end : newline;
    if (!/^\uFEFF?(?:[#%].*|\s*)$/.test(text.slice(at, lineEnd))) return false;
    at = lineEnd + 1;
  }
  return true;
}

function countLines(text: string): number {
  let count = 0;
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) count++;
  return count;
}

export function readPart(part: string, linesBefore: number): YamlDocument[] {
  const lines = new LineCounter();
  const documents = parseAllDocuments<Node, true>(part, { ...OPTIONS, lineCounter: lines });
  if (!Array.isArray(documents)) return [];
  const lineAt = (offset: number) => linesBefore + lines.linePos(Math.min(offset, part.length)).line;
  return (documents as Document.Parsed[])
    .filter(({ contents, errors }) => errors.length > 0 || !(contents === null || isEmptyScalar(contents)))
    .map((document) => {
      const [start, , end] = document.range;
      return { document, text: part.slice(start, end), linesBefore: lineAt(start) - 1, lineAt };
    });
}

function isEmptyScalar(node: unknown): boolean {
  return isScalar(node) && node.value === null;
}

/** The document as plain data, or why it cannot be one. */
export function dataOf({ document, lineAt }: YamlDocument): { value?: unknown; problem?: string; line?: number } {
  try {
    return { value: document.toJS({ maxAliasCount: MAX_ALIAS_COUNT }) as unknown };
  } catch (error) {
    const message = messageOf(error);
    if (message.startsWith('Excessive alias')) return { problem: 'the aliases of the document expand to too much' };
    const dangling = danglingAlias(document);
    if (dangling === undefined) return { problem: lowerFirst(message) };
    const { source, range } = dangling;
    return { problem: `there is no anchor &${source} before the alias *${source}`, line: lineAt(range?.[0] ?? 0) };
  }
}

/** The first one whose anchor does not stand before it. */
function danglingAlias(document: Document.Parsed): Alias | undefined {
  let found: Alias | undefined;
  visit(document, {
    Alias(_, alias) {
      if (alias.resolve(document) !== undefined) return undefined;
      found = alias;
      return visit.BREAK;
    },
  });
  return found;
}

function lowerFirst(message: string): string {
  return message.charAt(0).toLowerCase() + message.slice(1);
}

/** What is wrong with the text. After the first error the others are mostly its consequences, so they are left out. */
export function problemsOf(source: YamlDocument): YamlProblem[] {
  const { errors, warnings } = source.document;
  const [error] = [...errors, ...warnings];
  if (error === undefined) return duplicateKeys(source);
  const offset = error.code === 'MISSING_CHAR' ? (lastQuote(source) ?? error.pos[0]) : error.pos[0];
  return [{ duplicateKey: false, message: plainWords(error), line: source.lineAt(offset) }];
}

function duplicateKeys({ document, lineAt }: YamlDocument): YamlProblem[] {
  const problems: YamlProblem[] = [];
  visit(document, {
    Map(_, { items }) {
      const seen = new Set<string>();
      for (const { key } of items) {
        if (!isScalar(key)) continue;
        const name = String(key.value);
        if (seen.has(name)) {
          const message = `the key '${name.slice(0, 60)}' appears twice in this mapping`;
          problems.push({ duplicateKey: true, message, line: lineAt(key.range?.[0] ?? 0) });
        }
        seen.add(name);
      }
      return problems.length >= MAX_PROBLEMS ? visit.BREAK : undefined;
    },
  });
  return problems.slice(0, MAX_PROBLEMS);
}

/** Where a quote that is not closed starts: it takes in the rest of the document. */
function lastQuote({ document }: YamlDocument): number | undefined {
  let offset: number | undefined;
  visit(document, {
    Scalar(_, scalar) {
      if (scalar.type === 'QUOTE_DOUBLE' || scalar.type === 'QUOTE_SINGLE') offset = scalar.range?.[0];
    },
  });
  return offset;
}

function plainWords({ code, message }: YAMLError): string {
  switch (code) {
    case 'MISSING_CHAR':
      return message.includes('quote') ? 'a quote that starts here is not closed' : lowerFirst(message);
    case 'TAB_AS_INDENT':
      return 'a tab is used to indent: use spaces';
    case 'BLOCK_AS_IMPLICIT_KEY':
      return "a second ': ' in one line: put the value in quotes, or the inner key on a line of its own";
    case 'NON_STRING_KEY':
      return 'the key of a mapping must be plain text';
    case 'RESOURCE_EXHAUSTION':
      return 'the document is nested too deeply';
    case 'MULTILINE_IMPLICIT_KEY':
      return "a key must be on one line: is a ':' missing?";
    default:
      return lowerFirst(message);
  }
}

/**
 * Line in the file of what stands at the path, or of the nearest thing around it that exists. The path may lead on into
 * a text that is YAML itself, as in a ConfigMap.
 */
export function lineOfPath({ document, lineAt }: YamlDocument, path: readonly PathPart[]): number {
  let node: unknown = document.contents;
  let offset = isNode(node) ? (node.range?.[0] ?? document.range[0]) : document.range[0];
  for (const [index, part] of path.entries()) {
    if (isAlias(node)) node = node.resolve(document);
    if (isMap(node)) {
      const pair: Pair<unknown, unknown> | undefined = node.items.find(
        ({ key }) => (isScalar(key) ? String(key.value) : String(key)) === String(part),
      );
      if (pair === undefined) break;
      if (isNode(pair.key)) offset = pair.key.range?.[0] ?? offset;
      node = pair.value;
    } else if (isSeq(node) && typeof part === 'number') {
      node = node.items[part];
      if (!isNode(node)) break;
      offset = node.range?.[0] ?? offset;
    } else {
      if (isBlock(node)) return lineInBlock(node, lineAt, path.slice(index));
      break;
    }
  }
  return lineAt(offset);
}

/** A text written after `|`: the only sort whose lines are lines of the file, each for each. */
function isBlock(node: unknown): node is Scalar<string> & { range: [number, number, number] } {
  return isScalar(node) && node.type === 'BLOCK_LITERAL' && typeof node.value === 'string' && node.range != null;
}

function lineInBlock(
  block: Scalar<string> & { range: [number, number, number] },
  lineAt: (offset: number) => number,
  path: readonly PathPart[],
): number {
  const header = lineAt(block.range[0]);
  const inner = readYaml(block.value)[0];
  return inner === undefined ? header : header + lineOfPath(inner, path);
}

/** Line in the file of a line, counted from 1, of the text at the path; that of the text where its lines are not kept. */
export function lineInText({ document, ...source }: YamlDocument, path: readonly PathPart[], line: number): number {
  const node: unknown = document.getIn(path, true);
  return isBlock(node) ? source.lineAt(node.range[0]) + line : lineOfPath({ document, ...source }, path);
}
