import {
  type DescEnum,
  type DescField,
  type DescMessage,
  fromBinary,
  isFieldSet,
  type JsonObject,
  type JsonValue,
  type Message,
  type MessageShape,
  type Registry,
  ScalarType,
  toJson,
} from '@bufbuild/protobuf';
import { type Any, AnySchema } from '@bufbuild/protobuf/wkt';

export interface PrintOptions {
  /** Show fields that Envoy's API marks as sensitive (private keys, tickets, passwords). Default false: never printed. */
  showSecrets?: boolean;
}

export const REDACTED = '[redacted]';

/** Well-known types with a JSON form of their own. */
export const SPECIAL_JSON =
  /^google\.protobuf\.(Duration|Timestamp|FieldMask|Struct|Value|ListValue|(Double|Float|U?Int(32|64)|Bool|String|Bytes)Value)$/;

interface Printer {
  registry: Registry;
  showSecrets: boolean;
}

/**
 * Proto3's JSON form (https://protobuf.dev/programming-guides/json) with Envoy's own field names (snake case), every
 * Any expanded. An Any of a type that we do not have, or whose bytes do not parse, keeps its bytes in base64 in `value`.
 */
export function printMessage(
  registry: Registry,
  schema: DescMessage,
  message: Message,
  options: PrintOptions = {},
): JsonValue {
  return printAny(schema, message, { registry, showSecrets: options.showSecrets ?? false });
}

function printAny(schema: DescMessage, message: Message, printer: Printer): JsonValue {
  if (schema.typeName === AnySchema.typeName) return expandAny(message as Any, printer);
  if (SPECIAL_JSON.test(schema.typeName)) return toJson(schema, message as MessageShape<DescMessage>);
  const out: JsonObject = {};
  for (const field of schema.fields) {
    if (!isFieldSet(message as MessageShape<DescMessage>, field)) continue;
    const value = printField(field, storedValue(message, field), printer);
    const isSecret = field.proto.options?.debugRedact === true && !printer.showSecrets;
    out[field.name] = isSecret ? redact(value) : value;
  }
  return out;
}

function storedValue(message: Message, field: DescField): unknown {
  const fields = message as unknown as Record<string, unknown>;
  if (field.oneof === undefined) return fields[field.localName];
  return (fields[field.oneof.localName] as { value?: unknown } | undefined)?.value;
}

function printField(field: DescField, value: unknown, printer: Printer): JsonValue {
  switch (field.fieldKind) {
    case 'list':
      return (value as unknown[]).map((item) => printValue(field, item, printer));
    case 'map': {
      const entries = Object.entries(value as Record<string, unknown>).sort(([a], [b]) => (a < b ? -1 : 1));
      return Object.fromEntries(entries.map(([key, item]) => [key, printValue(field, item, printer)]));
    }
    default:
      return printValue(field, value, printer);
  }
}

function printValue(field: DescField, value: unknown, printer: Printer): JsonValue {
  if (field.message !== undefined) {
    // The runtime holds wrappers as bare scalars and a Struct as plain JSON; both print as they are.
    const isMessage = typeof value === 'object' && value !== null && '$typeName' in value;
    if (isMessage) return printAny(field.message, value as unknown as Message, printer);
    return printScalar(field.message.fields[0]?.scalar, value);
  }
  return field.enum === undefined ? printScalar(field.scalar, value) : printEnum(field.enum, value as number);
}

function printScalar(type: ScalarType | undefined, value: unknown): JsonValue {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (typeof value === 'bigint') return value.toString();
  if ((type === ScalarType.FLOAT || type === ScalarType.DOUBLE) && !Number.isFinite(value)) return String(value);
  return value as JsonValue;
}

function printEnum(type: DescEnum, value: number): JsonValue {
  if (type.typeName === 'google.protobuf.NullValue') return null;
  return type.value[value]?.name ?? value;
}

function expandAny(any: Any, printer: Printer): JsonValue {
  if (any.typeUrl === '') return {};
  const typeName = any.typeUrl.slice(any.typeUrl.lastIndexOf('/') + 1);
  const schema = printer.registry.getMessage(typeName);
  const inner = schema === undefined ? undefined : parse(schema, any.value);
  if (schema === undefined || inner === undefined) {
    const value = Buffer.from(any.value).toString('base64');
    return { '@type': any.typeUrl, value };
  }
  const json = printAny(schema, inner, printer);
  const isWrapped = SPECIAL_JSON.test(typeName) || typeName === AnySchema.typeName;
  return isWrapped ? { '@type': any.typeUrl, value: json } : { '@type': any.typeUrl, ...(json as JsonObject) };
}

function parse(schema: DescMessage, bytes: Uint8Array): Message | undefined {
  try {
    return fromBinary(schema, bytes);
  } catch {
    return undefined;
  }
}

/** Keeps the structure and file names, which help to find a mistake, and hides what could be the secret itself. */
function redact(value: JsonValue): JsonValue {
  if (value === null || typeof value !== 'object') return REDACTED;
  if (Array.isArray(value)) return value.map(redact);
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [
      key,
      key === 'filename' && typeof item === 'string' ? item : redact(item),
    ]),
  );
}
