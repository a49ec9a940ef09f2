import { type Output, printable } from '../terminal.ts';
import type { SourceFindings } from './check-sources.ts';
import type { Sources } from './read-sources.ts';
import { counted } from './report.ts';

/** `12 objects of 3 files`, for the last line of a report. */
export function sourceScope({ objects, files }: SourceFindings): string {
  return `${counted(objects, 'object', 'objects') || 'no objects'} of ${counted(files, 'file', 'files')}`;
}

export function meshScope(objects: number): string {
  return `${counted(objects, 'object', 'objects') || 'no objects'} of the running mesh`;
}

/** What was not looked at. */
export function tellSkipped(output: Output, { skipped }: Sources, { isPart, objects }: SourceFindings): void {
  for (const folder of skipped) output.write(`${printable(folder)}/ is not read; name it to read it\n`);
  if (isPart && objects > 0)
    output.write('no Service is among the files, so hosts that they name were not looked for\n');
}
