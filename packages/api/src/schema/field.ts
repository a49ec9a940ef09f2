/**
 * The words in which configuration kinds are written. Each field of an object is one of four things:
 *
 *     required(type, 'what it is')      must be there
 *     optional(type, 'what it is')      may be there
 *     later(type, 'what it belongs to') a known field that Lateen does not act on yet: setting it is refused
 *     clusterOnly(type, 'why')          accepted; has no meaning for processes on one machine
 *
 * Underneath they are zod schemas, so the static types come from `z.infer`. What zod has no place for (support level,
 * description, OpenAPI details) is kept beside the schema and read through `schema/node.ts`.
 */
import * as z from 'zod/mini';

// Compiling each object schema with `new Function` costs more at start than it saves for files of this size.
z.config({ jitless: true });

export type Support =
  | { readonly level: 'later'; readonly reason: string }
  | { readonly level: 'clusterOnly'; readonly reason: string };

export type LaterKeys = {
  /** As the reference names them. */
  readonly keys: string;
  readonly is: (key: string) => boolean;
  readonly reason: string;
};

/** Tells a problem with the object that a rule looks at; the path is relative to that object. */
export type Report = (message: string, path?: readonly (string | number)[]) => void;

export type Facts = {
  readonly description?: string;
  readonly support?: Support;
  /** The parser sets the field when it is left out, so that it is always there. */
  readonly filledIn?: boolean;
  /** For `later` fields: values that mean the same as leaving the field out, so setting them is fine. */
  readonly harmless?: readonly unknown[];
  /** Values that are known but not supported yet, with what they belong to. */
  readonly laterValues?: Readonly<Record<string, string>>;
  /** For maps: keys that are known but not supported yet. */
  readonly laterKeys?: LaterKeys;
  /** Merged into the OpenAPI schema of this value. */
  readonly openapi?: Readonly<Record<string, unknown>>;
  /** For texts with a syntax: completes "expected ...", and tells whether a text has it. */
  readonly syntax?: { readonly what: string; readonly valid: (text: string) => boolean };
  /** No message may quote the value. */
  readonly secret?: boolean;
  /** Groups of fields of which at most one (or exactly one) may be set. */
  readonly oneOf?: readonly { readonly fields: readonly string[]; readonly needed: boolean }[];
  /** Says what is allowed but has no effect. */
  readonly advice?: (value: never, report: Report) => void;
};

const factsBySchema = new WeakMap<object, Facts>();

/** What is known of a schema beside its type. */
export function factsOf(schema: object): Facts {
  return factsBySchema.get(schema) ?? {};
}

/** A copy of the schema with more facts; the original, which other fields may share, stays as it is. */
export function annotate<S extends z.core.$ZodType>(schema: S, facts: Facts): S {
  const copy = z.clone(schema);
  factsBySchema.set(copy, { ...factsOf(schema), ...facts });
  return copy;
}

export function required<S extends z.core.$ZodType>(schema: S, description: string): S {
  return annotate(schema, { description });
}

export function optional<S extends z.core.$ZodType>(schema: S, description: string): z.ZodMiniExactOptional<S> {
  return field(schema, { description });
}

/** `harmless` lists values beside `false` and the empty list that mean the same as leaving the field out. */
export function later<S extends z.core.$ZodType>(
  schema: S,
  reason: string,
  harmless: readonly unknown[] = [],
): z.ZodMiniExactOptional<S> {
  return field(schema, { support: { level: 'later', reason }, harmless });
}

export function clusterOnly<S extends z.core.$ZodType>(schema: S, reason: string): z.ZodMiniExactOptional<S> {
  return field(schema, { support: { level: 'clusterOnly', reason } });
}

/** A map in which these keys are refused for now. */
export function laterKeys<S extends z.core.$ZodType>(schema: S, keys: LaterKeys): S {
  return annotate(schema, { laterKeys: keys });
}

