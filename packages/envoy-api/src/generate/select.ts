/** Chooses the files that we generate, and lightens them: no annotations, no validation rules, no unused imports. */
import { create } from '@bufbuild/protobuf';
import {
  type DescriptorProto,
  type EnumDescriptorProto,
  EnumOptionsSchema,
  EnumValueOptionsSchema,
  type FieldDescriptorProto,
  FieldOptionsSchema,
  type FileDescriptorProto,
  MessageOptionsSchema,
} from '@bufbuild/protobuf/wkt';

/** Everything of Envoy's own v3 API, the protocols it speaks, and what they import. */
const ROOTS: readonly RegExp[] = [
  /^envoy\/(admin|config|data|service|watchdog)\//,
  /^envoy\/extensions\//,
  /^envoy\/type\/.*\/v3\/|^envoy\/type\/v3\//,
  /^google\/rpc\//,
  /^opentelemetry\//,
  /^udpa\/type\//,
  /^xds\/(core|data|type)\//,
  /^src\/proto\/grpc\/health\//,
];

/** Only imported for their options, which are stripped. */
const ANNOTATIONS =
  /^(validate|udpa\/annotations|xds\/annotations|envoy\/annotations)\/|^google\/api\/(annotations|http)\.proto$|^google\/protobuf\/descriptor\.proto$/;

/** The binary carries no descriptor of the proto2 file that these import; nothing else imports them. */
const INCOMPLETE = /^envoy\/service\/metrics\//;

/** `udpa.annotations.sensitive`, an extension of FieldOptions: the field holds a secret. */
const SENSITIVE_EXTENSION = 76569463;

export interface Selection {
  /** In dependency order: a file comes after everything that it imports. */
  files: FileDescriptorProto[];
  /** The names of those in `files` that are not part of the protobuf runtime. */
  generate: string[];
}

/** The closure of the roots under imports; throws when the binary lacks a file that another one imports. */
export function selectFiles(all: ReadonlyMap<string, FileDescriptorProto>): Selection {
  const done = new Set<string>();
  const files: FileDescriptorProto[] = [];
  const visit = (name: string, importedBy: string): void => {
    if (done.has(name)) return;
    done.add(name);
    const file = all.get(name);
    if (file === undefined) throw new Error(`the Envoy binary has no descriptor of ${name}, imported by ${importedBy}`);
    lighten(file);
    for (const dependency of file.dependency) visit(dependency, name);
    files.push(file);
  };
  for (const name of [...all.keys()].sort()) {
    if (INCOMPLETE.test(name) || ANNOTATIONS.test(name)) continue;
    if (ROOTS.some((root) => root.test(name))) visit(name, name);
  }
  const generate = files.map((file) => file.name).filter((name) => !name.startsWith('google/protobuf/'));
  return { files, generate };
}

function lighten(file: FileDescriptorProto): void {
  const publicNames = new Set(file.publicDependency.map((index) => file.dependency[index]));
  file.dependency = file.dependency.filter((name) => !ANNOTATIONS.test(name));
  file.publicDependency = file.dependency.flatMap((name, index) => (publicNames.has(name) ? [index] : []));
  file.weakDependency = [];
  file.extension = [];
  delete file.options;
  delete file.sourceCodeInfo;
  for (const message of file.messageType) lightenMessage(message);
  for (const enumeration of file.enumType) lightenEnum(enumeration);
  for (const service of file.service) {
    delete service.options;
    for (const method of service.method) delete method.options;
  }
}

function lightenMessage(message: DescriptorProto): void {
  const { mapEntry = false, deprecated = false } = message.options ?? {};
  delete message.options;
  if (mapEntry) message.options = create(MessageOptionsSchema, { mapEntry });
  else if (deprecated) message.options = create(MessageOptionsSchema, { deprecated });
  message.extension = [];
  message.extensionRange = [];
  for (const field of message.field) lightenField(field);
  for (const oneof of message.oneofDecl) delete oneof.options;
  for (const nested of message.nestedType) lightenMessage(nested);
  for (const enumeration of message.enumType) lightenEnum(enumeration);
}

/** What stays changes the encoding (`packed`), the type (`deprecated`) or what may be printed (`debug_redact`). */
function lightenField(field: FieldDescriptorProto): void {
  const old = field.options;
  delete field.options;
  if (old === undefined) return;
  const sensitive = old.debugRedact || (old.$unknown ?? []).some((unknown) => unknown.no === SENSITIVE_EXTENSION);
  const options = create(FieldOptionsSchema);
  if (Object.hasOwn(old, 'packed')) options.packed = old.packed;
  if (old.deprecated) options.deprecated = true;
  if (sensitive) options.debugRedact = true;
  if (Object.keys(options).some((key) => key in FieldOptionsSchema.field && Object.hasOwn(options, key))) {
    field.options = options;
  }
}

function lightenEnum(enumeration: EnumDescriptorProto): void {
  const { deprecated = false, allowAlias = false } = enumeration.options ?? {};
  delete enumeration.options;
  if (deprecated || allowAlias) {
    enumeration.options = create(EnumOptionsSchema, {
      ...(deprecated ? { deprecated } : {}),
      ...(allowAlias ? { allowAlias } : {}),
    });
  }
  for (const value of enumeration.value) {
    const isDeprecated = value.options?.deprecated ?? false;
    delete value.options;
    if (isDeprecated) value.options = create(EnumValueOptionsSchema, { deprecated: true });
  }
}
