import { suggest } from '@lateen/api/suggest.ts';
import { type Check, refOf } from '../check.ts';

/** Namespaces to which something is exported, and which nobody has. */
export const exportedNamespaces: Check = {
  about: 'exportTo of namespaces that do not exist',
  needsAll: true,
  *run(mesh) {
    for (const kind of ['VirtualService', 'DestinationRule', 'ServiceEntry'] as const) {
      for (const object of mesh.of(kind)) {
        for (const [index, namespace] of (object.spec.exportTo ?? []).entries()) {
          if (['*', '.', '~'].includes(namespace) || mesh.namespaces.has(namespace)) continue;
          const close = suggest(namespace, mesh.namespaces);
          yield {
            code: 'LAT0660',
            object: refOf(object),
            path: `spec.exportTo[${index}]`,
            message: `there is no namespace ${namespace}${close === undefined ? '' : `; did you mean ${close}?`}`,
          };
        }
      }
    }
  },
};
