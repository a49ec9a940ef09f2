import {
  create,
  type DescField,
  type DescMessage,
  type JsonObject,
  type JsonValue,
  type Message,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf';
import { type Any, AnySchema } from '@bufbuild/protobuf/wkt';

type Fields = Record<string, unknown>;

/**
 * The wire format of `message`, the same bytes for equal content: maps (and the keys of a `google.protobuf.Struct`)
 * are written in the order of their keys, not in the order in which they were filled. The message is not changed.
 */
export function encode<Desc extends DescMessage>(schema: Desc, message: MessageShape<Desc>): Uint8Array<ArrayBuffer> {
  return toBinary(schema, sorted(schema, message));
}

/** `message` as a `google.protobuf.Any` with the type URL that Envoy expects, deterministic as `encode` is. */
export function packAny<Desc extends DescMessage>(schema: Desc, message: MessageShape<Desc>): Any {
  return create(AnySchema, { typeUrl: typeUrl(schema), value: encode(schema, message) });
}

/** `type.googleapis.com/<full name>`: the name of the type in xDS and in every Any. */
export function typeUrl(schema: DescMessage): string {
  return `type.googleapis.com/${schema.typeName}`;
}

/** The message itself when every map in it is in order already, else a copy of the parts that are not. */
function sorted<Desc extends DescMessage>(schema: Desc, message: MessageShape<Desc>): MessageShape<Desc> {
  let copy: Fields | undefined;
  for (const field of fieldsWithMaps(schema)) {
    const { source, key } = storageOf(field, message);
    const value = source?.[key];
    if (value === undefined) continue;
    const inOrder = sortedField(field, value);
    if (inOrder === value) continue;
    copy ??= Object.assign(Object.create(Object.getPrototypeOf(message)), message) as Fields;
    if (field.oneof === undefined) copy[key] = inOrder;
    else copy[field.oneof.localName] = { case: field.localName, value: inOrder };
  }
  return (copy ?? message) as MessageShape<Desc>;
}

function storageOf(field: DescField, message: Message): { source: Fields | undefined; key: string } {
  const fields = message as unknown as Fields;
  if (field.oneof === undefined) return { source: fields, key: field.localName };
  const group = fields[field.oneof.localName] as { case?: string; value?: unknown } | undefined;
  return { source: group?.case === field.localName ? group : undefined, key: 'value' };
}

function sortedField(field: DescField, value: unknown): unknown {
  switch (field.fieldKind) {
    case 'message':
      return sortedMessage(field.message, value);
    case 'list': {
      const { message } = field;
      return message === undefined ? value : mapList(value as unknown[], (item) => sortedMessage(message, item));
    }
    case 'map': {
      const { message } = field;
      return sortedRecord(value as Fields, message === undefined ? same : (item) => sortedMessage(message, item));
    }
    default:
      return value;
  }
}

/** A Struct in a field is held as plain JSON; as a message of its own it is a map of values. */
function sortedMessage(schema: DescMessage, value: unknown): unknown {
  const isMessage = typeof value === 'object' && value !== null && '$typeName' in value;
  if (schema.typeName === 'google.protobuf.Struct' && !isMessage) return sortedJson(value as JsonObject);
  return isMessage ? sorted(schema, value as MessageShape<DescMessage>) : value;
}

function sortedJson(value: JsonValue): JsonValue {
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) return mapList(value, sortedJson);
  return sortedRecord(value, (item) => sortedJson(item as JsonValue)) as JsonObject;
}

function mapList<T>(list: T[], change: (item: T) => unknown): T[] {
  let copy: T[] | undefined;
  for (const [index, item] of list.entries()) {
    const changed = change(item) as T;
    if (changed === item) continue;
    copy ??= [...list];
    copy[index] = changed;
  }
  return copy ?? list;
}

function sortedRecord(record: Fields, change: (item: unknown) => unknown): Fields {
  const keys = Object.keys(record);
  let isSame = keys.every((key, index) => index === 0 || precedes(keys[index - 1] as string, key));
  if (!isSame) keys.sort((a, b) => (a < b ? -1 : 1));
  const entries = keys.map((key): [string, unknown] => {
    const changed = change(record[key]);
    if (changed !== record[key]) isSame = false;
    return [key, changed];
  });
  return isSame ? record : Object.fromEntries(entries);
}

const INTEGER = /^(0|[1-9]\d{0,9})$/;
const MAX_ARRAY_INDEX = 2 ** 32 - 2;

/** Objects list array indices first, by value, whatever the order of insertion; that order is as stable as ours. */
function precedes(a: string, b: string): boolean {
  return a < b || (INTEGER.test(a) && Number(a) <= MAX_ARRAY_INDEX);
}

function same(value: unknown): unknown {
  return value;
}

const mapFields = new WeakMap<DescMessage, readonly DescField[]>();

/** The fields of a message type below which a map or a Struct can occur; all others need no look. */
function fieldsWithMaps(schema: DescMessage): readonly DescField[] {
  let fields = mapFields.get(schema);
  if (fields === undefined) {
    fields = schema.fields.filter((field) => canHoldMap(field, new Set()));
    mapFields.set(schema, fields);
  }
  return fields;
}

function canHoldMap(field: DescField, visited: Set<DescMessage>): boolean {
  if (field.fieldKind === 'map') return true;
  const message = field.fieldKind === 'message' || field.fieldKind === 'list' ? field.message : undefined;
  if (message === undefined || visited.has(message)) return false;
  visited.add(message);
  return message.fields.some((inner) => canHoldMap(inner, visited));
}
