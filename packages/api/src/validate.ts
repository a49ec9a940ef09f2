import type * as z from 'zod/mini';
import type { DiagnosticCode } from './diagnostic-codes.ts';
import type { PathPart } from './field-path.ts';
import type { ConfigObject, Kind } from './kinds.ts';
import { list } from './schema/field.ts';
import { type Node, nodeAt, nodeOf } from './schema/node.ts';
import { quickCheckOf } from './schema/quick-check.ts';
import { quote } from './schema/values.ts';
import { didYouMean, suggest } from './suggest.ts';

/** Something found in one object; the path starts at the object. */
export type Finding = { readonly code: DiagnosticCode; readonly path: readonly PathPart[]; readonly message: string };

export type Validation<T = ConfigObject> = {
  /** Undefined if there are errors. Null fields are left out; otherwise as given. */
  readonly object?: T;
  readonly errors: readonly Finding[];
  readonly warnings: readonly Finding[];
};

/** Checks a whole object. `value` has the kind's first apiVersion, and a namespace where the kind has one. */
export function validate(kind: Kind, value: unknown): Validation {
  return validateAgainst(kind.schema as z.ZodMiniType<ConfigObject>, value);
}

/** Checks a value that is written in the words of a schema, but is no object of its own. */
export function validateAgainst<T>(schema: z.ZodMiniType<T>, value: unknown): Validation<T> {
  const node = nodeOf(schema);
  const unsupported: Finding[] = [];
  const clean = inspect(node, value, [], unsupported);
  const invalid = quickCheckOf(schema)(clean) ? [] : invalidOf(schema, node, clean);
  const hidden = unsupported.slice(0, 100);
  // What lies inside of an unsupported field is not worth a message of its own.
  const errors = [...unsupported, ...invalid.filter(({ path }) => !hidden.some((each) => startsWith(path, each.path)))];
  if (errors.length > 0) return { errors: errors.filter((each) => !isMisspelt(each, errors)), warnings: [] };
  const warnings: Finding[] = [];
  advise(node, clean, [], warnings);
  return { object: clean as T, errors, warnings };
}

function invalidOf(schema: z.ZodMiniType, node: Node, value: unknown): Finding[] {
  const result = schema.safeParse(value);
  return result.success ? [] : findingsOf(result.error.issues as z.core.$ZodIssue[], node, value);
}

/** A field that is missing because it stands beside, misspelt: the one message about the spelling says it all. */
function isMisspelt({ code, path }: Finding, errors: readonly Finding[]): boolean {
  if (code !== 'LAT0112') return false;
  return errors.some(
    (other) =>
      other.code === 'LAT0110' &&
      other.path.length === path.length &&
      startsWith(other.path, path.slice(0, -1)) &&
      suggest(String(other.path.at(-1)), [String(path.at(-1))]) !== undefined,
  );
}

