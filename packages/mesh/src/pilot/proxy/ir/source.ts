/** The configuration that a fragment came from, down to the field. It travels with the fragment into Envoy's metadata. */
export interface SourceRef {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  /** Field path, such as `spec.http[0].match[1]`; absent for the whole object. */
  readonly path?: string;
}
