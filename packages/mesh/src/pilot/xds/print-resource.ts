import { fromBinary, type JsonValue } from '@bufbuild/protobuf';
import { ClusterSchema } from '@lateen/envoy-api/envoy/config/cluster/v3/cluster_pb.js';
import { TypedExtensionConfigSchema } from '@lateen/envoy-api/envoy/config/core/v3/extension_pb.js';
import { ClusterLoadAssignmentSchema } from '@lateen/envoy-api/envoy/config/endpoint/v3/endpoint_pb.js';
import { ListenerSchema } from '@lateen/envoy-api/envoy/config/listener/v3/listener_pb.js';
import { RouteConfigurationSchema } from '@lateen/envoy-api/envoy/config/route/v3/route_pb.js';
import { toYamlObject } from '@lateen/envoy-api/registry';
import type { Resource } from './resource.ts';

/** A resource as Envoy's JSON, for people. It holds no secrets: those come by SDS from the agent. */
export function printResource({ type, bytes }: Resource): JsonValue {
  switch (type) {
    case 'cluster':
      return toYamlObject(fromBinary(ClusterSchema, bytes));
    case 'endpoint':
      return toYamlObject(fromBinary(ClusterLoadAssignmentSchema, bytes));
    case 'extension':
      return toYamlObject(fromBinary(TypedExtensionConfigSchema, bytes));
    case 'listener':
      return toYamlObject(fromBinary(ListenerSchema, bytes));
    case 'route':
      return toYamlObject(fromBinary(RouteConfigurationSchema, bytes));
  }
}
