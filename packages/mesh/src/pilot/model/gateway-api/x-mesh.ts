import type { ConfigObject } from '@lateen/api/kinds.ts';
import type { Collection } from '../../incremental/collection.ts';
import type { Graph } from '../../incremental/graph.ts';
import type { Problem } from './conditions.ts';

/** What XMeshes name that are Lateen's; Istio's name too, so that what was written for it keeps working. */
export const MESH_CONTROLLER_NAMES = ['lateen.dev/mesh-controller', 'istio.io/mesh-controller'] as const;

/** How an XMesh of Lateen stands. */
export interface XMeshState {
  readonly controller: string;
  readonly problems: readonly Problem[];
}

/** By object key; those of others are left out. */
export function deriveXMeshes(graph: Graph, apiObjects: Collection<ConfigObject>): Collection<XMeshState> {
  return graph.derive('meshes', apiObjects, (object): XMeshState | undefined => {
    if (object.kind !== 'XMesh') return undefined;
    const { controllerName, parametersRef } = object.spec;
    if (!(MESH_CONTROLLER_NAMES as readonly string[]).includes(controllerName)) return undefined;
    if (parametersRef === undefined) return { controller: controllerName, problems: [] };
    const message = `there are no parameters of a mesh of the kind ${parametersRef.kind}; the mesh configuration is in the ConfigMap istio of istio-system`;
    const problem = { type: 'Accepted', reason: 'InvalidParameters', message, path: 'spec.parametersRef' };
    return { controller: controllerName, problems: [problem] };
  });
}
