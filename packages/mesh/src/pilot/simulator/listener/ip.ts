/** The 32 or 128 bits of an IP address; undefined if the text is none. */
export interface IpAddress {
  readonly bits: 32 | 128;
  readonly value: bigint;
}

export function parseIp(text: string): IpAddress | undefined {
  const v4 = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text);
  if (v4 !== null) {
    const bytes = v4.slice(1).map(Number);
    if (bytes.some((byte) => byte > 255)) return undefined;
    return { bits: 32, value: bytes.reduce((value, byte) => (value << 8n) | BigInt(byte), 0n) };
  }
  return text.includes(':') ? parseV6(text) : undefined;
}

function parseV6(text: string): IpAddress | undefined {
  const [head = '', tail, more] = text.split('::');
  if (more !== undefined) return undefined;
  const before = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  const missing = 8 - before.length - after.length;
  if (tail === undefined ? missing !== 0 : missing < 1) return undefined;
  const groups = [...before, ...Array.from({ length: missing }, () => '0'), ...after];
  if (groups.some((group) => !/^[0-9a-f]{1,4}$/i.test(group))) return undefined;
  return { bits: 128, value: groups.reduce((value, group) => (value << 16n) | BigInt(`0x${group}`), 0n) };
}

/** Whether the first `length` bits are those of the prefix. */
export function inPrefix(address: IpAddress, prefix: IpAddress, length: number): boolean {
  if (address.bits !== prefix.bits) return false;
  const shift = BigInt(Math.max(0, address.bits - length));
  return address.value >> shift === prefix.value >> shift;
}

export function isLoopback(text: string): boolean {
  return text.startsWith('127.') || text === '::1';
}
