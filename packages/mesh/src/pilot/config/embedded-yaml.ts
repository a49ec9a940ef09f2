import type { PathPart } from '@lateen/api/field-path.ts';
import { type Finding, validateAgainst } from '@lateen/api/validate.ts';
import type * as z from 'zod/mini';
import { dataOf, problemsOf, readYaml } from './yaml-document.ts';

/** What a text in YAML inside of an object says. */
export type EmbeddedReading<T> = {
  /** Undefined if something is wrong. */
  readonly value?: T;
  /** The paths start at the object. */
  readonly errors: readonly Finding[];
  readonly warnings: readonly Finding[];
  /** What is wrong with the text itself, with the line in it, counted from 1. */
  readonly problems: readonly { readonly message: string; readonly line: number }[];
};

/** Reads the text at `at`, which is one document of the schema; of an empty text the empty object. */
export function readEmbedded<T extends object>(
  schema: z.ZodMiniType<T>,
  text: string,
  at: readonly PathPart[],
): EmbeddedReading<T> {
  const [source, second] = readYaml(text);
  if (source === undefined) return { value: {} as T, errors: [], warnings: [], problems: [] };
  const problems = [...problemsOf(source)];
  const { value, problem } = dataOf(source);
  if (problems.length === 0 && problem !== undefined) {
    problems.push({ duplicateKey: false, message: problem, line: 1 });
  } else if (problems.length === 0 && second !== undefined) {
    const message = 'a second document: there can be only one here';
    problems.push({ duplicateKey: false, message, line: second.linesBefore + 1 });
  }
  if (problems.length > 0) return { errors: [], warnings: [], problems };
  const { object, errors, warnings } = validateAgainst(schema, value);
  const placed = (findings: readonly Finding[]) => findings.map((each) => ({ ...each, path: [...at, ...each.path] }));
  return {
    ...(object === undefined ? {} : { value: object }),
    errors: placed(errors),
    warnings: placed(warnings),
    problems: [],
  };
}
