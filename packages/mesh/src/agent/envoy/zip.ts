/** Reads one file out of a zip archive (PKWARE APPNOTE 6.3, no zip64, no encryption): what a Python wheel needs. */
import { createReadStream, createWriteStream } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { PassThrough, Transform, type TransformCallback } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { crc32, createInflateRaw } from 'node:zlib';

const END_SIGNATURE = 0x06054b50;
const END_BYTES = 22;
const MAX_COMMENT_BYTES = 0xffff;
const ENTRY_SIGNATURE = 0x02014b50;
const ENTRY_BYTES = 46;
const LOCAL_SIGNATURE = 0x04034b50;
const LOCAL_BYTES = 30;
const STORED = 0;
const DEFLATED = 8;
const MAX_DIRECTORY_BYTES = 16 << 20;

/** The archive is not one that we can read, or its content is not what its directory says. */
export class ZipError extends Error {
  override readonly name = 'ZipError';
}

interface Entry {
  method: number;
  crc: number;
  compressedBytes: number;
  sizeBytes: number;
  headerOffset: number;
}

/** Unpacks `name` into the new file `target`; throws ZipError, or the file system's error. */
export async function extractFile(
  archivePath: string,
  name: string,
  target: string,
  options: { maxBytes: number; mode: number },
): Promise<void> {
  const archive = await open(archivePath, 'r');
  try {
    const entry = await findEntry(archive, name);
    if (entry.sizeBytes > options.maxBytes) throw new ZipError(`${name} is larger than ${options.maxBytes} bytes`);
    const start = await dataOffset(archive, entry);
    if (entry.method !== STORED && entry.method !== DEFLATED) {
      throw new ZipError(`${name} is compressed by method ${entry.method}`);
    }
    const source =
      entry.compressedBytes === 0
        ? new PassThrough().end()
        : createReadStream(archivePath, { start, end: start + entry.compressedBytes - 1, highWaterMark: 1 << 20 });
    const decoder = entry.method === DEFLATED ? createInflateRaw({ chunkSize: 1 << 20 }) : new PassThrough();
    const sink = createWriteStream(target, { flags: 'wx', mode: options.mode });
    await pipeline(source, decoder, new Checksum(entry), sink).catch((error: NodeJS.ErrnoException) => {
      throw error.code?.startsWith('Z_') ? new ZipError(`${name} is damaged: ${error.message}`) : error;
    });
  } finally {
    await archive.close();
  }
}

async function findEntry(archive: FileHandle, name: string): Promise<Entry> {
  const { size: archiveBytes } = await archive.stat();
  const tailBytes = Math.min(archiveBytes, END_BYTES + MAX_COMMENT_BYTES);
  const tail = await read(archive, archiveBytes - tailBytes, tailBytes);
  let end = tail.length - END_BYTES;
  while (end >= 0 && tail.readUInt32LE(end) !== END_SIGNATURE) end -= 1;
  if (end < 0) throw new ZipError('not a zip archive');

  const directoryBytes = tail.readUInt32LE(end + 12);
  const directoryOffset = tail.readUInt32LE(end + 16);
  if (directoryBytes > MAX_DIRECTORY_BYTES) throw new ZipError('the directory is too large');
  const directory = await read(archive, directoryOffset, directoryBytes);
  let at = 0;
  while (at + ENTRY_BYTES <= directory.length && directory.readUInt32LE(at) === ENTRY_SIGNATURE) {
    const nameEnd = at + ENTRY_BYTES + directory.readUInt16LE(at + 28);
    if (directory.toString('utf8', at + ENTRY_BYTES, nameEnd) === name) {
      return {
        method: directory.readUInt16LE(at + 10),
        crc: directory.readUInt32LE(at + 16),
        compressedBytes: directory.readUInt32LE(at + 20),
        sizeBytes: directory.readUInt32LE(at + 24),
        headerOffset: directory.readUInt32LE(at + 42),
      };
    }
    at = nameEnd + directory.readUInt16LE(at + 30) + directory.readUInt16LE(at + 32);
  }
  throw new ZipError(`the archive holds no ${name}`);
}

async function dataOffset(archive: FileHandle, entry: Entry): Promise<number> {
  const header = await read(archive, entry.headerOffset, LOCAL_BYTES);
  if (header.readUInt32LE(0) !== LOCAL_SIGNATURE) throw new ZipError('the directory points to no file');
  return entry.headerOffset + LOCAL_BYTES + header.readUInt16LE(26) + header.readUInt16LE(28);
}

async function read(archive: FileHandle, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length);
  const { bytesRead } = await archive.read(buffer, 0, length, position);
  if (bytesRead !== length) throw new ZipError('the archive is cut short');
  return buffer;
}

/** Lets through what the directory announced, and fails on one byte more, one less, or another checksum. */
class Checksum extends Transform {
  #crc = 0;
  #bytes = 0;
  readonly #entry: Entry;

  constructor(entry: Entry) {
    super();
    this.#entry = entry;
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    this.#crc = crc32(chunk, this.#crc);
    this.#bytes += chunk.length;
    if (this.#bytes > this.#entry.sizeBytes) done(new ZipError('the file is larger than its directory says'));
    else done(null, chunk);
  }

  override _flush(done: TransformCallback): void {
    const isRight = this.#bytes === this.#entry.sizeBytes && this.#crc === this.#entry.crc;
    done(isRight ? null : new ZipError('the file has another size or checksum than its directory says'));
  }
}