function startsWith(path: readonly PathPart[], start: readonly PathPart[]): boolean {
  return start.length <= path.length && start.every((part, index) => part === path[index]);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * The value without null fields, which mean in Kubernetes that the field is not set; itself if it has none. On the way it
 * notes the fields and values that are not supported yet, and keys that could reach the prototype of an object.
 *
 * @param path where the value stands; grows and shrinks on the way
 */
function inspect(node: Node, value: unknown, path: PathPart[], found: Finding[]): unknown {
  const { support, harmless = [], laterValues } = node.facts;
  if (support?.level === 'later') {
    const unset = value === false || (Array.isArray(value) && value.length === 0) || harmless.includes(value);
    if (!unset) found.push({ code: 'LAT0115', path: [...path], message: `is not supported yet (${support.reason})` });
    return value;
  }
  if (laterValues !== undefined && Object.hasOwn(laterValues, String(value))) {
    const message = `the value ${value} is not supported yet (${laterValues[String(value)]})`;
    found.push({ code: 'LAT0116', path: [...path], message });
    return value;
  }
  if (node.type === 'list' && Array.isArray(value)) return inspectList(node.element, value, path, found);
  if ((node.type !== 'object' && node.type !== 'map') || !isRecord(value)) return value;
  return inspectFields(node, value, path, found);
}

function inspectList(element: Node, list: readonly unknown[], path: PathPart[], found: Finding[]): readonly unknown[] {
  let copy: unknown[] | undefined;
  for (const [index, each] of list.entries()) {
    path.push(index);
    const clean = inspect(element, each, path, found);
    path.pop();
    if (clean !== each) copy ??= list.slice(0, index);
    copy?.push(clean);
  }
  return copy ?? list;
}

function inspectFields(
  node: Node & { type: 'object' | 'map' },
  fields: Record<string, unknown>,
  path: PathPart[],
  found: Finding[],
): Record<string, unknown> {
  const { laterKeys } = node.facts;
  const changed = new Map<string, unknown>();
  for (const name of Object.keys(fields)) {
    const field = fields[name];
    if (name === '__proto__') {
      found.push({ code: 'LAT0110', path: [...path, name], message: "unknown field '__proto__'" });
      changed.set(name, undefined);
      continue;
    }
    const below = node.type === 'map' ? node.value : node.fields.get(name);
    if (field === null && below !== undefined && node.type === 'object') {
      changed.set(name, undefined);
      continue;
    }
    if (laterKeys?.is(name) === true) {
      const message = `is not supported yet (${laterKeys.reason})`;
      found.push({ code: 'LAT0115', path: [...path, name], message });
    }
    if (below === undefined) continue;
    path.push(name);
    const clean = inspect(below, field, path, found);
    path.pop();
    if (clean !== field) changed.set(name, clean);
  }
  if (changed.size === 0) return fields;
  const kept = Object.entries(fields).filter(([name]) => !changed.has(name) || changed.get(name) !== undefined);
  return Object.fromEntries(kept.map(([name, field]) => [name, changed.get(name) ?? field]));
}

const advising = new WeakMap<Node, boolean>();

/** Whether there is advice for something in it. */
function canAdvise(node: Node): boolean {
  let known = advising.get(node);
  if (known === undefined) {
    known = node.facts.advice !== undefined || childrenOf(node).some(canAdvise);
    advising.set(node, known);
  }
  return known;
}

function childrenOf(node: Node): readonly Node[] {
  if (node.type === 'object') return [...node.fields.values()];
  if (node.type === 'list') return [node.element];
  return node.type === 'map' ? [node.value] : [];
}

function advise(node: Node, value: unknown, path: readonly PathPart[], found: Finding[]): void {
  if (!canAdvise(node)) return;
  node.facts.advice?.(value as never, (message, below = []) => {
    found.push({ code: 'LAT0130', path: [...path, ...below], message });
  });
  if (node.type === 'list' && Array.isArray(value)) {
    value.forEach((element, index) => {
      advise(node.element, element, [...path, index], found);
    });
  } else if ((node.type === 'object' || node.type === 'map') && isRecord(value)) {
    for (const [name, field] of Object.entries(value)) {
      const below = node.type === 'map' ? node.value : node.fields.get(name);
      if (below !== undefined) advise(below, field, [...path, name], found);
    }
  }
}

function findingsOf(issues: readonly z.core.$ZodIssue[], root: Node, value: unknown): Finding[] {
  return issues.flatMap((issue): Finding[] => {
    const path = issue.path as PathPart[];
    switch (issue.code) {
      case 'unrecognized_keys':
        return issue.keys.map((key) => ({
          code: 'LAT0110',
          path: [...path, key],
          message: unknownField(root, path, key),
        }));
      case 'invalid_key':
        return [{ code: 'LAT0113', path, message: `the key ${issue.issues[0]?.message ?? 'is not valid'}` }];
      case 'custom':
        return [{ code: issue.params?.rule === true ? 'LAT0114' : 'LAT0113', path, message: issue.message }];
      case 'invalid_value':
      case 'invalid_type':
      case 'invalid_union':
        return [typeFinding(path, nodeAt(root, path), valueAt(value, path))];
      default:
        return [{ code: 'LAT0113', path, message: issue.message }];
    }
  });
}

function unknownField(root: Node, path: readonly PathPart[], key: string): string {
  const node = nodeAt(root, path);
  if (node?.type !== 'object') return `unknown field '${key}'`;
  for (const [name, field] of node.fields) {
    const inner = field.type === 'list' ? field.element : field;
    if (inner.type === 'object' && inner.fields.has(key) && field.facts.support === undefined) {
      return `unknown field '${key}' here; it belongs under '${name}'`;
    }
  }
  return `unknown field '${key}'${didYouMean(key, node.fields.keys())}`;
}

function valueAt(value: unknown, path: readonly PathPart[]): { present: boolean; value?: unknown } {
  let current = value;
  for (const part of path) {
    if (typeof current !== 'object' || current === null || !Object.hasOwn(current, part)) return { present: false };
    current = (current as Record<PathPart, unknown>)[part];
  }
  return { present: true, value: current };
}

const TYPE_WORDS: Record<Node['type'], string> = {
  object: 'a mapping',
  map: 'a mapping',
  list: 'a list',
  enum: 'a string',
  string: 'a string',
  number: 'a number',
  boolean: 'true or false',
  portOrName: 'a number or a string',
  anything: 'a value',
};

function typeFinding(
  path: readonly PathPart[],
  node: Node | undefined,
  at: { present: boolean; value?: unknown },
): Finding {
  if (!at.present) return { code: 'LAT0112', path, message: 'is required, but missing' };
  if (node?.type === 'enum' && typeof at.value === 'string') {
    const { laterValues = {} } = node.facts;
    const supported = node.values.filter((value) => value !== '' && !Object.hasOwn(laterValues, value));
    const suggestion = didYouMean(at.value, node.values);
    return { code: 'LAT0113', path, message: `must be ${list(supported, 'or')}, not ${quote(at.value)}${suggestion}` };
  }
  const quoted = hint(node, at.value);
  const wanted = (quoted === '' ? node?.facts.syntax?.what : undefined) ?? TYPE_WORDS[node?.type ?? 'anything'];
  return { code: 'LAT0111', path, message: `expected ${wanted}, got ${describe(at.value)}${quoted}` };
}

function describe(value: unknown): string {
  if (value === null || value === undefined) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'string') return 'a string';
  if (typeof value === 'number') return Number.isFinite(value) ? 'a number' : `${value}`;
  return typeof value === 'boolean' ? `${value}` : 'a mapping';
}

function hint(node: Node | undefined, value: unknown): string {
  if (node?.facts.secret === true) return ': put it in quotes';
  const isScalar = typeof value === 'number' || typeof value === 'boolean';
  const syntax = node?.facts.syntax;
  if (syntax !== undefined && !syntax.valid(String(value))) return '';
  if ((node?.type === 'string' || node?.type === 'enum') && isScalar) return `: put it in quotes, '${value}'`;
  if (node?.type === 'number' && typeof value === 'string' && /^\d+$/.test(value)) return ': leave out the quotes';
  if (node?.type === 'boolean' && typeof value === 'string' && /^(true|false)$/i.test(value))
    return ': leave out the quotes';
  if (node?.type === 'list' && isRecord(value)) return ": start each element with '- '";
  if (node?.type === 'object' && Array.isArray(value)) return ": remove the '- ' at its start";
  return '';
}
