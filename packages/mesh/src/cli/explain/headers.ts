import { isHeaderName } from '@lateen/api/names.ts';
import { UsageError } from '../command.ts';

/** `Name: value`, as curl takes them. */
export function parseHeaders(texts: readonly string[]): [string, string][] {
  return texts.map((text) => {
    const colon = text.indexOf(':');
    const name = text.slice(0, Math.max(colon, 0)).trim().toLowerCase();
    if (!isHeaderName(name)) {
      throw new UsageError(`${JSON.stringify(text)} is not a header.`, "Write it as -H 'NAME: VALUE'.");
    }
    return [name, text.slice(colon + 1).trim()];
  });
}
