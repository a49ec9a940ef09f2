import { objectTitle } from '../kind-names.ts';
import { formatDocument } from '../output.ts';
import { formatTable } from '../table.ts';
import { printable, type Terminal } from '../terminal.ts';
import { columnsOf, labels } from './columns.ts';
import type { ObjectGroup } from './fetch.ts';

export interface GetView {
  readonly format: 'table' | 'wide' | 'name' | 'json' | 'yaml';
  /** Undefined if all were asked for. */
  readonly namespace: string | undefined;
  readonly labels: boolean;
  readonly single: boolean;
}

export async function printGroups(
  { stdout, stderr }: Pick<Terminal, 'stdout' | 'stderr'>,
  groups: readonly ObjectGroup[],
  view: GetView,
): Promise<void> {
  const objects = groups.flatMap((group) => group.items.map((item) => item.object));
  if (view.format === 'json' || view.format === 'yaml') {
    const document =
      view.single && objects.length === 1 ? objects[0] : { apiVersion: 'v1', kind: 'List', items: objects };
    stdout.write(await formatDocument(view.format, document));
    return;
  }
  if (objects.length === 0) {
    const isNamespaced = view.namespace !== undefined && groups.some(({ kind }) => kind.namespaced);
    stderr.write(isNamespaced ? `No resources found in ${view.namespace} namespace.\n` : 'No resources found.\n');
    return;
  }
  if (view.format === 'name') {
    for (const { kind, items } of groups) {
      for (const { object } of items) {
        stdout.write(`${printable(objectTitle({ kind: kind.kind, name: object.metadata.name }))}\n`);
      }
    }
    return;
  }
  const filled = groups.filter((group) => group.items.length > 0);
  stdout.write(filled.map((group) => groupTable(group, view, groups.length > 1)).join('\n'));
}

/** With several kinds, the names say which kind each object is of. */
function groupTable(group: ObjectGroup, view: GetView, several: boolean): string {
  const columns = columnsOf(group).filter((column) => column.wide !== true || view.format === 'wide');
  const withNamespace = view.namespace === undefined && group.kind.namespaced;
  const titles = [
    ...(withNamespace ? ['namespace'] : []),
    'name',
    ...columns.map((column) => column.title),
    ...(view.labels ? ['labels'] : []),
  ];
  const rows = group.items.map((item) => {
    const { metadata } = item.object;
    return [
      ...(withNamespace ? [metadata.namespace ?? ''] : []),
      several ? objectTitle({ kind: group.kind.kind, name: metadata.name }) : metadata.name,
      ...columns.map((column) => column.cell(item, group.status)),
      ...(view.labels ? [labels(metadata.labels)] : []),
    ];
  });
  return formatTable(titles, rows);
}
