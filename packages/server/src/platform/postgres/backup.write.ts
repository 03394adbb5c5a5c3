import { access, mkdir, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { systemClock, toRfc3339 } from '../../kernel/clock.ts';
import { removeAbandoned } from './abandoned.drafts.ts';
import { readChunks, writeEntries } from './backup.directory.ts';
import {
  BackupError,
  BackupRefused,
  bytesEntry,
  directoryEntry,
  textEntry,
  type BackupEntry,
  type BackupProgress,
} from './backup.entry.ts';
import { DATA, FileSums, MANIFEST, type BackupManifest } from './backup.manifest.ts';
import { startBackup, type BackupEnd, type BackupSession } from './backup.session.sql.ts';
import { writeTar } from './backup.tar.ts';
import { syncPath } from './durable.files.ts';
import { errnoOf } from './embedded.problems.ts';
import type { EmbeddedPostgres } from './embedded.types.ts';

export interface WriteBackupOptions {
  postgres: Pick<EmbeddedPostgres, 'connection'>;
  /** A directory, or a file that ends in .tar, .tar.gz or .tgz; it must not exist. */
  target: string;
  about: Record<string, string>;
  onProgress?: BackupProgress;
}

/** PostgreSQL makes their content anew when it starts (its manual, "Backing Up The Data Directory"). */
const EMPTIED = new Set([
  'pg_wal',
  'pg_replslot',
  'pg_dynshmem',
  'pg_notify',
  'pg_serial',
  'pg_snapshots',
  'pg_stat_tmp',
  'pg_subtrans',
]);
const LEFT_OUT =
  /^(?:postmaster\.(?:pid|opts)|pg_internal\.init.*|backup_label|tablespace_map|backup_manifest|pgsql_tmp.*|t\d+_\d+.*|.*\.tmp)$/;
const CONTROL = 'global/pg_control';
const CONTROL_READS_MAX = 10;

/**
 * Backs up a PostgreSQL that runs, while it is written to: what it holds at the end of the backup can be started by
 * itself. The backup appears under its name when it is whole and synced.
 *
 * @throws BackupError, and what the disk and PostgreSQL throw
 */
export async function writeBackup(options: WriteBackupOptions): Promise<BackupManifest> {
  const target = resolve(options.target);
  await refuseOverwriting(target);
  await mkdir(dirname(target), { recursive: true });
  // Its own: another backup to the same place may be on its way.
  await removeAbandoned(dirname(target), { before: `${basename(target)}.`, after: '.partial' });
  const draft = `${target}.${process.pid}.partial`;
  const session = await startBackup(options.postgres);
  try {
    const backup = new Backup(session, options);
    await backup.refuseTablespaces();
    if (/\.(?:tar|tar\.gz|tgz)$/i.test(target)) await writeTar(draft, backup.entries());
    else {
      await mkdir(draft, { mode: 0o700 });
      await writeEntries(draft, backup.entries());
    }
    await refuseOverwriting(target);
    await rename(draft, target);
    await syncPath(dirname(target));
    return backup.manifest();
  } catch (error) {
    await rm(draft, { recursive: true, force: true });
    throw error;
  } finally {
    await session.end();
  }
}

async function refuseOverwriting(target: string): Promise<void> {
  const exists = await access(target).then(
    () => true,
    () => false,
  );
  if (exists) throw new BackupRefused(`${target} exists already: a backup never overwrites.`);
}

class Backup {
  readonly #session: BackupSession;
  readonly #about: Record<string, string>;
  readonly #onProgress: BackupProgress;
  readonly #sums = new FileSums();
  readonly #startedAtMs = systemClock.now();
  #totalBytes = 0;
  #doneBytes = 0;
  #manifest: BackupManifest | null = null;

  constructor(session: BackupSession, { about, onProgress }: WriteBackupOptions) {
    this.#session = session;
    this.#about = about;
    this.#onProgress = onProgress ?? (() => undefined);
  }

  manifest(): BackupManifest {
    if (this.#manifest === null) throw new Error('the backup is not complete');
    return this.#manifest;
  }

  async refuseTablespaces(): Promise<void> {
    if ((await readdir(join(this.#session.pgdata, 'pg_tblspc'))).length === 0) return;
    throw new BackupError(
      'This PostgreSQL has tablespaces outside of its data directory: back it up with pg_basebackup.',
    );
  }

  /** All of the backup, in the order in which it must be read. */
  async *entries(): AsyncGenerator<BackupEntry> {
    const paths: { path: string; isDirectory: boolean }[] = [];
    for await (const found of this.#walk('')) paths.push(found);
    const onBytes = (bytes: number): void => this.#onProgress((this.#doneBytes += bytes), this.#totalBytes);
    yield* this.#sums.watch(this.#dataAndLog(paths), onBytes);
    yield textEntry(MANIFEST, `${JSON.stringify(this.#manifest, null, 1)}\n`);
  }

  async *#dataAndLog(paths: { path: string; isDirectory: boolean }[]): AsyncGenerator<BackupEntry> {
    yield directoryEntry(DATA);
    for (const { path, isDirectory } of paths) {
      if (isDirectory) yield directoryEntry(`${DATA}/${path}`);
      else if (path !== CONTROL) yield* this.#file(path);
    }
    // Last, as pg_basebackup does: where recovery begins must not be later than what was copied.
    yield await this.#control();
    const end = await this.#session.stop();
    yield textEntry(`${DATA}/backup_label`, end.label);
    for (const name of await this.#segments(end)) yield* this.#file(`pg_wal/${name}`, true);
    this.#manifest = this.#describe(end);
  }

  /** Every file and directory that belongs into it, of which some may be gone by the time they are read. */
  async *#walk(under: string): AsyncGenerator<{ path: string; isDirectory: boolean }> {
    for (const found of await readdir(join(this.#session.pgdata, under), { withFileTypes: true }).catch(
      unlessMissing,
    )) {
      const path = under === '' ? found.name : `${under}/${found.name}`;
      if (LEFT_OUT.test(found.name)) continue;
      if (found.isDirectory()) {
        yield { path, isDirectory: true };
        if (path === 'pg_wal') yield { path: 'pg_wal/archive_status', isDirectory: true };
        else if (!EMPTIED.has(path)) yield* this.#walk(path);
      } else if (found.isFile()) {
        const size = await sizeOf(join(this.#session.pgdata, path));
        if (size !== null) this.#totalBytes += size;
        yield { path, isDirectory: false };
      }
    }
  }

  async *#file(path: string, isNeeded = false): AsyncGenerator<BackupEntry> {
    const full = join(this.#session.pgdata, path);
    const size = await sizeOf(full);
    // A table that was dropped since: the log says so too.
    if (size === null && !isNeeded) return;
    if (size === null) throw new BackupError(`PostgreSQL has removed ${path}, which the backup needs. Try again.`);
    yield { path: `${DATA}/${path}`, kind: 'file', sizeBytes: size, chunks: readIfThere(full, size) };
  }

  /** PostgreSQL writes it in place: two equal readings are one that was not cut in two. */
  async #control(): Promise<BackupEntry> {
    let before = await readFile(join(this.#session.pgdata, CONTROL));
    for (let reads = 1; reads < CONTROL_READS_MAX; reads += 1) {
      const bytes = await readFile(join(this.#session.pgdata, CONTROL));
      if (bytes.equals(before)) {
        return bytesEntry(`${DATA}/${CONTROL}`, bytes);
      }
      before = bytes;
    }
    throw new BackupError(`${CONTROL} changes too quickly to be read. Try again.`);
  }

  /** The log from the start to the end of the backup, and the history of timelines. */
  async #segments({ firstSegment, lastSegment }: BackupEnd): Promise<string[]> {
    const names = await readdir(join(this.#session.pgdata, 'pg_wal'));
    const segments = names.filter((name) => /^[0-9A-F]{24}$/.test(name) && name >= firstSegment && name <= lastSegment);
    for (const name of [firstSegment, lastSegment]) {
      if (!segments.includes(name))
        throw new BackupError(`PostgreSQL has removed pg_wal/${name}, which the backup needs. Try again.`);
    }
    return [...names.filter((name) => name.endsWith('.history')), ...segments].sort();
  }

  #describe({ stopLsn }: BackupEnd): BackupManifest {
    const { version: postgres, systemId, startLsn } = this.#session;
    const [startedAt, finishedAt] = [toRfc3339(this.#startedAtMs), toRfc3339(systemClock.now())];
    const { files } = this.#sums;
    return {
      format: 'holdfast-backup-1',
      about: this.#about,
      postgres,
      systemId,
      startedAt,
      finishedAt,
      startLsn,
      stopLsn,
      files,
    };
  }
}

async function sizeOf(path: string): Promise<number | null> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return null;
    throw error;
  }
}

/** Its size was promised: one that is gone by now is zeros, and dropped by the log. */
async function* readIfThere(path: string, sizeBytes: number): AsyncGenerator<Buffer> {
  try {
    yield* readChunks(path, sizeBytes);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
    yield Buffer.alloc(sizeBytes);
  }
}

function unlessMissing(error: unknown): [] {
  if (errnoOf(error) === 'ENOENT') return [];
  throw error;
}
