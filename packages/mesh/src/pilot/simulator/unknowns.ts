import { type DescMessage, isFieldSet, type MessageShape } from '@bufbuild/protobuf';
import type { Unknown } from '@lateen/api/verdict.ts';

/**
 * Fields of a message that are set and that the simulator does not know: they come from an EnvoyFilter, or from a
 * translator that learned something new. Whatever decides nothing about a call belongs to the known ones too.
 */
export function unknownFields<Desc extends DescMessage>(
  schema: Desc,
  message: MessageShape<Desc>,
  known: ReadonlySet<string>,
  where: string,
): Unknown[] {
  return schema.fields
    .filter((field) => !known.has(field.name) && isFieldSet(message, field))
    .map((field) => ({ what: `${schema.name}.${field.name}`, where }));
}

/** One thing can stand in the way several times. */
export function distinct(unknowns: readonly Unknown[]): Unknown[] {
  const seen = new Set<string>();
  return unknowns.filter(({ what, where }) => {
    const key = `${what} ${where}`;
    return !seen.has(key) && seen.add(key) !== undefined;
  });
}
