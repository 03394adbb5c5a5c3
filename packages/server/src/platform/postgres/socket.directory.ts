import { createHash } from 'node:crypto';
import { chmod, lchown, lstat, mkdir, mkdtemp, rmdir } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { EmbeddedPostgresError, errnoOf, USE_YOUR_OWN } from './embedded.problems.ts';
import { PORT } from './embedded.types.ts';
import type { Account, Cluster } from './embedded.types.ts';
import { canEnter } from './program.run.ts';

/** sockaddr_un.sun_path without its final NUL: unix(7) on Linux, sys/un.h on macOS. */
const PATH_BYTES_MAX = process.platform === 'linux' ? 107 : 103;

export function socketPath(directory: string): string {
  return join(directory, `.s.PGSQL.${PORT}`);
}

export function fits(directory: string): boolean {
  return Buffer.byteLength(socketPath(directory)) <= PATH_BYTES_MAX;
}

/** Eight hex digits that stand for a data directory, in the names of its processes and of its socket's directory. */
export function clusterTag(pgdata: string): string {
  return createHash('sha256').update(pgdata).digest('hex').slice(0, 8);
}

/**
 * A directory for the socket that only PostgreSQL's account can enter; that is the whole of its access control, since
 * it trusts who reaches the socket. Beside the data where the path is short enough and the file system has sockets;
 * else a short one under the temporary directory, by a name that follows from the data directory; and when somebody
 * else sits on that name, one that cannot be foreseen.
 */
export async function makeSocketDirectory(cluster: Cluster): Promise<string> {
  const { account, surroundings } = cluster;
  const name = `holdfast-${account?.uid ?? process.getuid?.() ?? 0}-${clusterTag(cluster.pgdata)}`;
  const candidates = [join(cluster.home, 'run'), join(surroundings.temporaryDir, name)];
  if (account !== undefined) candidates.push(join(surroundings.systemHome, name));
  for (const directory of candidates) {
    if (fits(directory) && (await makePrivate(directory, account)) && (await usable(directory, account))) {
      return directory;
    }
  }
  const unforeseen = join(surroundings.temporaryDir, 'holdfast-');
  if (fits(`${unforeseen}XXXXXX`)) {
    const directory = await mkdtemp(unforeseen);
    if ((await makePrivate(directory, account)) && (await usable(directory, account))) return directory;
    await rmdir(directory);
  }
  throw new EmbeddedPostgresError(
    'socket_path_too_long',
    `Found no directory for PostgreSQL's socket: its path may have ${PATH_BYTES_MAX} bytes, and its directory must be ` +
      `one that PostgreSQL's account can enter (tried ${candidates.join(', ')}). ` +
      `Choose a shorter data directory, set TMPDIR to a short directory, or ${USE_YOUR_OWN}.`,
  );
}

/** True when the directory is a real one, ours (or PostgreSQL's account's), and closed to everybody else. */
export async function makePrivate(directory: string, account: Account | undefined): Promise<boolean> {
  try {
    await mkdir(directory, { mode: 0o700 });
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'EACCES' || errnoOf(error) === 'EROFS') return false;
    if (errnoOf(error) !== 'EEXIST') throw error;
  }
  // lstat: a symlink that somebody laid there is not a directory.
  const found = await lstat(directory);
  const self = process.getuid?.();
  if (!found.isDirectory() || (found.uid !== self && found.uid !== account?.uid)) return false;
  if ((found.mode & 0o777) !== 0o700) await chmod(directory, 0o700);
  if (account !== undefined && found.uid !== account.uid) await lchown(directory, account.uid, account.gid);
  return true;
}

/** Some mounts (shared folders of virtual machines) refuse sockets; only trying tells. */
async function usable(directory: string, account: Account | undefined): Promise<boolean> {
  if (account !== undefined && !(await canEnter(account, directory))) return false;
  const server = createServer();
  return new Promise((done) => {
    server.once('error', () => done(false));
    server.listen(join(directory, `.probe.${process.pid % 100_000}`), () => server.close(() => done(true)));
  });
}

/** Takes away a directory under the temporary one once PostgreSQL has left it. */
export async function removeSocketDirectory(cluster: Cluster, directory: string): Promise<void> {
  if (directory === join(cluster.home, 'run')) return;
  // Not empty, or another's: then it stays.
  await rmdir(directory).catch(() => undefined);
}
