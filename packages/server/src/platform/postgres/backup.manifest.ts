import { createHash } from 'node:crypto';
import { BackupError, type BackupEntry } from './backup.entry.ts';

/** The last file of a backup: what it is, and what each of its files holds. */
export interface BackupManifest {
  format: 'holdfast-backup-1';
  /** What the one who made it says of it, such as Holdfast's version. */
  about: Record<string, string>;
  postgres: string;
  systemId: string;
  startedAt: string;
  finishedAt: string;
  startLsn: string;
  /** It holds everything that was committed up to here. */
  stopLsn: string;
  files: Record<string, { bytes: number; sha256: string }>;
}

export const MANIFEST = 'backup.json';
/** Where in a backup PostgreSQL's data directory is. */
export const DATA = 'postgres';

/** Sums up the files that go through it. */
export class FileSums {
  readonly files: BackupManifest['files'] = {};

  async *watch(entries: AsyncIterable<BackupEntry>, onBytes: (bytes: number) => void): AsyncGenerator<BackupEntry> {
    for await (const entry of entries) {
      if (entry.kind === 'directory') yield entry;
      else yield { ...entry, chunks: this.#sum(entry, onBytes) };
    }
  }

  async *#sum({ path, chunks }: BackupEntry, onBytes: (bytes: number) => void): AsyncGenerator<Buffer> {
    const hash = createHash('sha256');
    let bytes = 0;
    for await (const chunk of chunks) {
      hash.update(chunk);
      bytes += chunk.length;
      onBytes(chunk.length);
      yield chunk;
    }
    this.files[path] = { bytes, sha256: hash.digest('hex') };
  }

  /**
   * Compares what went through with what a manifest says.
   *
   * @throws BackupError
   */
  check({ files: wanted }: BackupManifest): void {
    for (const [path, { bytes, sha256 }] of Object.entries(wanted)) {
      const found = this.files[path];
      if (found === undefined) throw new BackupError(`The backup is damaged: ${path} is missing.`);
      if (found.bytes !== bytes || found.sha256 !== sha256) {
        throw new BackupError(`The backup is damaged: ${path} is not what was backed up (its checksum differs).`);
      }
    }
    const stranger = Object.keys(this.files).find((path) => wanted[path] === undefined);
    if (stranger !== undefined) throw new BackupError(`The backup is damaged: ${stranger} does not belong to it.`);
  }
}

/** @throws BackupError */
export function parseManifest(text: string | null): BackupManifest {
  if (text === null)
    throw new BackupError(`This is no backup of Holdfast, or an unfinished one: it has no ${MANIFEST}.`);
  const manifest = parseOrNull(text) as Partial<BackupManifest> | null;
  const isKnown =
    manifest?.format === 'holdfast-backup-1' &&
    typeof manifest.files === 'object' &&
    manifest.files !== null &&
    /^\d+/.test(manifest.postgres ?? '');
  if (!isKnown) {
    throw new BackupError(`This is no backup that this Holdfast knows: see its ${MANIFEST}.`);
  }
  return manifest as BackupManifest;
}

function parseOrNull(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
