import { fromBinary, type JsonValue } from '@bufbuild/protobuf';
import { ClusterSchema } from '@lateen/envoy-api/envoy/config/cluster/v3/cluster_pb.js';
import { TypedExtensionConfigSchema } from '@lateen/envoy-api/envoy/config/core/v3/extension_pb.js';
import { ClusterLoadAssignmentSchema } from '@lateen/envoy-api/envoy/config/endpoint/v3/endpoint_pb.js';
import { ListenerSchema } from '@lateen/envoy-api/envoy/config/listener/v3/listener_pb.js';
import { VirtualHostSchema } from '@lateen/envoy-api/envoy/config/route/v3/route_components_pb.js';
import { RouteConfigurationSchema } from '@lateen/envoy-api/envoy/config/route/v3/route_pb.js';
import { type Secret, SecretSchema } from '@lateen/envoy-api/envoy/extensions/transport_sockets/tls/v3/secret_pb.js';
import { toYamlObject } from '@lateen/envoy-api/registry';
import type { Resource } from './resource.ts';

/** A resource as Envoy's JSON, for people. Private keys are left out. */
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
    case 'secret':
      return toYamlObject(withoutKey(fromBinary(SecretSchema, bytes)));
    case 'route':
      return toYamlObject(fromBinary(RouteConfigurationSchema, bytes));
    case 'virtualHost':
      return toYamlObject(fromBinary(VirtualHostSchema, bytes));
  }
}

/** As Envoy shows them itself. */
const REDACTED = '[redacted]';

function withoutKey(secret: Secret): Secret {
  const key = secret.type.case === 'tlsCertificate' ? secret.type.value.privateKey : undefined;
  if (key?.specifier.case === 'inlineString') key.specifier.value = REDACTED;
  return secret;
}
