import {
  create,
  type DescField,
  type DescMessage,
  fromJson,
  type JsonObject,
  type JsonValue,
  type Message,
  type Registry,
  ScalarType,
} from '@bufbuild/protobuf';
import { type Any, AnySchema } from '@bufbuild/protobuf/wkt';
import { packAny } from './encode.ts';
import { SPECIAL_JSON } from './print.ts';

/** Something in a JSON value that Envoy's API does not have. */
export interface ValueProblem {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/**
 * A message together with what was written: proto3 itself cannot tell a field that is set to zero from one that was left
 * out, but who merges a value into another must.
 */
export interface WrittenMessage<M extends Message = Message> {
  readonly schema: DescMessage;
  readonly message: M;
  /** The fields that were written, by name. A field that holds one message (or an Any of one) has what was written in it. */
  readonly fields: ReadonlyMap<string, WrittenMessage | undefined>;
}

export interface ParseOptions {
  readonly registry: Registry;
  /** Put behind the message about an unknown word: `, did you mean 'x'?` */
  readonly hint?: (word: string, known: Iterable<string>) => string;
}

/**
 * Reads proto3's JSON form (https://protobuf.dev/programming-guides/json), in which Envoy's configuration is written:
 * field names in snake case or camel case, `typed_config` with its `@type`. A field that is null counts as left out. The
 * message is complete only if there are no problems.
 */
export function parseMessage(
  schema: DescMessage,
  value: unknown,
  { registry, hint = () => '' }: ParseOptions,
): { readonly written: WrittenMessage; readonly problems: readonly ValueProblem[] } {
  const problems: ValueProblem[] = [];
  const written = readMessage(schema, value, [], { registry, hint, problems });
  return { written: written ?? { schema, message: create(schema), fields: new Map() }, problems };
}

type Path = readonly (string | number)[];

interface Reading extends Required<ParseOptions> {
  readonly problems: ValueProblem[];
}

/** As deep as the runtime reads the wire format; with it, Envoy's own limit. */
const MAX_DEPTH = 100;

function readMessage(schema: DescMessage, value: unknown, path: Path, reading: Reading): WrittenMessage | undefined {
  if (path.length > MAX_DEPTH) {
    reading.problems.push({ path, message: 'is nested too deeply' });
    return undefined;
  }
  if (!isObject(value)) {
    reading.problems.push({ path, message: `expected a mapping (${schema.typeName}), got ${describe(value)}` });
    return undefined;
  }
  const message = create(schema);
  const fields = new Map<string, WrittenMessage | undefined>();
  for (const [key, item] of Object.entries(value)) {
    const at = [...path, key];
    const field = fieldOf(schema, key);
    if (field === undefined) {
      const known = schema.fields.map(({ name }) => name);
      reading.problems.push({
        path: at,
        message: `unknown field '${key}' of ${schema.typeName}${reading.hint(key, known)}`,
      });
    } else if (item !== null || isJsonNull(field)) {
      const other = schema.fields.find((each) => fields.has(each.name) && isAlternative(each, field));
      if (other !== undefined) {
        const message = `${other.name} and ${field.name} exclude each other: set only one of the two`;
        reading.problems.push({ path: at, message });
      }
      fields.set(field.name, readField(message, field, item, at, reading));
    }
  }
  return { schema, message, fields };
}

function fieldOf(schema: DescMessage, key: string): DescField | undefined {
  // The generated descriptors leave out the JSON name where it is the usual one, which `localName` is as well.
  return schema.fields.find(({ name, jsonName, localName }) => name === key || jsonName === key || localName === key);
}

/** Another field, or the same once more in its other spelling. */
function isAlternative(a: DescField, b: DescField): boolean {
  return a === b || (a.oneof !== undefined && a.oneof === b.oneof);
}

function isJsonNull(field: DescField): boolean {
  return field.fieldKind === 'message' && field.message.typeName === 'google.protobuf.Value';
}

/** Sets one field of `message`. The result is what was written in it, if it is a message. */
function readField(
  message: Message,
  field: DescField,
  value: unknown,
  path: Path,
  reading: Reading,
): WrittenMessage | undefined {
  const inner = field.fieldKind === 'enum' || field.fieldKind === 'scalar' ? undefined : field.message;
  const read = inner === undefined || SPECIAL_JSON.test(inner.typeName) ? undefined : readerOf(inner);
  switch (field.fieldKind) {
    case 'list': {
      if (!Array.isArray(value)) {
        reading.problems.push({ path, message: `expected a list, got ${describe(value)}` });
        return undefined;
      }
      const items = value.map((item, index) =>
        read === undefined
          ? (readLeaf(field, [item], item, [...path, index], reading) as unknown[] | undefined)?.[0]
          : read(item, [...path, index], reading)?.stored,
      );
      store(message, field, items);
      return undefined;
    }
    case 'map': {
      if (!isObject(value)) {
        reading.problems.push({ path, message: `expected a mapping, got ${describe(value)}` });
        return undefined;
      }
      const entries = Object.entries(value).map(([key, item]) => {
        if (read !== undefined) return [key, read(item, [...path, key], reading)?.stored];
        const record = readLeaf(field, { [key]: item }, item, [...path, key], reading);
        return [key, (record as Record<string, unknown> | undefined)?.[key]];
      });
      store(message, field, Object.fromEntries(entries));
      return undefined;
    }
    default: {
      if (read === undefined) {
        const leaf = readLeaf(field, value, value, path, reading);
        if (leaf !== undefined) store(message, field, leaf);
        return undefined;
      }
      const result = read(value, path, reading);
      if (result !== undefined) store(message, field, result.stored);
      return result?.written;
    }
  }
}

interface ReadResult {
  /** As the field holds it. */
  readonly stored: Message;
  readonly written?: WrittenMessage;
}

function readerOf(schema: DescMessage): (value: unknown, path: Path, reading: Reading) => ReadResult | undefined {
  if (schema.typeName === AnySchema.typeName) return readAny;
  return (value, path, reading) => {
    const written = readMessage(schema, value, path, reading);
    return written === undefined ? undefined : { stored: written.message, written };
  };
}

/** Configuration of a type that is named elsewhere than in `@type`. Envoy takes it for that type; so does whoever merges. */
const TYPED_STRUCT = /^(?:udpa\.type\.v1|xds\.type\.v3)\.TypedStruct$/;

function readAny(value: unknown, path: Path, reading: Reading): ReadResult | undefined {
  if (!isObject(value)) {
    reading.problems.push({ path, message: `expected a mapping with @type, got ${describe(value)}` });
    return undefined;
  }
  const { '@type': type, ...rest } = value;
  const schema = typeNamed(type, [...path, '@type'], reading);
  if (schema === undefined) return undefined;
  if (TYPED_STRUCT.test(schema.typeName)) {
    const inner = typeNamed(rest.type_url ?? rest.typeUrl, [...path, 'type_url'], reading);
    return inner === undefined ? undefined : pack(readMessage(inner, rest.value ?? {}, [...path, 'value'], reading));
  }
  if (!SPECIAL_JSON.test(schema.typeName)) {
    return pack(readMessage(schema, rest, path, reading));
  }
  try {
    return { stored: packAny(schema, fromJson(schema, rest.value as JsonValue)) as Any };
  } catch {
    reading.problems.push({ path: [...path, 'value'], message: `expected ${formOf(schema)}` });
    return undefined;
  }
}

function pack(written: WrittenMessage | undefined): ReadResult | undefined {
  return written === undefined ? undefined : { stored: packAny(written.schema, written.message as never), written };
}

function typeNamed(type: unknown, path: Path, reading: Reading): DescMessage | undefined {
  if (typeof type !== 'string') {
    const message = type === undefined ? 'is required: it says which type the rest is of' : 'must be a string';
    reading.problems.push({ path, message });
    return undefined;
  }
  const name = type.slice(type.lastIndexOf('/') + 1);
  const schema = reading.registry.getMessage(name);
  if (schema === undefined) {
    const message = `this Envoy has no type ${name}${reading.hint(name, namesakes(name, reading.registry))}`;
    reading.problems.push({ path, message });
  }
  return schema;
}

/** Types of the same short name come first: the API's older versions had other packages. */
function namesakes(name: string, registry: Registry): string[] {
  const short = name.slice(name.lastIndexOf('.') + 1).toLowerCase();
  const all = [...registry].filter((each) => each.kind === 'message').map(({ typeName }) => typeName);
  const same = all.filter((each) => each.slice(each.lastIndexOf('.') + 1).toLowerCase() === short);
  return same.length > 0 ? same : all;
}

/** A value that the runtime can read by itself: `json` is what the whole field would hold, `shown` the value at fault. */
function readLeaf(field: DescField, json: unknown, shown: unknown, path: Path, reading: Reading): unknown {
  try {
    const alone = fromJson(field.parent, { [field.name]: json } as JsonObject) as unknown as Record<string, unknown>;
    if (field.oneof === undefined) return alone[field.localName];
    return (alone[field.oneof.localName] as { value?: unknown }).value;
  } catch {
    reading.problems.push({ path, message: `must be ${expected(field)}, not ${quote(shown)}` });
    return undefined;
  }
}

const MAX_CHOICES = 12;

function expected(field: DescField): string {
  if (field.enum !== undefined) {
    const names = field.enum.values.map(({ name }) => name);
    const shown = names.slice(0, MAX_CHOICES).join(', ');
    return `one of ${names.length > MAX_CHOICES ? `${shown}, ...` : shown}`;
  }
  if (field.message !== undefined) return formOf(field.message);
  return scalarForm(field.scalar);
}

function formOf(schema: DescMessage): string {
  switch (schema.typeName) {
    case 'google.protobuf.Duration':
      return 'a duration in seconds, such as 1.5s';
    case 'google.protobuf.Timestamp':
      return 'a time such as 2030-01-31T10:00:00Z';
    case 'google.protobuf.FieldMask':
      return 'names of fields with commas between';
    case 'google.protobuf.Struct':
      return 'a mapping';
    case 'google.protobuf.ListValue':
      return 'a list';
    case 'google.protobuf.Value':
      return 'a value';
    default:
      return scalarForm(schema.fields[0]?.scalar);
  }
}

function scalarForm(type: ScalarType | undefined): string {
  switch (type) {
    case ScalarType.STRING:
      return 'a string';
    case ScalarType.BOOL:
      return 'true or false';
    case ScalarType.BYTES:
      return 'bytes in base64';
    case ScalarType.FLOAT:
    case ScalarType.DOUBLE:
      return 'a number';
    case ScalarType.UINT32:
    case ScalarType.UINT64:
    case ScalarType.FIXED32:
    case ScalarType.FIXED64:
      return 'a whole number, not negative';
    default:
      return 'a whole number';
  }
}

function store(message: Message, field: DescField, value: unknown): void {
  const fields = message as unknown as Record<string, unknown>;
  if (field.oneof === undefined) fields[field.localName] = value;
  else fields[field.oneof.localName] = { case: field.localName, value };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function describe(value: unknown): string {
  if (value === null || value === undefined) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' ? 'a mapping' : quote(value);
}

const MAX_QUOTE = 60;

function quote(value: unknown): string {
  if (typeof value === 'object') return describe(value);
  const text = JSON.stringify(value) ?? String(value);
  return text.length > MAX_QUOTE ? `${text.slice(0, MAX_QUOTE)}...` : text;
}
