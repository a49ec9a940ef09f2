import { printable } from './terminal.ts';

const gap = '   ';

/** Columns under upper-case titles, three spaces apart, as kubectl prints them. Ends with a newline. */
export function formatTable(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [titles.map((title) => title.toUpperCase()), ...rows.map((row) => row.map(cell))];
  const widths = titles.map((_, column) => Math.max(...lines.map((line) => (line[column] ?? '').length)));
  return lines
    .map((line) => {
      const padded = titles.map((_, column) => (line[column] ?? '').padEnd(widths[column] ?? 0));
      return `${padded.join(gap).trimEnd()}\n`;
    })
    .join('');
}

function cell(text: string): string {
  return printable(text.replaceAll(/\s+/g, ' ')) || '-';
}
