import { isMarker } from '#local/logs.ts';

/** What the run before the last one wrote, without the marker; undefined if there was none. */
export function previousRun(log: string): string | undefined {
  const lines = log.split('\n');
  const starts = lines.flatMap((line, index) => (isMarker(line) ? [index] : []));
  const [begin, end] = starts.slice(-2);
  if (begin === undefined || end === undefined) return undefined;
  return lines
    .slice(begin + 1, end)
    .map((line) => `${line}\n`)
    .join('');
}
