import { create, toBinary } from '@bufbuild/protobuf';
import { type FileDescriptorProto, FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import { expect, test } from 'vitest';
import { extractDescriptors } from './extract.ts';
import { selectFiles } from './select.ts';

function file(name: string, dependency: string[] = []): FileDescriptorProto {
  return create(FileDescriptorProtoSchema, {
    name,
    package: 'p',
    dependency,
    messageType: [{ name: 'M', field: [{ name: 'f', number: 1 }] }],
    syntax: 'proto3',
  });
}

test('finds descriptors between other bytes, whatever the length of the name', () => {
  const long = `envoy/${'x'.repeat(150)}/v3/a.proto`;
  const files = [file('envoy/a.proto'), file(long), file('envoy/b.proto', ['envoy/a.proto'])];
  const noise = Buffer.concat([
    Buffer.from([0, 0x0a, 7]),
    Buffer.from('see envoy/a.proto and .proto'),
    Buffer.alloc(9),
  ]);
  const parts = files.flatMap((each) => [noise, Buffer.from(toBinary(FileDescriptorProtoSchema, each))]);
  const found = extractDescriptors(Buffer.concat([...parts, noise]));
  expect([...found.values()]).toEqual(files);
});

test('cut or damaged descriptors are left out', () => {
  const bytes = Buffer.from(toBinary(FileDescriptorProtoSchema, file('envoy/a.proto')));
  expect(extractDescriptors(bytes.subarray(0, bytes.length - 3)).size).toBe(0);
  expect(extractDescriptors(Buffer.from('\n\u000denvoy/a.protoXXXXXXXXXXXXXX')).size).toBe(0);
});

test('selects in dependency order, strips annotations and says what is missing', () => {
  const withOptions = file('envoy/config/z.proto', ['validate/validate.proto', 'envoy/type/v3/y.proto']);
  withOptions.publicDependency = [1];
  const all = new Map([withOptions, file('envoy/type/v3/y.proto'), file('other.proto')].map((f) => [f.name, f]));
  const { files, generate } = selectFiles(all);
  expect(generate).toEqual(['envoy/type/v3/y.proto', 'envoy/config/z.proto']);
  expect(files[1]?.dependency).toEqual(['envoy/type/v3/y.proto']);
  expect(files[1]?.publicDependency).toEqual([0]);

  const broken = file('envoy/config/x.proto', ['gone.proto']);
  expect(() => selectFiles(new Map([[broken.name, broken]]))).toThrow(/no descriptor of gone\.proto/);
});
