import type { Goal, Result, Table } from './benchmark.ts';

/** A benchmark's numbers as plain text, for people. */
export function formatResult(result: Result): string {
  return [
    ...result.tables.map(formatTable),
    (result.goals ?? []).map(formatGoal).join('\n'),
    (result.notes ?? []).map((note) => wrap(note, 118)).join('\n'),
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}

function formatTable({ title, of, columns, rows }: Table): string {
  const lines = [
    [of, ...columns.map(({ heading }) => heading)],
    ...rows.map(({ name, values }) => [
      name,
      ...columns.map(({ key, digits = 1 }) => formatNumber(values[key], digits)),
    ]),
  ];
  const widths = lines[0]?.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0))) ?? [];
  const text = lines.map((line) =>
    line.map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0))),
  );
  return [...(title === '' ? [] : [title]), ...text.map((cells) => `  ${cells.join('   ')}`.trimEnd())].join('\n');
}

function formatNumber(value: number | string | undefined, digits: number): string {
  if (value === undefined) return '-';
  if (typeof value === 'string') return value;
  return value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

function formatGoal({ what, unit, measured, goal }: Goal): string {
  const digits = measured < 10 ? 2 : measured < 100 ? 1 : 0;
  const verdict = measured <= goal ? 'met' : `short by ${Math.round((measured / goal - 1) * 100)} %`;
  return `  goal ${what}: ${goal} ${unit}; measured ${measured.toFixed(digits)} ${unit}: ${verdict}`;
}

/** Breaks at spaces, with an indent. */
function wrap(text: string, width: number): string {
  const lines: string[] = [];
  let line = ' ';
  for (const word of text.split(' ')) {
    if (line.length + 1 + word.length > width && line.trim() !== '') {
      lines.push(line);
      line = ' ';
    }
    line += ` ${word}`;
  }
  return [...lines, line].join('\n');
}
