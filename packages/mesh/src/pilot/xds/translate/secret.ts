import { create } from '@bufbuild/protobuf';
import type { DataSource } from '@lateen/envoy-api/envoy/config/core/v3/base_pb.js';
import { DataSourceSchema } from '@lateen/envoy-api/envoy/config/core/v3/base_pb.js';
import { type Secret, SecretSchema } from '@lateen/envoy-api/envoy/extensions/transport_sockets/tls/v3/secret_pb.js';
import type { SecretDataIr, SecretIr } from '../../proxy/ir/secret.ts';

export function translateSecret(ir: SecretIr): Secret {
  if (ir.type === 'certificate') {
    return create(SecretSchema, {
      name: ir.name,
      type: {
        case: 'tlsCertificate',
        value: {
          certificateChain: dataSource(ir.chain),
          privateKey: dataSource(ir.privateKey),
          ...watchedDirectory(ir.chain),
        },
      },
    });
  }
  return create(SecretSchema, {
    name: ir.name,
    type: {
      case: 'validationContext',
      value: {
        trustedCa: dataSource(ir.roots),
        ...(ir.revoked === undefined ? {} : { crl: dataSource(ir.revoked) }),
        ...watchedDirectory(ir.roots),
      },
    },
  });
}

function dataSource(data: SecretDataIr): DataSource {
  return create(DataSourceSchema, {
    specifier:
      data.type === 'text' ? { case: 'inlineString', value: data.text } : { case: 'filename', value: data.path },
  });
}

/** Files that somebody replaces are read anew; Envoy looks at moves into their directory, as renewals are done. */
function watchedDirectory(data: SecretDataIr): { watchedDirectory?: { path: string } } {
  if (data.type === 'text') return {};
  return { watchedDirectory: { path: data.path.slice(0, Math.max(1, data.path.lastIndexOf('/'))) } };
}
