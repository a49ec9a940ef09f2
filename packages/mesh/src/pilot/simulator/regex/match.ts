import { isWordCharacter } from './characters.ts';
import type { Instruction } from './program.ts';
import type { Assertion } from './syntax.ts';

/** Start and end of the match, then of each group; -1 where a group took no part. */
export type Captures = readonly number[];

interface Thread {
  readonly at: number;
  readonly captures: Captures;
}

/**
 * Follows all ways through the program at once, so the time is that of the text's length times the program's size
 * whatever the pattern: a control plane must not hang on one. Threads stand in the order of preference.
 */
export function findMatch(
  program: readonly Instruction[],
  text: readonly number[],
  from: number,
  slots: number,
): Captures | undefined {
  let threads: Thread[] = [];
  let best: Captures | undefined;
  const start: Captures = Array.from({ length: slots }, () => -1);
  for (let position = from; ; position++) {
    const seen = new Uint8Array(program.length);
    const advanced = threads;
    threads = [];
    for (const thread of advanced) follow(program, thread, position, text, seen, threads);
    // A match that starts further left is always preferred.
    if (best === undefined)
      follow(program, { at: 0, captures: withSlot(start, 0, position) }, position, text, seen, threads);
    const next: Thread[] = [];
    for (const thread of threads) {
      const instruction = program[thread.at];
      if (instruction?.type === 'match') {
        best = withSlot(thread.captures, 1, position);
        // The threads behind are less preferred.
        break;
      }
      const code = text[position];
      if (instruction?.type === 'character' && code !== undefined && instruction.test(code)) {
        next.push({ at: thread.at + 1, captures: thread.captures });
      }
    }
    threads = next;
    if (position >= text.length || (threads.length === 0 && best !== undefined)) return best;
  }
}

/** Adds the threads that wait for a character, or have matched, in the order of preference. */
function follow(
  program: readonly Instruction[],
  thread: Thread,
  position: number,
  text: readonly number[],
  seen: Uint8Array,
  into: Thread[],
): void {
  const pending = [thread];
  for (let current = pending.pop(); current !== undefined; current = pending.pop()) {
    const { at, captures } = current;
    if (seen[at] === 1) continue;
    seen[at] = 1;
    const instruction = program[at];
    switch (instruction?.type) {
      case 'jump':
        pending.push({ at: instruction.to, captures });
        break;
      case 'split':
        pending.push({ at: instruction.second, captures }, { at: instruction.first, captures });
        break;
      case 'save':
        pending.push({ at: at + 1, captures: withSlot(captures, instruction.slot, position) });
        break;
      case 'assertion':
        if (holds(instruction.holds, text, position)) pending.push({ at: at + 1, captures });
        break;
      default:
        into.push(current);
    }
  }
}

function withSlot(captures: Captures, slot: number, position: number): Captures {
  return slot < captures.length ? captures.with(slot, position) : captures;
}

/** Whether the whole text matches. As `findMatch`, but without positions. */
export function matchesWhole(program: readonly Instruction[], text: readonly number[]): boolean {
  let current: number[] = [];
  addAll(program, 0, 0, text, new Uint8Array(program.length), current);
  for (let position = 0; position < text.length; position++) {
    const code = text[position] ?? 0;
    const next: number[] = [];
    const seen = new Uint8Array(program.length);
    for (const at of current) {
      const instruction = program[at];
      if (instruction?.type === 'character' && instruction.test(code)) {
        addAll(program, at + 1, position + 1, text, seen, next);
      }
    }
    if (next.length === 0) return false;
    current = next;
  }
  return current.some((at) => program[at]?.type === 'match');
}

function addAll(
  program: readonly Instruction[],
  start: number,
  position: number,
  text: readonly number[],
  seen: Uint8Array,
  into: number[],
): void {
  const pending = [start];
  for (let at = pending.pop(); at !== undefined; at = pending.pop()) {
    if (seen[at] === 1) continue;
    seen[at] = 1;
    const instruction = program[at];
    if (instruction?.type === 'jump') pending.push(instruction.to);
    else if (instruction?.type === 'split') pending.push(instruction.first, instruction.second);
    else if (instruction?.type === 'save') pending.push(at + 1);
    else if (instruction?.type === 'assertion') {
      if (holds(instruction.holds, text, position)) pending.push(at + 1);
    } else into.push(at);
  }
}

function holds(assertion: Assertion, text: readonly number[], position: number): boolean {
  switch (assertion) {
    case 'text-start':
      return position === 0;
    case 'text-end':
      return position === text.length;
    case 'line-start':
      return position === 0 || text[position - 1] === 10;
    case 'line-end':
      return position === text.length || text[position] === 10;
    case 'word-boundary':
      return isWordCharacter(text[position - 1]) !== isWordCharacter(text[position]);
    case 'no-word-boundary':
      return isWordCharacter(text[position - 1]) === isWordCharacter(text[position]);
  }
}
