import { statSync } from 'node:fs';
import { basename, extname } from 'node:path';

/** `Book Info/` becomes `book-info`: what can be a label of a DNS name. */
export function meshNameFor(path: string): string {
  const isFile = statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
  const base = isFile ? basename(path, extname(path)) : basename(path);
  const name = base
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .slice(0, 63)
    .replaceAll(/^-+|-+$/g, '');
  return name === '' ? 'mesh' : name;
}
