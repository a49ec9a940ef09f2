import { readFileSync } from 'node:fs';

/** A fenced `sh` block of a guide, and the `text` block after it: what it must print. */
export interface GuideStep {
  /** Of the first command, from 1. */
  readonly line: number;
  readonly commands: string;
  readonly expected?: string;
}

const FENCE = /^```(\S*)\s*$/;

/** The steps of a guide in order. Throws on a block that is not closed, or output without commands before it. */
export function readGuide(path: string): GuideStep[] {
  const steps: GuideStep[] = [];
  let block: { language: string; line: number; lines: string[] } | undefined;
  for (const [index, text] of readFileSync(path, 'utf8').split('\n').entries()) {
    const language = FENCE.exec(text)?.[1];
    if (block === undefined) {
      if (language !== undefined) block = { language, line: index + 2, lines: [] };
      continue;
    }
    if (language === undefined) {
      block.lines.push(text);
      continue;
    }
    const content = block.lines.join('\n');
    if (block.language === 'sh') steps.push({ line: block.line, commands: content });
    if (block.language === 'text') {
      const step = steps.pop();
      if (step === undefined || step.expected !== undefined) {
        throw new Error(`${path}:${block.line}: this output follows no commands`);
      }
      steps.push({ ...step, expected: content });
    }
    block = undefined;
  }
  if (block !== undefined) throw new Error(`${path}:${block.line}: the block is not closed`);
  return steps;
}

/** Whether the commands only look at the mesh, so that they may be repeated until it has become what they show. */
export function onlyLooks(commands: string): boolean {
  // What is quoted is no command, and an output that joins another is no file.
  const typed = commands.replaceAll(/'[^']*'|2>&1/g, '');
  return !/\blateen (up|down|apply|create|delete)\b|\b(cp|rm|sed|kill)\b|<<|>/.test(typed);
}

/** Whether the guide says that the last command fails: then it shows the error. */
export function showsFailure(expected: string | undefined): boolean {
  return expected !== undefined && /^(error LAT\d{4}|curl: \(\d+\))/m.test(expected);
}

/** `...` on a line of its own stands for any lines, none included; within a line, for any text. */
export function matches(expected: string, actual: string): boolean {
  const pattern = expected
    .trimEnd()
    .split('\n')
    .map((line) => (line.trim() === '...' ? '(?:.*\\n)*?' : `${line.split('...').map(literally).join('.*')}\\n`))
    .join('');
  return new RegExp(`^${pattern}$`).test(`${actual.trimEnd()}\n`);
}

function literally(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}
