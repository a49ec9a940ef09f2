import type { Report } from '../schema/field.ts';

type Filter = { readonly type: string };

/** The field that goes with a type of filter, such as requestMirror with RequestMirror. */
type FieldOfType = Readonly<Record<string, string>>;

/** A filter has the field of its type, and no field of another type. */
export function checkFilter(fieldOfType: FieldOfType): (filter: Filter, report: Report) => void {
  return (filter, report) => {
    const wanted = fieldOfType[filter.type];
    for (const field of Object.values(fieldOfType)) {
      const isSet = Object.hasOwn(filter, field);
      if (field === wanted && !isSet) report(`must be set for the type ${filter.type}`, [field]);
      if (field !== wanted && isSet) report(`must not be set for the type ${filter.type}`, [field]);
    }
  };
}

/** Filters of these types are there once at most; the path is that of the list. */
export function checkRepeatedFilters(
  filters: readonly Filter[],
  once: ReadonlySet<string>,
  path: readonly (string | number)[],
  report: Report,
): void {
  const seen = new Set<string>();
  filters.forEach(({ type }, index) => {
    if (seen.has(type) && once.has(type)) report(`there is a filter ${type} already`, [...path, index, 'type']);
    seen.add(type);
  });
}
