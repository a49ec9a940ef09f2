import { type DescMessage, fromBinary, type MessageShape } from '@bufbuild/protobuf';
import { ClusterSchema } from '@lateen/envoy-api/envoy/config/cluster/v3/cluster_pb.js';
import { ClusterLoadAssignmentSchema } from '@lateen/envoy-api/envoy/config/endpoint/v3/endpoint_pb.js';
import { ListenerSchema } from '@lateen/envoy-api/envoy/config/listener/v3/listener_pb.js';
import { SecretSchema } from '@lateen/envoy-api/envoy/extensions/transport_sockets/tls/v3/secret_pb.js';
import type { ProxyConfiguration } from '../simulator/proxy.ts';
import { tableOfBytes, withHosts } from '../simulator/route/table-source.ts';
import type { MeshResources } from './mesh-resources.ts';
import type { ResourceType } from './resource.ts';

/** What a connected proxy should hold now, read back from the very bytes that it gets. Undefined: there is no such proxy. */
export function heldConfiguration(
  { holdings, resources }: MeshResources,
  nodeId: string,
): ProxyConfiguration | undefined {
  const held = holdings.get(nodeId);
  if (held === undefined) return undefined;
  const bytesOf = (type: ResourceType, name: string) => {
    const key = held[type].get(name);
    return key === undefined ? undefined : resources.get(key)?.bytes;
  };
  const decode = <Desc extends DescMessage>(type: ResourceType, name: string, schema: Desc) => {
    const bytes = bytesOf(type, name);
    return bytes === undefined ? undefined : (fromBinary(schema, bytes) as MessageShape<Desc>);
  };
  return {
    listeners: [...held.listener.keys()]
      .map((name) => decode('listener', name, ListenerSchema))
      .filter((listener) => listener !== undefined),
    route: (name) => {
      const bytes = bytesOf('route', name);
      if (bytes === undefined) return undefined;
      const apart = [...held.virtualHost]
        .filter(([hostName]) => hostName.startsWith(`${name}/`))
        .map(([, key]) => resources.get(key)?.bytes)
        .filter((host) => host !== undefined);
      return withHosts(tableOfBytes(bytes), apart);
    },
    cluster: (name) => decode('cluster', name, ClusterSchema),
    secret: (name) => decode('secret', name, SecretSchema),
    endpoints: (name) => decode('endpoint', name, ClusterLoadAssignmentSchema),
  };
}
