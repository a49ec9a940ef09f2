import type { ConfigObject } from '@lateen/api/kinds.ts';
import { asWritten } from '@lateen/api/written-kind.ts';
import { stringify } from 'yaml';

/**
 * The object as YAML that `parseDocuments` reads back to an equal object. Texts that a reader of YAML 1.1 (kubectl)
 * would take for a boolean or a number are put in quotes.
 */
export function printYaml(object: ConfigObject): string {
  return stringify(asWritten(object), { lineWidth: 0, compat: 'yaml-1.1', aliasDuplicateObjects: false });
}
