/** Whether a code point belongs to a class. */
export type CharacterTest = (code: number) => boolean;

export function rangeTest(low: number, high: number): CharacterTest {
  return low === high ? (code) => code === low : (code) => code >= low && code <= high;
}

/** The class together with the other cases of its members. */
export function caseFolded(test: CharacterTest): CharacterTest {
  return (code) => {
    if (test(code)) return true;
    const char = String.fromCodePoint(code);
    const upper = char.toUpperCase();
    return [upper, char.toLowerCase(), upper.toLowerCase()].some(
      (other) => other.length <= 2 && other !== char && test(other.codePointAt(0) ?? 0),
    );
  };
}

/** RE2's Perl classes are of ASCII only: unlike in JavaScript, `\s` has neither `\v` nor Unicode's spaces. */
const PERL: Readonly<Record<string, string>> = { d: '0-9', w: '0-9A-Za-z_', s: '\\t\\n\\f\\r ' };

export function classEscape(letter: string): CharacterTest | undefined {
  const members = PERL[letter.toLowerCase()];
  if (members === undefined) return undefined;
  const test = asciiTest(members);
  return letter === letter.toLowerCase() ? test : (code) => !test(code);
}

const POSIX: Readonly<Record<string, string>> = {
  alnum: '0-9A-Za-z',
  alpha: 'A-Za-z',
  ascii: '\\x00-\\x7f',
  blank: '\\t ',
  cntrl: '\\x00-\\x1f\\x7f',
  digit: '0-9',
  graph: '!-~',
  lower: 'a-z',
  print: ' -~',
  punct: '!-\\/:-@\\[-`{-~',
  space: '\\t\\n\\v\\f\\r ',
  upper: 'A-Z',
  word: '0-9A-Za-z_',
  xdigit: '0-9A-Fa-f',
};

export function posixClass(name: string): CharacterTest | undefined {
  const members = POSIX[name];
  return members === undefined ? undefined : asciiTest(members);
}

function asciiTest(members: string): CharacterTest {
  const pattern = new RegExp(`^[${members}]$`);
  const table = Array.from({ length: 128 }, (_, code) => pattern.test(String.fromCodePoint(code)));
  return (code) => table[code] ?? false;
}

/** A general category (`L`, `Lu`) or a script (`Greek`). */
export function unicodeClass(name: string): CharacterTest | undefined {
  if (name === 'Any') return () => true;
  try {
    const pattern = new RegExp(`^\\p{${/^[A-Z][a-z]?$/.test(name) ? name : `Script=${name}`}}$`, 'u');
    return (code) => pattern.test(String.fromCodePoint(code));
  } catch {
    return undefined;
  }
}

export function isWordCharacter(code: number | undefined): boolean {
  return code !== undefined && WORD(code);
}

const WORD = asciiTest(PERL.w ?? '');
