import { isDnsLabel } from '../names.ts';
import { checked, forEachRepeated, type Report } from '../schema/field.ts';
import * as v from '../schema/values.ts';

/** To whom an object is visible: `.` is its own namespace, `*` all of them, `~` nobody. */
export const exportTo = v.array(
  checked(v.text(), (value) =>
    value === '.' || value === '*' || value === '~' || isDnsLabel(value)
      ? undefined
      : `must be '*', '.' or the name of a namespace, not ${v.quote(value)}`,
  ),
);

/**
 * What the elements of `exportTo` must have to do with each other, as Istio has it. Only ServiceEntries may be visible
 * to nobody (`~`): their workloads may still be selected by other things.
 */
export function checkExportTo(
  values: readonly string[] | undefined,
  report: Report,
  { nobody = false }: { readonly nobody?: boolean } = {},
): void {
  const all = values ?? [];
  forEachRepeated(
    all,
    (value) => value,
    (value, index) => report(`${v.quote(value)} is listed twice`, ['exportTo', index]),
  );
  all.forEach((value, index) => {
    if (value === '~' && !nobody) report("'~' is for ServiceEntries only", ['exportTo', index]);
    if ((value === '*' || value === '~') && all.length > 1) {
      report(`'${value}' says it all: no other values may be beside it`, ['exportTo', index]);
    }
  });
}
