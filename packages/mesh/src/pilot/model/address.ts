/** Whether an IP address lies in a subnet such as `10.1.0.0/16`; an address alone stands for itself. */
export function isInSubnet(address: string, subnet: string): boolean {
  const [base = '', prefix] = subnet.split('/');
  const wanted = bitsOf(base);
  const actual = bitsOf(address);
  if (wanted === undefined || actual === undefined || wanted.length !== actual.length) return false;
  const length = prefix === undefined ? wanted.length : Number(prefix);
  return wanted.slice(0, length) === actual.slice(0, length);
}

/** The address as a text of zeros and ones: 32 for IPv4, 128 for IPv6. */
function bitsOf(address: string): string | undefined {
  if (!address.includes(':')) {
    const bytes = address.split('.').map(Number);
    return bytes.length === 4 && bytes.every((byte) => byte >= 0 && byte <= 255) ? toBits(bytes, 8) : undefined;
  }
  const [head = '', tail] = address.split('::');
  const groups = (text: string) => (text === '' ? [] : text.split(':').flatMap(groupsOf));
  const before = groups(head);
  const after = tail === undefined ? [] : groups(tail);
  const gap = tail === undefined ? 0 : 8 - before.length - after.length;
  if (gap < 0) return undefined;
  const all = [...before, ...Array<number>(gap).fill(0), ...after];
  return all.length === 8 && all.every((group) => group >= 0 && group <= 0xffff) ? toBits(all, 16) : undefined;
}

/** The last two groups of an IPv6 address may be written as an IPv4 address. */
function groupsOf(text: string): number[] {
  if (!text.includes('.')) return [Number.parseInt(text, 16)];
  const [a = 0, b = 0, c = 0, d = 0] = text.split('.').map(Number);
  return [a * 256 + b, c * 256 + d];
}

function toBits(numbers: readonly number[], width: number): string {
  return numbers.map((value) => value.toString(2).padStart(width, '0')).join('');
}
