/**
 * Checks the syntax of regular expressions of RE2, the engine in Envoy (https://github.com/google/re2/wiki/Syntax).
 * It finds what people write from other engines (look-around, back references, possessive repetition) and what is
 * not closed; names of Unicode classes are left to Envoy.
 */
const MAX_REPEAT = 1000;
const SIMPLE_ESCAPES = new Set('aftnrvdDsSwWAbBzCQEpPx0123456789');

/** What is wrong with the pattern, or undefined. */
export function regexProblem(pattern: string): string | undefined {
  let at = 0;
  let depth = 0;
  // Whether a repetition may stand here, and whether the last thing was a repetition.
  let repeatable = false;
  let repeated = false;
  while (at < pattern.length) {
    const char = pattern[at] ?? '';
    let next = at + 1;
    let isRepetition = false;
    let isOperand = true;
    if (char === '\\') {
      const escaped = readEscape(pattern, at);
      if (escaped.problem !== undefined) return escaped.problem;
      next = escaped.end;
    } else if (char === '[') {
      const end = readClass(pattern, at);
      if (typeof end === 'string') return end;
      next = end;
    } else if (char === '(') {
      const group = readGroupStart(pattern, at);
      if (group.problem !== undefined) return group.problem;
      next = group.end;
      if (group.opens) depth++;
      isOperand = false;
    } else if (char === ')') {
      if (depth-- === 0) return `unexpected ')' at character ${at + 1}`;
    } else if (char === '|') {
      isOperand = false;
    } else if (char === '*' || char === '+' || char === '?') {
      isRepetition = true;
    } else if (char === '{') {
      const bounds = /^\{(\d+)(,(\d*))?\}/.exec(pattern.slice(at));
      // As in Perl, a brace that does not start a repetition stands for itself.
      if (bounds !== null) {
        const problem = repeatProblem(bounds);
        if (problem !== undefined) return problem;
        isRepetition = true;
        next = at + bounds[0].length;
      }
    }
    if (isRepetition) {
      if (repeated) return `'${pattern.slice(at, next)}' repeats a repetition at character ${at + 1}`;
      if (!repeatable) return `nothing to repeat before '${char}' at character ${at + 1}`;
      if (pattern[next] === '?') next++;
    }
    repeated = isRepetition;
    repeatable = isOperand;
    at = next;
  }
  return depth > 0 ? "a '(' is not closed" : undefined;
}

function repeatProblem(bounds: RegExpExecArray): string | undefined {
  const low = Number(bounds[1]);
  const high = bounds[2] === undefined || bounds[3] === '' ? low : Number(bounds[3]);
  if (low > MAX_REPEAT || high > MAX_REPEAT) return `${bounds[0]} repeats more than ${MAX_REPEAT} times`;
  return high < low ? `${bounds[0]} has its bounds the wrong way round` : undefined;
}

function readEscape(pattern: string, at: number): { end: number; problem?: string } {
  const char = pattern[at + 1];
  if (char === undefined) return { end: at + 1, problem: 'it ends with a backslash' };
  const end = at + 2;
  if (char === 'Q') {
    const close = pattern.indexOf('\\E', end);
    return { end: close === -1 ? pattern.length : close + 2 };
  }
  if (char === 'x') {
    const hex = /^([0-9A-Fa-f]{2}|\{[0-9A-Fa-f]+\})/.exec(pattern.slice(end));
    return hex === null ? { end, problem: "'\\x' needs two hexadecimal digits" } : { end: end + hex[0].length };
  }
  if (char === 'p' || char === 'P') {
    const name = /^([A-Z]|\{\^?[A-Za-z_]+\})/.exec(pattern.slice(end));
    return name === null ? { end, problem: `'\\${char}' needs the name of a class` } : { end: end + name[0].length };
  }
  if (/[1-9]/.test(char) && !/^[0-7]{2}/.test(pattern.slice(at + 1))) {
    return { end, problem: `back references such as '\\${char}' are not supported by RE2` };
  }
  if (char === 'k') return { end, problem: "back references such as '\\k' are not supported by RE2" };
  if (/[A-Za-z0-9]/.test(char) && !SIMPLE_ESCAPES.has(char)) return { end, problem: `unknown escape '\\${char}'` };
  return { end };
}

/** Position behind the class, or the problem. */
function readClass(pattern: string, start: number): number | string {
  let at = start + 1;
  if (pattern[at] === '^') at++;
  let low: string | undefined;
  for (let first = true; at < pattern.length; first = false) {
    const char = pattern[at] ?? '';
    if (char === ']' && !first) return at + 1;
    if (pattern.startsWith('[:', at)) {
      const name = /^\[:\^?[a-z]+:\]/.exec(pattern.slice(at));
      if (name !== null) {
        at += name[0].length;
        low = undefined;
        continue;
      }
    }
    if (char === '\\') {
      const escaped = readEscape(pattern, at);
      if (escaped.problem !== undefined) return escaped.problem;
      at = escaped.end;
      low = undefined;
      continue;
    }
    const high = pattern[at + 2];
    if (pattern[at + 1] === '-' && high !== undefined && high !== ']' && high !== '\\' && low === undefined) {
      if (high < char) return `'${char}-${high}' has its bounds the wrong way round`;
      at += 3;
      continue;
    }
    at++;
  }
  return "a '[' is not closed";
}

function readGroupStart(pattern: string, at: number): { end: number; opens: boolean; problem?: string } {
  if (pattern[at + 1] !== '?') return { end: at + 1, opens: true };
  const rest = pattern.slice(at + 2);
  const name = /^P?<([A-Za-z_]\w*)>/.exec(rest);
  if (name !== null) return { end: at + 2 + name[0].length, opens: true };
  const flags = /^[imsU]*(?:-[imsU]+)?([:)])/.exec(rest);
  if (flags !== null) return { end: at + 2 + flags[0].length, opens: flags[1] === ':' };
  const failed = { end: at + 1, opens: true };
  const looksAround = /^(<?[=!])/.exec(rest);
  if (looksAround !== null) {
    return { ...failed, problem: `look-around such as '(?${looksAround[1]}' is not supported by RE2` };
  }
  if (rest.startsWith('P=')) return { ...failed, problem: "back references such as '(?P=' are not supported by RE2" };
  return { ...failed, problem: `unknown group '(?${rest[0] ?? ''}'` };
}

/** A regular expression for just this text. */
export function escapeRegex(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}
