import { mkdir, open, readdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { BackupError, directoryEntry, type BackupEntry } from './backup.entry.ts';
import { syncPath } from './durable.files.ts';

const CHUNK_BYTES = 1 << 20;

/** Writes entries under a directory that exists, files and directories synced. */
export async function writeEntries(root: string, entries: AsyncIterable<BackupEntry>): Promise<void> {
  const directories = new Set([root]);
  for await (const entry of entries) {
    const path = join(root, safePath(entry.path));
    await mkdir(entry.kind === 'directory' ? path : dirname(path), { recursive: true, mode: 0o700 });
    directories.add(entry.kind === 'directory' ? path : dirname(path));
    if (entry.kind === 'file') await writeFile(path, entry.chunks);
  }
  for (const directory of directories) await syncPath(directory);
}

async function writeFile(path: string, chunks: AsyncIterable<Buffer>): Promise<void> {
  const handle = await open(path, 'wx', 0o600);
  try {
    for await (const chunk of chunks) await handle.writeFile(chunk);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** A path in an archive of unknown origin must not lead out of where it is unpacked. */
function safePath(path: string): string {
  if (path !== '' && !path.startsWith('/') && path.split('/').every((part) => part !== '..' && !part.includes('\0'))) {
    return path;
  }
  throw new BackupError(`The backup holds the path ${JSON.stringify(path)}, which leads out of it.`);
}

/** What `writeEntries` wrote. */
export async function* readEntries(root: string, under = ''): AsyncGenerator<BackupEntry> {
  for (const found of await readdir(join(root, under), { withFileTypes: true })) {
    const path = under === '' ? found.name : `${under}/${found.name}`;
    if (found.isDirectory()) {
      yield directoryEntry(path);
      yield* readEntries(root, path);
    } else if (found.isFile()) {
      const { size } = await stat(join(root, path));
      yield { path, kind: 'file', sizeBytes: size, chunks: readChunks(join(root, path), size) };
    } else {
      throw new BackupError(`${join(root, path)} is neither file nor directory.`);
    }
  }
}

/** Exactly so many bytes of a file: of one that grows meanwhile the beginning, of one that shrinks zeros at its end. */
export async function* readChunks(path: string, sizeBytes: number): AsyncGenerator<Buffer> {
  const handle = await open(path, 'r');
  try {
    for (let position = 0; position < sizeBytes;) {
      const buffer = Buffer.alloc(Math.min(CHUNK_BYTES, sizeBytes - position));
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, position);
      const chunk = bytesRead === 0 ? buffer : buffer.subarray(0, bytesRead);
      position += chunk.length;
      yield chunk;
    }
  } finally {
    await handle.close();
  }
}
