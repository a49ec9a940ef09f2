/** The certificate service's contract (istio.v1.auth, as Istio's sidecars call it), which no Envoy binary carries. */
import { create } from '@bufbuild/protobuf';
import {
  type FieldDescriptorProto,
  FieldDescriptorProto_Label,
  FieldDescriptorProto_Type,
  FieldDescriptorProtoSchema,
  type FileDescriptorProto,
  FileDescriptorProtoSchema,
} from '@bufbuild/protobuf/wkt';

const { MESSAGE, STRING, INT64 } = FieldDescriptorProto_Type;
const { OPTIONAL, REPEATED } = FieldDescriptorProto_Label;

export function istioCaFile(): FileDescriptorProto {
  return create(FileDescriptorProtoSchema, {
    name: 'istio/v1/auth/ca.proto',
    package: 'istio.v1.auth',
    syntax: 'proto3',
    dependency: ['google/protobuf/struct.proto'],
    messageType: [
      {
        name: 'IstioCertificateRequest',
        field: [
          field('csr', 1, STRING, OPTIONAL),
          field('validity_duration', 3, INT64, OPTIONAL),
          field('metadata', 4, MESSAGE, OPTIONAL, '.google.protobuf.Struct'),
        ],
      },
      { name: 'IstioCertificateResponse', field: [field('cert_chain', 1, STRING, REPEATED)] },
    ],
    service: [
      {
        name: 'IstioCertificateService',
        method: [
          {
            name: 'CreateCertificate',
            inputType: '.istio.v1.auth.IstioCertificateRequest',
            outputType: '.istio.v1.auth.IstioCertificateResponse',
          },
        ],
      },
    ],
  });
}

function field(
  name: string,
  number: number,
  type: FieldDescriptorProto_Type,
  label: FieldDescriptorProto_Label,
  typeName?: string,
): FieldDescriptorProto {
  const jsonName = name.replace(/_([a-z])/g, (_match, letter: string) => letter.toUpperCase());
  return create(FieldDescriptorProtoSchema, { name, jsonName, number, type, label, ...(typeName ? { typeName } : {}) });
}
