import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { zipOf } from './testing/wheel-fixture.ts';
import { extractFile, ZipError } from './zip.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lateen-zip-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const OPTIONS = { maxBytes: 1 << 20, mode: 0o755 };
const content = Buffer.from('some content '.repeat(1000));
const archive = zipOf([
  { name: 'a/stored', content, method: 'store' },
  { name: 'a/deflated', content },
  { name: 'a/empty', content: Buffer.alloc(0), method: 'store' },
]);

async function extract(bytes: Buffer, name: string, options = OPTIONS): Promise<Buffer> {
  const path = join(folder, 'archive.zip');
  const target = join(folder, 'target');
  await writeFile(path, bytes);
  await rm(target, { force: true });
  await extractFile(path, name, target, options);
  expect((await stat(target)).mode & 0o777).toBe(0o755);
  return readFile(target);
}

test('unpacks stored, deflated and empty files, also behind a comment', async () => {
  expect(await extract(archive, 'a/stored')).toEqual(content);
  expect(await extract(archive, 'a/deflated')).toEqual(content);
  expect(await extract(archive, 'a/empty')).toEqual(Buffer.alloc(0));
  const commented = Buffer.concat([archive, Buffer.from('a comment')]);
  expect(await extract(commented, 'a/deflated')).toEqual(content);
});

test('refuses what is missing, cut, damaged or too large', async () => {
  await expect(extract(archive, 'b')).rejects.toThrow(/holds no b/);
  await expect(extract(Buffer.from('PK'), 'b')).rejects.toThrow(ZipError);
  await expect(extract(Buffer.alloc(0), 'b')).rejects.toThrow(ZipError);
  await expect(extract(archive.subarray(100), 'a/deflated')).rejects.toThrow(ZipError);
  await expect(extract(archive, 'a/stored', { ...OPTIONS, maxBytes: 10 })).rejects.toThrow(/larger than 10/);

  const flipped = Buffer.from(archive);
  flipped.writeUInt8(flipped.readUInt8(500) ^ 1, 500);
  await expect(extract(flipped, 'a/stored')).rejects.toThrow(/checksum/);
  const inDeflated = 30 + 'a/stored'.length + content.length + 30 + 'a/deflated'.length + 3;
  const broken = Buffer.from(archive);
  broken.fill(0xff, inDeflated, inDeflated + 20);
  await expect(extract(broken, 'a/deflated')).rejects.toThrow(ZipError);
});

test('refuses a file that unpacks to more than its directory says', async () => {
  const lying = zipOf([{ name: 'x', content }]);
  const directorySize = lying.length - 22 - 47 + 24;
  lying.writeUInt32LE(10, directorySize);
  await expect(extract(lying, 'x')).rejects.toThrow(/larger than its directory/);
});
