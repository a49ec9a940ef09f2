/** Envoy's JSON, of which only the parts that are shown are known. */

export function fieldOf(value: unknown, ...path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (at, field) =>
      typeof at === 'object' && at !== null && Object.hasOwn(at, field) ? Reflect.get(at, field) : undefined,
    value,
  );
}

export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

export function textOf(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? String(value) : '';
}

/** `127.0.0.1:9080` of an Address; the path of a Unix socket. */
export function addressText(address: unknown): string {
  const socket = fieldOf(address, 'socket_address');
  if (socket === undefined) return textOf(fieldOf(address, 'pipe', 'path'));
  const host = textOf(fieldOf(socket, 'address'));
  return `${host.includes(':') ? `[${host}]` : host}:${textOf(fieldOf(socket, 'port_value')) || '0'}`;
}

/** The first and how many more: lists of names are long, and alike. */
export function shortList(values: readonly unknown[]): string {
  const [first, ...more] = values.map(textOf);
  return more.length === 0 ? (first ?? '') : `${first} +${more.length}`;
}

/** Whether an Any is of a type, given without its package. */
export function isType(config: unknown, type: string): boolean {
  return textOf(fieldOf(config, '@type')).endsWith(`.${type}`);
}
