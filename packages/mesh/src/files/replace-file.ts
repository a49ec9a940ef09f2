import { renameSync, unlinkSync, writeFileSync } from 'node:fs';

/**
 * Replaces a file in one step, so that neither a reader nor a crash meets half of it. Mode 0600. With `flush`, the
 * content is on the disk before it takes the place of the old one. Only one process may write to the file at a time.
 */
export function replaceFile(path: string, text: string, { flush = false } = {}): void {
  const temporary = `${path}.new`;
  try {
    writeFileSync(temporary, text, { mode: 0o600, flush });
    renameSync(temporary, path);
  } catch (error) {
    try {
      // On a full disk, what was written of it is in the way.
      unlinkSync(temporary);
    } catch {
      // It never came to be.
    }
    throw error;
  }
}
