export interface Held<T> {
  readonly address: string;
  readonly value: T;
}

interface Branch<T> {
  readonly held: Held<T>[];
  zero?: Branch<T>;
  one?: Branch<T>;
}

/** Most of what overlaps with an address that is told. */
const MAX_FOUND = 20;

/** Addresses and subnets, to be asked which of them overlap with another without looking at all. */
export class AddressTree<T> {
  readonly #roots = { 4: emptyBranch<T>(), 6: emptyBranch<T>() };

  /** What is no address is left out. */
  add(address: string, value: T): void {
    const bits = bitsOf(address);
    if (bits === undefined) return;
    let branch = this.#roots[bits.family];
    for (const bit of bits.bits) {
      const side = bit === '1' ? 'one' : 'zero';
      branch[side] ??= emptyBranch();
      branch = branch[side];
    }
    branch.held.push({ address, value });
  }

  /** Those that have an address in common with this one. */
  overlapping(address: string): Held<T>[] {
    const bits = bitsOf(address);
    if (bits === undefined) return [];
    const found: Held<T>[] = [];
    let branch: Branch<T> | undefined = this.#roots[bits.family];
    for (const bit of bits.bits) {
      found.push(...branch.held.slice(0, MAX_FOUND));
      branch = bit === '1' ? branch.one : branch.zero;
      if (branch === undefined) return found;
    }
    collect(branch, found);
    return found;
  }
}

function emptyBranch<T>(): Branch<T> {
  return { held: [] };
}

function collect<T>(branch: Branch<T>, found: Held<T>[]): void {
  if (found.length >= MAX_FOUND) return;
  found.push(...branch.held.slice(0, MAX_FOUND));
  if (branch.zero !== undefined) collect(branch.zero, found);
  if (branch.one !== undefined) collect(branch.one, found);
}

/** The bits that all addresses of the subnet begin with. */
function bitsOf(text: string): { family: 4 | 6; bits: string } | undefined {
  const [address = '', length] = text.split('/');
  const isV6 = address.includes(':');
  const bits = isV6 ? bitsOfIpv6(address) : bitsOfIpv4(address);
  if (bits === undefined) return undefined;
  return { family: isV6 ? 6 : 4, bits: length === undefined ? bits : bits.slice(0, Number(length)) };
}

function bitsOfIpv4(address: string): string | undefined {
  const parts = address.split('.').map(Number);
  if (parts.length !== 4 || parts.some((part) => !Number.isInteger(part) || part < 0 || part > 255)) return undefined;
  return parts.map((part) => part.toString(2).padStart(8, '0')).join('');
}

function bitsOfIpv6(address: string): string | undefined {
  const dotted = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(address);
  const tail = dotted?.[2] === undefined ? undefined : bitsOfIpv4(dotted[2]);
  const head = dotted === null ? address : (dotted[1] ?? '');
  const [front = '', back] = head.replace(/([^:]):$/, '$1').split('::');
  const groups = (part: string) => part.split(':').filter((group) => group !== '');
  const bits = (part: string) =>
    groups(part)
      .map((group) => Number.parseInt(group, 16).toString(2).padStart(16, '0'))
      .join('');
  const [left, right] = [bits(front), bits(back ?? '') + (tail ?? '')];
  const all =
    back === undefined ? left + right : left + '0'.repeat(Math.max(0, 128 - left.length - right.length)) + right;
  return all.length === 128 ? all : undefined;
}
