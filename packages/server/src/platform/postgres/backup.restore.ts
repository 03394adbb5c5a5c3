import { lstat, mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { systemClock, toRfc3339 } from '../../kernel/clock.ts';
import { removeAbandoned } from './abandoned.drafts.ts';
import { chooseAccount, runningAsRoot } from './account.choice.ts';
import { readEntries, writeEntries } from './backup.directory.ts';
import { BackupError, BackupRefused, textOf, type BackupEntry, type BackupProgress } from './backup.entry.ts';
import { DATA, FileSums, MANIFEST, parseManifest, type BackupManifest } from './backup.manifest.ts';
import { readTar } from './backup.tar.ts';
import { findBinaries } from './binaries.search.ts';
import { mountPoint } from './cluster.init.ts';
import { syncPath } from './durable.files.ts';
import { errnoOf } from './embedded.problems.ts';
import type { Cluster, EmbeddedLog, Surroundings } from './embedded.types.ts';
import { giveAway, locateCluster } from './home.location.ts';
import { findPostmaster } from './lock.files.ts';
import { markRestored } from './restore.mark.ts';

export interface RestoreBackupOptions {
  /** What `writeBackup` wrote: a directory or an archive. */
  source: string;
  dataDir: string;
  /** Data that is there is moved aside; without it they are a refusal. */
  force: boolean;
  log: EmbeddedLog;
  onProgress?: BackupProgress;
}

export interface RestoreReport {
  manifest: BackupManifest;
  /** The directory that now holds the data. */
  home: string;
  /** Where the data that were there are now; null where there were none. */
  movedTo: string | null;
}

const DRAFT = 'postgres.restore-';

/**
 * Puts a backup in a data directory: unpacked aside, compared with its checksums, then renamed into place, so that a
 * kill or a power cut leaves what was there or all of the backup.
 *
 * @throws BackupError, EmbeddedPostgresError
 */
export async function restoreInto(options: RestoreBackupOptions, surroundings: Surroundings): Promise<RestoreReport> {
  const { source, dataDir, force, log, onProgress = () => undefined } = options;
  const found = await stat(source).catch((error: unknown) => {
    throw new BackupError(`${source} cannot be read (${errnoOf(error)}).`, { cause: error });
  });
  const cluster = await locateCluster({ dataDir, log }, surroundings);
  await refuseOverwriting(cluster, force);
  // Beside the data, which may be on another disk than the directory that links to them.
  const beside = dirname(cluster.pgdata);
  await removeAbandoned(beside, { before: DRAFT, after: '-' });
  const draft = await mkdtemp(join(beside, `${DRAFT}${process.pid}-`));
  try {
    const entries = found.isDirectory() ? readEntries(source) : readTar(source);
    const manifest = await unpack(entries, draft, found.isDirectory() ? 0 : found.size, onProgress);
    // Says now, not at the next start, that this machine has no PostgreSQL for it.
    await findBinaries(cluster, Number.parseInt(manifest.postgres, 10));
    await refuseOverwriting(cluster, force);
    await markRestored(join(draft, DATA), `restored from a backup of ${manifest.finishedAt}`);
    await handOver(cluster, join(draft, DATA));
    const movedTo = await exchange(cluster, join(draft, DATA));
    await syncPath(beside);
    return { manifest, home: cluster.home, movedTo };
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

async function unpack(
  entries: AsyncIterable<BackupEntry>,
  draft: string,
  totalBytes: number,
  onProgress: BackupProgress,
): Promise<BackupManifest> {
  const sums = new FileSums();
  let doneBytes = 0;
  let manifestText: string | null = null;
  const content = async function* (): AsyncGenerator<BackupEntry> {
    for await (const entry of entries) {
      if (entry.path === MANIFEST) manifestText = await textOf(entry);
      else yield entry;
    }
  };
  const onBytes = (bytes: number): void => onProgress((doneBytes += bytes), totalBytes);
  await writeEntries(draft, sums.watch(content(), onBytes));
  const manifest = parseManifest(manifestText);
  sums.check(manifest);
  // Before data that are there are moved aside for it.
  if (manifest.files[`${DATA}/PG_VERSION`] === undefined) throw new BackupError('The backup holds no PostgreSQL data.');
  return manifest;
}

async function refuseOverwriting(cluster: Cluster, force: boolean): Promise<void> {
  if ((await findPostmaster(cluster.pgdata)) !== undefined) {
    throw new BackupRefused(`A PostgreSQL runs on ${cluster.pgdata}: stop Holdfast before you restore over its data.`);
  }
  if (!force && (await hasContent(cluster.pgdata))) {
    throw new BackupRefused(
      `There are data in ${cluster.home} already. Restore to another directory with --data, or move these aside with --force.`,
    );
  }
}

/** What root restores is whose the data were, or the directory is: a service that does not run as root finds its own. */
async function handOver(cluster: Cluster, restored: string): Promise<void> {
  if (!runningAsRoot()) return;
  const { uid, gid } = await stat((await hasContent(cluster.pgdata)) ? cluster.pgdata : cluster.home);
  const account = uid === 0 ? undefined : await chooseAccount({ uid, gid });
  if (account !== undefined) await giveAway(restored, account, cluster);
}

/** Gives where the data that were there are now. */
async function exchange(cluster: Cluster, restored: string): Promise<string | null> {
  let movedTo: string | null = null;
  try {
    movedTo = await moveAside(cluster);
    await rename(restored, cluster.pgdata);
    return movedTo;
  } catch (error) {
    if (movedTo !== null) await rename(movedTo, cluster.pgdata);
    throw errnoOf(error) === 'EBUSY' ? mountPoint(cluster, error) : error;
  }
}

/** Nothing is deleted: what was there can be moved back by hand. */
async function moveAside({ pgdata }: Cluster): Promise<string | null> {
  if (!(await hasContent(pgdata))) return null;
  const stamp = toRfc3339(systemClock.now()).replaceAll(/[:.]/g, '-');
  const aside = `${pgdata}.before-restore-${stamp}`;
  await rename(pgdata, aside);
  return aside;
}

async function hasContent(directory: string): Promise<boolean> {
  try {
    await lstat(directory);
    return (await readdir(directory)).length > 0;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false;
    throw error;
  }
}
