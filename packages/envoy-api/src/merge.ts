import { type DescField, type DescMessage, fromBinary, type JsonObject, type Message } from '@bufbuild/protobuf';
import { type Any, AnySchema } from '@bufbuild/protobuf/wkt';
import { packAny } from './encode.ts';
import type { WrittenMessage } from './parse.ts';

type Fields = Record<string, unknown>;

/**
 * `target` with what was written put into it, by the rules of protobuf: single values are replaced, messages merged field
 * by field, lists appended, entries of maps replaced. Other than there, zero counts where it was written; what has one
 * value in JSON (a duration, a wrapped number) is replaced as one; and an Any is merged with one of the same type, and
 * replaced otherwise. Neither argument is changed.
 */
export function mergeMessage<M extends Message>(target: M, { schema, message, fields }: WrittenMessage): M {
  const merged = Object.assign(Object.create(Object.getPrototypeOf(target)), target) as Fields;
  for (const [name, written] of fields) {
    const field = schema.fields.find((each) => each.name === name);
    if (field === undefined) continue;
    const value = heldIn(message, field);
    if (value !== undefined) store(merged, field, mergeField(field, heldIn(target, field), value, written));
  }
  return merged as M;
}

/** An Any with what was written for one. */
export function mergeAny(target: Any, written: WrittenMessage): Any {
  if (!isOfType(target, written.schema)) return packAny(written.schema, written.message as never);
  return packAny(written.schema, mergeMessage(fromBinary(written.schema, target.value), written) as never);
}

export function isOfType({ typeUrl }: Any, { typeName }: DescMessage): boolean {
  return typeUrl.slice(typeUrl.lastIndexOf('/') + 1) === typeName;
}

function mergeField(field: DescField, target: unknown, value: unknown, written: WrittenMessage | undefined): unknown {
  if (target === undefined) return value;
  switch (field.fieldKind) {
    case 'list':
      return [...(target as unknown[]), ...(value as unknown[])];
    case 'map':
      return { ...(target as Fields), ...(value as Fields) };
    case 'message':
      if (field.message.typeName === 'google.protobuf.Struct') {
        return { ...(target as JsonObject), ...(value as JsonObject) };
      }
      if (written === undefined) return value;
      if (field.message.typeName === AnySchema.typeName) return mergeAny(target as Any, written);
      return mergeMessage(target as Message, written);
    default:
      return value;
  }
}

function heldIn(message: Message, field: DescField): unknown {
  const fields = message as unknown as Fields;
  if (field.oneof === undefined) return fields[field.localName];
  const group = fields[field.oneof.localName] as { case?: string; value?: unknown };
  return group.case === field.localName ? group.value : undefined;
}

function store(fields: Fields, field: DescField, value: unknown): void {
  if (field.oneof === undefined) fields[field.localName] = value;
  else fields[field.oneof.localName] = { case: field.localName, value };
}
