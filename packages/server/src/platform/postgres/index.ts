import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { removeAbandonedData } from './abandoned.drafts.ts';
import { restoreInto, type RestoreBackupOptions, type RestoreReport } from './backup.restore.ts';
import { packagedBinaries } from './binaries.search.ts';
import { attachTo, serveFrom } from './embedded.service.ts';
import type { EmbeddedLog, EmbeddedOptions, EmbeddedPostgres, Surroundings } from './embedded.types.ts';

export { BackupError, type BackupProgress } from './backup.entry.ts';
export type { BackupManifest } from './backup.manifest.ts';
export type { RestoreReport } from './backup.restore.ts';
export { writeBackup } from './backup.write.ts';
export { holdsData } from './home.location.ts';
export { EmbeddedPostgresError } from './embedded.problems.ts';
export type { EmbeddedPostgresErrorCode } from './embedded.problems.ts';
export { readRestoreMark, removeRestoreMark } from './restore.mark.ts';
export type { EmbeddedLog, EmbeddedOptions, EmbeddedPostgres } from './embedded.types.ts';

function thisMachine(): Surroundings {
  return {
    nativeDir: packagedBinaries(),
    searchMachine: true,
    systemHome: '/var/lib/holdfast',
    temporaryDir: tmpdir(),
  };
}

/**
 * A PostgreSQL of Holdfast's own for a server, on a Unix socket, with fsync on: starts it (0.2 s; 1 s when the data
 * directory is new), or adopts the one that a killed server left running. Restarts it when it dies. Holds the data
 * directory until stop(), which stops PostgreSQL; so does a kill -9 of this process free the directory, but leaves
 * PostgreSQL running. Fails with EmbeddedPostgresError.
 */
export async function startEmbeddedPostgres(options: EmbeddedOptions): Promise<EmbeddedPostgres> {
  return serveFrom(options, thisMachine());
}

/**
 * The same PostgreSQL for a command that works beside a running server: attaches to it, or starts it when nobody does.
 * stop() leaves it running while a server or another command uses it. It neither restarts PostgreSQL nor calls
 * onRestart listeners.
 */
export async function attachOrStartEmbedded(options: EmbeddedOptions): Promise<EmbeddedPostgres> {
  return attachTo(options, thisMachine());
}

/**
 * Puts a backup that `writeBackup` made into a data directory that no PostgreSQL has open. Fails with BackupError and
 * EmbeddedPostgresError.
 */
export async function restoreBackup(options: RestoreBackupOptions): Promise<RestoreReport> {
  return restoreInto(options, thisMachine());
}

/**
 * A new directory for data that are needed for a while, among the temporary files. Those of commands that were killed
 * are taken away first, with the PostgreSQL that may still run on them.
 */
export async function makeTemporaryData(purpose: string, log: EmbeddedLog): Promise<string> {
  const before = `holdfast-${purpose}-`;
  await removeAbandonedData(tmpdir(), { before, after: '-' }, { log, surroundings: thisMachine() });
  return mkdtemp(join(tmpdir(), `${before}${process.pid}-`));
}
