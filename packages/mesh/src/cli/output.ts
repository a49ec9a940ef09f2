import type { Output } from './terminal.ts';

/** Writes one document for machines. */
export async function printDocument(output: Output, format: 'json' | 'yaml', value: unknown): Promise<void> {
  output.write(await formatDocument(format, value));
}

/** Ends with a newline. The YAML library is loaded only for YAML. */
export async function formatDocument(format: 'json' | 'yaml', value: unknown): Promise<string> {
  if (format === 'json') return `${JSON.stringify(value, null, 2)}\n`;
  const { stringify } = await import('yaml');
  return stringify(value, { aliasDuplicateObjects: false, lineWidth: 0 });
}
