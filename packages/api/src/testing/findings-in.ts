import { pathText } from '../field-path.ts';
import { apiVersionOf, type Kind } from '../kinds.ts';
import { validate } from '../validate.ts';

/** What is wrong with an object of the kind that has this spec: `spec.hosts: must have at least one element`. */
export function findingsIn(kind: Kind, spec: unknown): string[] {
  const metadata = kind.namespaced ? { name: 'a', namespace: 'default' } : { name: 'a' };
  const { errors } = validate(kind, { apiVersion: apiVersionOf(kind), kind: kind.kind, metadata, spec });
  return errors.map(({ path, message }) => `${pathText(path)}: ${message}`);
}