function field<S extends z.core.$ZodType>(schema: S, facts: Facts): z.ZodMiniExactOptional<S> {
  const wrapped = z.exactOptional(schema);
  factsBySchema.set(wrapped, facts);
  return wrapped;
}

type Shape = Readonly<Record<string, z.core.$ZodType>>;
type ObjectSchema<S extends Shape> = z.ZodMiniObject<{ -readonly [Name in keyof S]: S[Name] }, z.core.$strict>;
type Value<S extends Shape> = z.infer<ObjectSchema<S>>;
type Names<S extends Shape> = readonly (keyof S & string)[];

export type ObjectRules<S extends Shape> = {
  /** Of these fields one and only one must be set. */
  readonly exactlyOne?: Names<S>;
  /** For each of the groups: at most one of the fields may be set. */
  readonly atMostOne?: readonly Names<S>[];
  /** What fields must have to do with each other. Runs only when every field by itself is right. */
  readonly rules?: (value: Value<S>, report: Report) => void;
  /** What is allowed but has no effect: becomes a warning. */
  readonly advice?: (value: Value<S>, report: Report) => void;
};

/** An object with these fields and no others. */
export function object<S extends Shape>(shape: S, options: ObjectRules<S> = {}): ObjectSchema<S> {
  const { exactlyOne, atMostOne = [], rules, advice } = options;
  const groups = [
    ...(exactlyOne === undefined ? [] : [{ fields: exactlyOne, needed: true }]),
    ...atMostOne.map((fields) => ({ fields, needed: false })),
  ];
  const plain = z.strictObject(shape) as unknown as ObjectSchema<S>;
  const schema =
    groups.length === 0 && rules === undefined
      ? plain
      : plain.check((context) => {
          const report: Report = (message, path = []) => {
            context.issues.push({
              code: 'custom',
              input: context.value,
              path: [...path],
              message,
              params: { rule: true },
            });
          };
          const value = context.value as Value<S>;
          for (const group of groups) checkGroup(group, value, report);
          rules?.(value, report);
        });
  factsBySchema.set(schema, {
    ...(groups.length > 0 && { oneOf: groups }),
    ...(advice !== undefined && { advice: advice as (value: never, report: Report) => void }),
  });
  return schema;
}

function checkGroup(group: { fields: readonly string[]; needed: boolean }, value: object, report: Report): void {
  const set = group.fields.filter((name) => Object.hasOwn(value, name));
  if (set.length > 1) {
    report(`${list(set, 'and')} exclude each other: set only one of ${list(group.fields, 'and')}`, [set[1] ?? '']);
  } else if (set.length === 0 && group.needed) {
    report(`one of ${list(group.fields, 'or')} must be set`);
  }
}

/** Calls `found` for each element with a key that an earlier one has already. Elements without key do not count. */
export function forEachRepeated<T>(
  elements: readonly T[],
  keyOf: (element: T) => string | undefined,
  found: (element: T, index: number) => void,
): void {
  const seen = new Set<string>();
  elements.forEach((element, index) => {
    const key = keyOf(element);
    if (key === undefined) return;
    if (seen.has(key)) found(element, index);
    seen.add(key);
  });
}

/** `a, b and c` */
export function list(words: readonly string[], conjunction: 'and' | 'or'): string {
  const last = words.at(-1) ?? '';
  return words.length < 2 ? last : `${words.slice(0, -1).join(', ')} ${conjunction} ${last}`;
}

/** A leaf: `problem` says what is wrong with a value of the right type, as a sentence without subject ("must be ..."). */
export function checked<S extends z.ZodMiniType>(
  schema: S,
  problem: (value: z.output<S>) => string | undefined,
  openapi: Readonly<Record<string, unknown>> = {},
): S {
  const copy = schema.check((context) => {
    const message = problem(context.value as z.output<S>);
    if (message !== undefined) {
      context.issues.push({ code: 'custom', input: context.value, path: [], message, params: {} });
    }
  });
  const facts = factsOf(schema);
  factsBySchema.set(copy, { ...facts, openapi: { ...facts.openapi, ...openapi } });
  return copy;
}
