import { appendFile, lchown, mkdtemp, readFile, readdir, rename, rm, stat } from 'node:fs/promises';
import { totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import { systemClock } from '../../kernel/clock.ts';
import type { Binaries } from './binaries.search.ts';
import { renderSettings } from './cluster.settings.ts';
import { replaceFile, syncPath } from './durable.files.ts';
import { EmbeddedPostgresError, errnoOf, USE_YOUR_OWN } from './embedded.problems.ts';
import { SUPERUSER } from './embedded.types.ts';
import type { Cluster } from './embedded.types.ts';
import { runProgram } from './program.run.ts';

const INCLUDE = "include 'holdfast.conf'";
const DRAFT = 'postgres.draft-';
/** Nobody works on a draft for so long: its maker was killed. */
const DRAFT_ABANDONED_MS = 600_000;

/** The major version that wrote the data, or undefined when there is no data yet. */
export async function majorOfData(cluster: Cluster): Promise<number | undefined> {
  try {
    return Number((await readFile(join(cluster.pgdata, 'PG_VERSION'), 'utf8')).trim());
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
  }
  const entries = await readdir(cluster.pgdata).catch(() => []);
  if (entries.length === 0) return undefined;
  throw new EmbeddedPostgresError(
    'data_directory_unusable',
    `${cluster.pgdata} is neither empty nor a PostgreSQL data directory. Move it away, choose another data ` +
      `directory, or ${USE_YOUR_OWN}.`,
  );
}

/**
 * Makes the data directory: aside, synced by initdb, then renamed into place, so that a kill or a power cut leaves a
 * whole one or none. Of two makers the first wins and the second uses its work.
 */
export async function createData(cluster: Cluster, binaries: Binaries): Promise<void> {
  await removeAbandonedDrafts(cluster);
  // Beside the data, which may be on another disk than the directory that links to them.
  const draft = await mkdtemp(join(dirname(cluster.pgdata), DRAFT));
  try {
    if (cluster.account !== undefined) await lchown(draft, cluster.account.uid, cluster.account.gid);
    await initdb(cluster, binaries, draft);
    await appendFile(join(draft, 'postgresql.conf'), `\n${INCLUDE}\n`, { flush: true });
    await replaceFile(join(draft, 'holdfast.conf'), '', cluster.account);
    await rename(draft, cluster.pgdata);
    await syncPath(dirname(cluster.pgdata));
  } catch (error) {
    await rm(draft, { recursive: true, force: true });
    if (errnoOf(error) === 'EBUSY') throw mountPoint(cluster, error);
    if (errnoOf(error) !== 'ENOTEMPTY' && errnoOf(error) !== 'EEXIST') throw error;
  }
}

/** What a rename to a mount point fails with, in words. */
export function mountPoint({ home, pgdata }: Cluster, cause: unknown): EmbeddedPostgresError {
  return new EmbeddedPostgresError(
    'data_directory_unusable',
    `${pgdata} is a mount point, and data cannot be put in its place. Mount it at ${home}, choose another data ` +
      `directory, or ${USE_YOUR_OWN}.`,
    { cause },
  );
}

async function initdb(cluster: Cluster, binaries: Binaries, directory: string): Promise<void> {
  let outcome;
  for (const locale of localesToTry(binaries.major)) {
    outcome = await runProgram(
      join(binaries.bin, 'initdb'),
      // Who reaches the socket is trusted, and its directory is closed; TCP is refused even if it is switched on.
      ['-D', directory, '-U', SUPERUSER, '--auth-local=trust', '--auth-host=reject', '-E', 'UTF8', '-k', ...locale],
      { account: cluster.account },
    );
    if (outcome.ok) return;
  }
  throw new EmbeddedPostgresError(
    'start_failed',
    `PostgreSQL could not make its data directory in ${cluster.home}: ${outcome?.stderr.trim() ?? ''}`,
  );
}

/** Sorted by code point, as COLLATE "C" is, while upper, lower and regular expressions know all letters. */
function localesToTry(major: number): string[][] {
  if (major >= 17) return [['--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8']];
  return [['--locale=C', '--lc-ctype=C.UTF-8'], ['--locale=C']];
}

async function removeAbandonedDrafts(cluster: Cluster): Promise<void> {
  const beside = dirname(cluster.pgdata);
  for (const name of await readdir(beside)) {
    const path = join(beside, name);
    if (!name.startsWith(DRAFT)) continue;
    const found = await stat(path).catch(() => undefined);
    if (found === undefined || systemClock.now() - found.mtimeMs < DRAFT_ABANDONED_MS) continue;
    await rm(path, { recursive: true, force: true });
  }
}

/** Writes holdfast.conf, and sees that postgresql.conf (which may come from elsewhere) includes it. */
export async function writeSettings(cluster: Cluster, socketDirectory: string): Promise<void> {
  const memoryBytes = Math.min(totalmem(), process.constrainedMemory() || Number.POSITIVE_INFINITY);
  const { pgdata, settings: extra, account } = cluster;
  const text = renderSettings({ pgdata, socketDirectory, memoryBytes, extra });
  await replaceFile(join(pgdata, 'holdfast.conf'), text, account);
  const main = await readFile(join(pgdata, 'postgresql.conf'), 'utf8');
  if (!main.includes(INCLUDE)) {
    await replaceFile(join(pgdata, 'postgresql.conf'), `${main}\n${INCLUDE}\n`, account);
  }
}
