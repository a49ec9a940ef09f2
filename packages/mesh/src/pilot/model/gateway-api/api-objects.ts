import { gatewayApiKinds } from '@lateen/api/gateway-api/kinds.ts';
import type { ConfigObject } from '@lateen/api/kinds.ts';
import type { Collection } from '../../incremental/collection.ts';
import type { Graph } from '../../incremental/graph.ts';

/** The objects of the Gateway API, so that what is derived from them looks at nothing else. */
export function deriveApiObjects(graph: Graph, objects: Collection<ConfigObject>): Collection<ConfigObject> {
  return graph.derive('objects of the Gateway API', objects, (object) =>
    Object.hasOwn(gatewayApiKinds, object.kind) ? object : undefined,
  );
}
