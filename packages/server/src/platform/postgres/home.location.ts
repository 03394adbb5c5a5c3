import {
  chmod,
  lchown,
  link,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  realpath,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { chooseAccount, runningAsRoot } from './account.choice.ts';
import { EmbeddedPostgresError, errnoOf, USE_YOUR_OWN } from './embedded.problems.ts';
import type { Account, Cluster, EmbeddedOptions, Surroundings } from './embedded.types.ts';
import { canEnter } from './program.run.ts';

/** Names the place of data that could not stay in the directory asked for. */
const POINTER = 'postgres.location';

/**
 * Finds where the data of a directory lives and who runs PostgreSQL on it. Root's data under a parent that PostgreSQL's
 * account cannot enter (root's own home) goes to a directory under /var/lib/holdfast, and a pointer to it stays behind,
 * so that every later start finds it again, and removing the directory means starting anew.
 */
export async function locateCluster(options: EmbeddedOptions, surroundings: Surroundings): Promise<Cluster> {
  const asked = await makeDirectory(resolve(options.dataDir));
  const pointed = await readPointer(asked);
  let home = pointed ?? asked;
  const owner = await ownerOf(join(home, 'postgres'));
  const account = await chooseAccount(owner);
  if (owner !== undefined) {
    await checkOwnership(join(home, 'postgres'), owner, account);
  } else if (pointed === undefined && account !== undefined && !(await canEnter(account, asked))) {
    home = await moveOut(asked, surroundings.systemHome);
  }
  if (home !== asked) {
    options.log('warn', `PostgreSQL's account cannot enter ${asked}; its data is in ${home}`, {
      account: account?.name,
    });
  }
  const pgdata = await realpath(join(home, 'postgres')).catch(() => join(home, 'postgres'));
  if (account !== undefined && owner?.uid === 0) await giveAway(pgdata, account, options);
  return { home, pgdata, account, settings: options.settings ?? {}, surroundings, log: options.log };
}

/** Root's new directories can be passed through by PostgreSQL's account, and listed by nobody else. */
async function makeDirectory(directory: string): Promise<string> {
  const first = await mkdir(directory, { recursive: true, mode: 0o700 });
  if (first !== undefined && runningAsRoot()) {
    for (let made = directory; made.length >= first.length; made = dirname(made)) await chmod(made, 0o711);
  }
  return realpath(directory);
}

async function readPointer(asked: string): Promise<string | undefined> {
  try {
    const home = (await readFile(join(asked, POINTER), 'utf8')).trim();
    return home === '' ? undefined : home;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

async function ownerOf(pgdata: string): Promise<{ uid: number; gid: number } | undefined> {
  try {
    const { uid, gid } = await stat(pgdata);
    // An empty directory (a mount point, or one made by hand) is no data yet.
    return (await readdir(pgdata)).length === 0 ? undefined : { uid, gid };
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    if (errnoOf(error) !== 'EACCES') throw error;
    throw unusable(`${pgdata} cannot be read by this user. Start Holdfast as the user who started it before`, error);
  }
}

async function checkOwnership(pgdata: string, owner: { uid: number }, account: Account | undefined): Promise<void> {
  if (account === undefined) {
    if (owner.uid === process.getuid?.()) return;
    throw unusable(`${pgdata} belongs to uid ${owner.uid}. Start Holdfast as that user, or as root`);
  }
  if (await canEnter(account, dirname(pgdata))) return;
  throw unusable(
    `${pgdata} holds data, but lies under a directory that ${account.name} cannot enter, and PostgreSQL does not run ` +
      `as root. Move the data directory elsewhere (such as under /var/lib/holdfast)`,
  );
}

function unusable(what: string, cause?: unknown): EmbeddedPostgresError {
  return new EmbeddedPostgresError('data_directory_unusable', `${what}, or ${USE_YOUR_OWN}.`, { cause });
}

async function moveOut(asked: string, systemHome: string): Promise<string> {
  await mkdir(systemHome, { recursive: true, mode: 0o755 });
  await chmod(systemHome, 0o755);
  const home = await mkdtemp(join(systemHome, `${basename(asked)}-`));
  await chmod(home, 0o711);
  // Written aside and linked into place: of two who start at once, both follow the first.
  const draft = join(asked, `${POINTER}.${basename(home)}`);
  await writeFile(draft, `${home}\n`);
  try {
    await link(draft, join(asked, POINTER));
    return home;
  } catch (error) {
    const winner = await readPointer(asked);
    if (errnoOf(error) !== 'EEXIST' || winner === undefined) throw error;
    await rm(home, { recursive: true });
    return winner;
  } finally {
    await rm(draft, { force: true });
  }
}

/** A backup that root copied back belongs to root; PostgreSQL insists on owning its files. */
async function giveAway(directory: string, account: Account, options: EmbeddedOptions): Promise<void> {
  options.log('info', `giving ${directory} to ${account.name}, which PostgreSQL runs as`);
  await lchown(directory, account.uid, account.gid);
  for (const entry of await readdir(directory, { recursive: true })) {
    const path = join(directory, entry);
    if ((await lstat(path)).uid !== account.uid) await lchown(path, account.uid, account.gid);
  }
}
