/** Writes the modules that hold descriptors as data, and turns the core files' modules into views of them. */
import { create, toBinary } from '@bufbuild/protobuf';
import { type FileDescriptorProto, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import type { GeneratedFile } from './plugin.ts';

/** The roots and all that they import, in the order of `files`. */
export function closure(files: readonly FileDescriptorProto[], roots: readonly string[]): Set<string> {
  const byName = new Map(files.map((file) => [file.name, file]));
  const wanted = new Set<string>();
  const visit = (name: string): void => {
    const file = byName.get(name);
    if (file === undefined) throw new Error(`no descriptor of ${name}`);
    if (wanted.has(name)) return;
    wanted.add(name);
    file.dependency.forEach(visit);
  };
  roots.forEach(visit);
  return new Set(files.map((file) => file.name).filter((name) => wanted.has(name)));
}

/** A module that exports the files as one base64 FileDescriptorSet. */
export function descriptorModule(name: string, files: FileDescriptorProto[]): GeneratedFile[] {
  const bytes = toBinary(FileDescriptorSetSchema, create(FileDescriptorSetSchema, { file: files }));
  return [
    { name: `${name}.js`, content: `export const descriptors = '${Buffer.from(bytes).toString('base64')}';\n` },
    {
      name: `${name}.d.ts`,
      content: '/** A google.protobuf.FileDescriptorSet in base64. */\nexport declare const descriptors: string;\n',
    },
  ];
}

/** The module that hydrates the core files, all in one go, when the first of their modules is imported. */
export function coreModule(): GeneratedFile[] {
  return [
    {
      name: 'core.js',
      content: `import { hydrate } from '../src/hydrate.ts';
import { descriptors } from './core-descriptors.js';

export const files = hydrate(descriptors);
`,
    },
    {
      name: 'core.d.ts',
      content: `import type { DescFile } from '@bufbuild/protobuf';

/** The core files by name. */
export declare const files: ReadonlyMap<string, DescFile>;
`,
    },
  ];
}

const FILE_DESC = /fileDesc\("[^"]*"(?:, \[[^\]]*\])?\)/g;
const RELATIVE_IMPORT = /^import \{[^}]*\} from "\.[^"]*";\n/gm;
const WKT_IMPORT = /^import \{[^}]*\} from "@bufbuild\/protobuf\/wkt";\n/gm;

/** Replaces the embedded descriptor of a generated `.js` file by a look-up of the hydrated one. */
export function asCoreView(generated: GeneratedFile, protoName: string): GeneratedFile {
  const up = '../'.repeat(protoName.split('/').length - 1);
  let replaced = 0;
  const content = generated.content
    .replace(FILE_DESC, () => {
      replaced += 1;
      return `files.get(${JSON.stringify(protoName)})`;
    })
    .replace(RELATIVE_IMPORT, '')
    .replace(WKT_IMPORT, '')
    .replace(/import \{ ([^}]*) \} from "@bufbuild\/protobuf\/codegenv2";\n/, (_line, names: string) => {
      const used = names.split(', ').filter((name) => name !== 'fileDesc');
      const files = `import { files } from "${up === '' ? './' : up}core.js";\n`;
      return used.length === 0 ? files : `import { ${used.join(', ')} } from "@bufbuild/protobuf/codegenv2";\n${files}`;
    });
  if (replaced !== 1) throw new Error(`protoc-gen-es wrote ${generated.name} in a form that is not known here`);
  return { name: generated.name, content };
}
