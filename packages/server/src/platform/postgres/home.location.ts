import {
  chmod,
  lchown,
  link,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  realpath,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { accountOf, chooseAccount, runningAsRoot } from './account.choice.ts';
import { EmbeddedPostgresError, errnoOf, USE_YOUR_OWN } from './embedded.problems.ts';
import type { Account, Cluster, EmbeddedOptions, Surroundings } from './embedded.types.ts';
import { canEnter } from './program.run.ts';

/** Names the place of data that could not stay in the directory asked for. */
const POINTER = 'postgres.location';

/**
 * Finds where the data of a directory lives and who runs PostgreSQL on it. Root's data under a parent that PostgreSQL's
 * account cannot enter goes into the hands of the user whose directory that is, such as a service's own. In root's own
 * home it goes to a directory under /var/lib/holdfast, and a pointer to it stays behind, so that every later start finds
 * it again, and removing the directory means starting anew.
 */
export async function locateCluster(options: EmbeddedOptions, surroundings: Surroundings): Promise<Cluster> {
  const { asked, made } = await makeDirectory(resolve(options.dataDir));
  const pointed = await readPointer(asked);
  let home = pointed ?? asked;
  const owner = await ownerOf(join(home, 'postgres'));
  let account = await chooseAccount(owner);
  if (owner !== undefined) {
    await checkOwnership(join(home, 'postgres'), owner, account);
  } else if (pointed === undefined && account !== undefined && !(await canEnter(account, asked))) {
    const host = await hostOf(asked, made);
    if (host === undefined) home = await moveOut(asked, surroundings.systemHome);
    else account = host;
  }
  if (home !== asked) {
    options.log('warn', `PostgreSQL's account cannot enter ${asked}; its data is in ${home}`, {
      account: account?.name,
    });
  }
  const pgdata = await resolveData(join(home, 'postgres'));
  if (account !== undefined && owner?.uid === 0) await giveAway(pgdata, account, options);
  return { home, pgdata, account, settings: options.settings ?? {}, surroundings, log: options.log };
}

/** Whether data were made in a directory, or in the one that it points to. It makes nothing. */
export async function holdsData(dataDir: string): Promise<boolean> {
  const home = (await readPointer(dataDir)) ?? dataDir;
  return (await ownerOf(join(home, 'postgres'))) !== undefined;
}

/** Root's new directories can be passed through by PostgreSQL's account, and listed by nobody else. */
async function makeDirectory(directory: string): Promise<{ asked: string; made: string[] }> {
  const first = await mkdir(directory, { recursive: true, mode: 0o700 });
  const made: string[] = [];
  for (let one = directory; first !== undefined && one.length >= first.length; one = dirname(one)) made.push(one);
  if (runningAsRoot()) for (const one of made) await chmod(one, 0o711);
  return { asked: await realpath(directory), made };
}

/** The user in whose directory it lies, and to whom goes what was made of it; undefined where that is root's. */
async function hostOf(asked: string, made: readonly string[]): Promise<Account | undefined> {
  const host = await accountOf((await stat(dirname(made.at(-1) ?? join(asked, 'postgres')))).uid);
  if (host === undefined) return undefined;
  for (const directory of made) await lchown(directory, host.uid, host.gid);
  return (await canEnter(host, asked)) ? host : undefined;
}

/** Where the data really are: `postgres` may be a link to another disk, which may not be mounted. */
async function resolveData(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    const target = errnoOf(error) === 'ENOENT' ? await readlink(path).catch(() => undefined) : undefined;
    if (target === undefined) return path;
    throw unusable(`${path} is a link to ${target}, which is not there. Mount what holds it, or make it`, error);
  }
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
export async function giveAway(
  directory: string,
  account: Account,
  options: Pick<EmbeddedOptions, 'log'>,
): Promise<void> {
  options.log('info', `giving ${directory} to ${account.name}, which PostgreSQL runs as`);
  await lchown(directory, account.uid, account.gid);
  for (const entry of await readdir(directory, { recursive: true })) {
    const path = join(directory, entry);
    if ((await lstat(path)).uid !== account.uid) await lchown(path, account.uid, account.gid);
  }
}
