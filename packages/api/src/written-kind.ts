/**
 * Two API groups can have a kind of the same name. Inside of Lateen (keys of objects, references, the model) each kind has
 * a name of its own; files and what is printed have the name that users write, which the API group makes clear.
 *
 * This is not part of `kinds.ts`, since the command line does not load the schemas.
 */
const written: Readonly<Record<string, string>> = { KubernetesGateway: 'Gateway' };

/** `Gateway` for `KubernetesGateway`; the others are written as they are called. */
export function writtenKind(kind: string): string {
  return Object.hasOwn(written, kind) ? (written[kind] ?? kind) : kind;
}

/** The object, or the reference to one, as it is printed. */
export function asWritten<T extends { readonly kind: string }>(object: T): T {
  const kind = writtenKind(object.kind);
  return kind === object.kind ? object : { ...object, kind };
}
