/** In which namespaces an object is seen (`exportTo`): in all, or in these. */
export type Visibility = 'all' | readonly string[];

/** `*` is every namespace, `.` the object's own, and `~` none. Nothing said: `fallback`. */
export function buildVisibility(
  exportTo: readonly string[] | undefined,
  ownNamespace: string,
  fallback: Visibility = 'all',
): Visibility {
  if (exportTo === undefined || exportTo.length === 0) return fallback;
  if (exportTo.includes('*')) return 'all';
  return exportTo
    .filter((namespace) => namespace !== '~')
    .map((namespace) => (namespace === '.' ? ownNamespace : namespace))
    .sort();
}

export function isVisible(visibility: Visibility, namespace: string): boolean {
  return visibility === 'all' || visibility.includes(namespace);
}

/** An empty list says nothing. */
export function said(exportTo: readonly string[] | undefined): readonly string[] | undefined {
  return exportTo === undefined || exportTo.length === 0 ? undefined : exportTo;
}
