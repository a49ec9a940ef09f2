import { createHash } from 'node:crypto';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32, deflateRawSync } from 'node:zlib';
import { BINARY_IN_WHEEL, type Wheel } from '../release.ts';

export interface ZipPart {
  name: string;
  content: Buffer;
  method?: 'store' | 'deflate';
}

/** A zip archive as `zip` writes it: local headers and data, the directory, its end. */
export function zipOf(parts: readonly ZipPart[]): Buffer {
  const chunks: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const { name, content, method = 'deflate' } of parts) {
    const data = method === 'deflate' ? deflateRawSync(content) : content;
    const fileName = Buffer.from(name);
    const shared = Buffer.alloc(26);
    shared.writeUInt16LE(20, 0);
    shared.writeUInt16LE(method === 'deflate' ? 8 : 0, 4);
    shared.writeUInt32LE(crc32(content), 10);
    shared.writeUInt32LE(data.length, 14);
    shared.writeUInt32LE(content.length, 18);
    shared.writeUInt16LE(fileName.length, 22);
    const local = Buffer.concat([Buffer.from('PK\x03\x04'), shared, fileName, data]);
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE(offset, 10);
    directory.push(Buffer.concat([Buffer.from('PK\x01\x02\x14\x00', 'latin1'), shared, tail, fileName]));
    chunks.push(local);
    offset += local.length;
  }
  const list = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 'latin1');
  end.writeUInt16LE(parts.length, 8);
  end.writeUInt16LE(parts.length, 10);
  end.writeUInt32LE(list.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...chunks, list, end]);
}

/** A program that answers `--version` as Envoy does, and counts its runs in `<its own path>.runs`. */
export function versionScript(version: string): string {
  return `#!/bin/sh\necho x >> "$0.runs"\necho "envoy  version: 0123abcd/${version}/Clean/RELEASE/BoringSSL"\n`;
}

/** A wheel whose "Envoy" is a script that reports `version`, and the description that pins it. */
export function fakeWheel(version = '1.40.0', binaryName = BINARY_IN_WHEEL): { wheel: Wheel; bytes: Buffer } {
  const bytes = zipOf([
    { name: 'envoy/__init__.py', content: Buffer.from('#\n') },
    { name: binaryName, content: Buffer.from(versionScript(version)) },
  ]);
  return { wheel: { tag: 'any', fileName: 'fake-1.whl', sha256: sha256(bytes) }, bytes };
}

export function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

export async function writeProgram(folder: string, name: string, script: string): Promise<string> {
  await mkdir(folder, { recursive: true });
  const path = join(folder, name);
  await writeFile(path, script);
  await chmod(path, 0o755);
  return path;
}

/** Copies the file to where pip's `--dest` says, and notes its arguments in `<its own path>.runs`. */
export function fakePip(wheelPath: string): string {
  return `#!/bin/sh
echo "$@" >> "$0.runs"
while [ $# -gt 0 ]; do
  if [ "$1" = --dest ]; then /bin/cp "${wheelPath}" "$2/"; exit; fi
  shift
done
exit 2
`;
}
