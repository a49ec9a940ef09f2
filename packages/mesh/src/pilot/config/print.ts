import type { ConfigObject } from '@lateen/api/kinds.ts';
import { stringify } from 'yaml';

/**
 * The object as YAML that `parseDocuments` reads back to an equal object. Texts that a reader of YAML 1.1 (kubectl)
 * would take for a boolean or a number are put in quotes.
 */
export function printYaml(object: ConfigObject): string {
  return stringify(object, { lineWidth: 0, compat: 'yaml-1.1', aliasDuplicateObjects: false });
}
