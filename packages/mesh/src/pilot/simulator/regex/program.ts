import type { CharacterTest } from './characters.ts';
import { type Assertion, RegexError, type RegexNode } from './syntax.ts';

/** What a regular expression does, step by step (https://swtch.com/~rsc/regexp/regexp2.html). */
export type Instruction =
  | { readonly type: 'character'; readonly test: CharacterTest }
  | { readonly type: 'assertion'; readonly holds: Assertion }
  /** Goes on at `first` and, less preferred, at `second`. */
  | { readonly type: 'split'; first: number; second: number }
  | { readonly type: 'jump'; to: number }
  | { readonly type: 'save'; readonly slot: number }
  | { readonly type: 'match' };

/** Far more than RE2's own limit on memory lets through. */
const MAX_INSTRUCTIONS = 100_000;

export function compileRegex(tree: RegexNode): readonly Instruction[] {
  const program: Instruction[] = [];
  emit(tree, program);
  program.push({ type: 'match' });
  return program;
}

function emit(node: RegexNode, program: Instruction[]): void {
  if (program.length > MAX_INSTRUCTIONS) throw new RegexError('it is too large');
  switch (node.type) {
    case 'empty':
      return;
    case 'character':
    case 'assertion':
      program.push(node);
      return;
    case 'group':
      program.push({ type: 'save', slot: node.index * 2 });
      emit(node.inner, program);
      program.push({ type: 'save', slot: node.index * 2 + 1 });
      return;
    case 'sequence':
      for (const part of node.parts) emit(part, program);
      return;
    case 'choice':
      emitChoice(node.parts, program);
      return;
    case 'repeat':
      emitRepeat(node, program);
  }
}

function emitChoice(parts: readonly RegexNode[], program: Instruction[]): void {
  const ends: { to: number }[] = [];
  for (const [index, part] of parts.entries()) {
    if (index === parts.length - 1) {
      emit(part, program);
      continue;
    }
    const split = { type: 'split' as const, first: program.length + 1, second: 0 };
    program.push(split);
    emit(part, program);
    const jump = { type: 'jump' as const, to: 0 };
    program.push(jump);
    ends.push(jump);
    split.second = program.length;
  }
  for (const end of ends) end.to = program.length;
}

function emitRepeat(node: Extract<RegexNode, { type: 'repeat' }>, program: Instruction[]): void {
  const { inner, least, most, greedy } = node;
  for (let count = 0; count < least; count++) emit(inner, program);
  if (most === Number.POSITIVE_INFINITY) {
    const start = program.length;
    const split = pushSplit(program);
    emit(inner, program);
    program.push({ type: 'jump', to: start });
    aim(split, greedy, start + 1, program.length);
    return;
  }
  const splits: { at: number; split: Split }[] = [];
  for (let count = least; count < most; count++) {
    splits.push({ at: program.length, split: pushSplit(program) });
    emit(inner, program);
  }
  for (const { at, split } of splits) aim(split, greedy, at + 1, program.length);
}

type Split = Extract<Instruction, { type: 'split' }>;

function pushSplit(program: Instruction[]): Split {
  const split: Split = { type: 'split', first: 0, second: 0 };
  program.push(split);
  return split;
}

function aim(split: Split, greedy: boolean, into: number, past: number): void {
  split.first = greedy ? into : past;
  split.second = greedy ? past : into;
}
