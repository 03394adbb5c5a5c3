import { createReadStream, createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';
import { BackupError, type BackupEntry } from './backup.entry.ts';
import { errnoOf } from './embedded.problems.ts';

const BLOCK = 512;
const NAME_BYTES_MAX = 100;
/** The largest size that eleven octal digits hold. PostgreSQL's own files end at 1 GiB. */
const SIZE_MAX = 8 ** 11 - 1;
const GZIP_LEVEL = 3;

export function isGzipped(path: string): boolean {
  return /\.t?gz$/i.test(path);
}

/** Writes a POSIX ustar archive (IEEE Std 1003.1, pax), so that any tar can read it; synced when it is whole. */
export async function writeTar(path: string, entries: AsyncIterable<BackupEntry>): Promise<void> {
  const target = createWriteStream(path, { flags: 'wx', mode: 0o600, flush: true });
  const source = Readable.from(archive(entries), { objectMode: false, highWaterMark: 1 << 20 });
  if (isGzipped(path.replace(/(?:\.\d+)?\.partial$/, '')))
    await pipeline(source, createGzip({ level: GZIP_LEVEL }), target);
  else await pipeline(source, target);
}

async function* archive(entries: AsyncIterable<BackupEntry>): AsyncGenerator<Buffer> {
  for await (const entry of entries) {
    yield header(entry);
    yield* entry.chunks;
    yield Buffer.alloc(padding(entry.sizeBytes));
  }
  yield Buffer.alloc(2 * BLOCK);
}

function header({ path, kind, sizeBytes }: BackupEntry): Buffer {
  const name = kind === 'directory' ? `${path}/` : path;
  if (Buffer.byteLength(name) > NAME_BYTES_MAX || sizeBytes > SIZE_MAX) {
    throw new BackupError(`${path} has too long a name, or is too large, for an archive: back up to a directory.`);
  }
  const block = Buffer.alloc(BLOCK);
  const put = (text: string, offset: number): void => void block.write(text, offset, 'utf8');
  put(name, 0);
  put(kind === 'directory' ? '0000700\0' : '0000600\0', 100);
  put('0000000\0', 108);
  put('0000000\0', 116);
  put(`${octal(sizeBytes, 11)}\0`, 124);
  put(`${octal(0, 11)}\0`, 136);
  put('        ', 148);
  put(kind === 'directory' ? '5' : '0', 156);
  put('ustar\x0000', 257);
  put(`${octal(sum(block), 6)}\0 `, 148);
  return block;
}

/** Reads what `writeTar` wrote, or another tar made of the same files. */
export async function* readTar(path: string): AsyncGenerator<BackupEntry> {
  const file = createReadStream(path, { highWaterMark: 1 << 20 });
  const source = isGzipped(path) ? file.pipe(createGunzip()) : file;
  // A pipe does not hand errors on.
  file.on('error', (error) => source.destroy(error));
  const bytes = new ByteReader(source);
  try {
    for (;;) {
      const block = await bytes.read(BLOCK);
      if (block.every((byte) => byte === 0)) return;
      const entry = parseHeader(block, path);
      const body = bytes.take(entry.sizeBytes);
      yield { ...entry, chunks: body };
      // What its reader left, and the padding.
      for await (const _rest of body);
      await bytes.read(padding(entry.sizeBytes));
    }
  } finally {
    file.destroy();
  }
}

function parseHeader(block: Buffer, archivePath: string): Omit<BackupEntry, 'chunks'> {
  const field = (start: number, length: number): string => {
    const text = block.toString('utf8', start, start + length);
    return text.slice(0, text.includes('\0') ? text.indexOf('\0') : undefined).trim();
  };
  const wanted = Number.parseInt(field(148, 8), 8);
  const blank = Buffer.from(block).fill(' ', 148, 156);
  if (field(257, 5) !== 'ustar' || sum(blank) !== wanted)
    throw new BackupError(`${archivePath} is no tar archive, or is damaged.`);
  const prefix = field(345, 155);
  const name = `${prefix === '' ? '' : `${prefix}/`}${field(0, NAME_BYTES_MAX)}`
    .replace(/^\.\//, '')
    .replace(/\/$/, '');
  const type = String.fromCharCode(block[156] ?? 0);
  if (type !== '0' && type !== '\0' && type !== '5')
    throw new BackupError(`${archivePath} holds ${name}, which is neither file nor directory.`);
  const kind = type === '5' ? 'directory' : 'file';
  return { path: name, kind, sizeBytes: kind === 'directory' ? 0 : Number.parseInt(field(124, 12), 8) };
}

function octal(value: number, digits: number): string {
  return value.toString(8).padStart(digits, '0');
}

function sum(block: Buffer): number {
  return block.reduce((total, byte) => total + byte, 0);
}

function padding(sizeBytes: number): number {
  return (BLOCK - (sizeBytes % BLOCK)) % BLOCK;
}

/** Takes a stream apart by numbers of bytes. */
class ByteReader {
  readonly #chunks: AsyncIterator<Buffer>;
  #left: Buffer = Buffer.alloc(0);

  constructor(stream: AsyncIterable<Buffer>) {
    this.#chunks = stream[Symbol.asyncIterator]();
  }

  async read(count: number): Promise<Buffer> {
    const parts: Buffer[] = [];
    for await (const part of this.take(count)) parts.push(part);
    return Buffer.concat(parts);
  }

  async *take(count: number): AsyncGenerator<Buffer> {
    for (let left = count; left > 0;) {
      if (this.#left.length === 0) {
        const { value, done } = await this.#next();
        if (done === true) throw new BackupError('The archive ends too early: it was cut short.');
        this.#left = value;
      }
      const part = this.#left.subarray(0, left);
      this.#left = this.#left.subarray(part.length);
      left -= part.length;
      yield part;
    }
  }

  async #next(): Promise<IteratorResult<Buffer, unknown>> {
    try {
      return await this.#chunks.next();
    } catch (error) {
      // zlib's own words are for programmers.
      if (!errnoOf(error).startsWith('Z_')) throw error;
      throw new BackupError('The archive is damaged, or was cut short: it cannot be unzipped.', { cause: error });
    }
  }
}
