/** Reads plain data strictly: a misspelt expectation would be one that is never checked. */

export type Read<T> = (value: unknown, where: string) => T;

/** The fields of an object that may have these keys and no others. */
export function fieldsOf<K extends string>(
  value: unknown,
  where: string,
  keys: readonly K[],
): Partial<Record<K, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Error(`${where} must be a mapping`);
  for (const key of Object.keys(value)) {
    if (!(keys as readonly string[]).includes(key)) {
      throw new Error(`${where} has the unknown field ${key}; it may have ${keys.join(', ')}`);
    }
  }
  return value as Partial<Record<K, unknown>>;
}

export function listOf<T>(value: unknown, where: string, read: Read<T>): T[] {
  if (!Array.isArray(value)) throw new Error(`${where} must be a list`);
  return value.map((item, i) => read(item, `${where}[${i}]`));
}

export function mapOf<T>(value: unknown, where: string, read: Read<T>): Map<string, T> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Error(`${where} must be a mapping`);
  return new Map(Object.entries(value).map(([key, item]) => [key, read(item, `${where}.${key}`)]));
}

export function text(value: unknown, where: string): string {
  if (typeof value !== 'string') throw new Error(`${where} must be text`);
  return value;
}

export function count(value: unknown, where: string): number {
  if (!Number.isInteger(value) || (value as number) < 0) throw new Error(`${where} must be a whole number`);
  return value as number;
}

export function yes(value: unknown, where: string): true {
  if (value !== true) throw new Error(`${where} can only be true`);
  return true;
}

export function oneOf<T extends string>(...allowed: readonly T[]): Read<T> {
  return (value, where) => {
    if (!(allowed as readonly unknown[]).includes(value)) throw new Error(`${where} must be ${allowed.join(' or ')}`);
    return value as T;
  };
}

/** At least, at most. */
export function bounds(value: unknown, where: string): readonly [number, number] {
  const [low, high] = Array.isArray(value) ? value : [];
  if (typeof low !== 'number' || typeof high !== 'number' || low > high) {
    throw new Error(`${where} must be [least, most]`);
  }
  return [low, high];
}

/** Leaves out what was not given: `exactOptionalPropertyTypes` tells absent from undefined. */
export function optionalField<K extends string, T>(
  key: K,
  value: unknown,
  where: string,
  read: Read<T>,
): { readonly [key in K]?: T } {
  return value === undefined ? {} : ({ [key]: read(value, `${where}.${key}`) } as { readonly [key in K]?: T });
}

/** `2026-11-23T08:00:00Z`, in milliseconds since the epoch. */
export function instant(value: unknown, where: string): number {
  const ms = Date.parse(text(value, where));
  if (Number.isNaN(ms)) throw new Error(`${where} must be a time such as 2026-11-23T08:00:00Z`);
  return ms;
}
