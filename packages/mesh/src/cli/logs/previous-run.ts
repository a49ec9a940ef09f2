/** A line that is written before each run of a process: `--- lateen: 2026-01-01T00:00:00.000Z reviews-v1-0 starts: ...` */
const marker = /^--- lateen: \S+Z .*\bstarts\b/;

/** What the run before the last one wrote, without the marker; undefined if there was none. */
export function previousRun(log: string): string | undefined {
  const lines = log.split('\n');
  const starts = lines.flatMap((line, index) => (marker.test(line) ? [index] : []));
  const [begin, end] = starts.slice(-2);
  if (begin === undefined || end === undefined) return undefined;
  return lines
    .slice(begin + 1, end)
    .map((line) => `${line}\n`)
    .join('');
}
