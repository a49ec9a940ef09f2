/** Thrown, and never seen outside of the plain reader: the library has to read this. */
export const UNUSUAL = new Error('not plain YAML');

/** Up to here there is one way to round. */
const MAX_NUMBER_LENGTH = 15;

/** What an escape sequence between double quotes stands for. */
export function unescaped(sequence: string): string {
  switch (sequence) {
    case '\\"':
    case '\\\\':
    case '\\/':
      return sequence.charAt(1);
    case '\\n':
      return '\n';
    case '\\t':
      return '\t';
    default:
      throw UNUSUAL;
  }
}

const WORDS: ReadonlyMap<string, boolean | null> = new Map([
  ...['~', 'null', 'Null', 'NULL'].map((word) => [word, null] as const),
  ...['true', 'True', 'TRUE'].map((word) => [word, true] as const),
  ...['false', 'False', 'FALSE'].map((word) => [word, false] as const),
]);
const LONGEST_WORD = 5;

const DECIMAL = /^[-+]?(?:[0-9]+|(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?)$/;
/** Written in other ways than decimal, or no number at all. */
const OTHER_NUMBER = /^(?:0o[0-7]+|0x[0-9a-fA-F]+|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$/;

/** By the core schema of YAML 1.2. */
export function scalarOf(plain: string): unknown {
  if (plain.length <= LONGEST_WORD) {
    const word = WORDS.get(plain);
    if (word !== undefined) return word;
  }
  // Numbers begin with one of + , - . / and digits.
  const first = plain.charCodeAt(0);
  if (first < 0x2b || first > 0x39) return plain;
  if (DECIMAL.test(plain)) {
    if (plain.length > MAX_NUMBER_LENGTH) throw UNUSUAL;
    return Number(plain);
  }
  if (OTHER_NUMBER.test(plain)) throw UNUSUAL;
  return plain;
}
