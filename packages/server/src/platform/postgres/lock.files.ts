import { readFile, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock } from '../../kernel/clock.ts';
import { errnoOf } from './embedded.problems.ts';
import type { Cluster } from './embedded.types.ts';
import { isPostmasterOf, processState } from './process.state.ts';
import { socketPath } from './socket.directory.ts';

/** What postmaster.pid tells (PostgreSQL's src/include/utils/pidfile.h names its lines). */
export interface PidFile {
  pid: number;
  port: number;
  socketDirectory: string;
}

/** A postmaster that has this data directory open; `certain` is false where the machine hides processes from us. */
export type Running = PidFile & { certain: boolean };

/** PostgreSQL writes a lock file right after it made it; one that stays empty was left by a power cut. */
const EMPTY_LEFT_MS = 2_000;

export function parsePidFile(text: string): PidFile | undefined {
  const lines = text.split('\n');
  const pid = Number(lines[0]);
  // The socket's directory is written a moment after the rest: without it nobody can connect yet.
  if (!Number.isInteger(pid) || pid <= 0) return undefined;
  return { pid, port: Number(lines[3] ?? 0), socketDirectory: lines[4] ?? '' };
}

/** The postmaster of this data directory, if one lives: not a dead one, a zombie, or a stranger with its pid. */
export async function findPostmaster(pgdata: string): Promise<Running | undefined> {
  const file = parsePidFile(await readOrEmpty(join(pgdata, 'postmaster.pid')));
  if (file === undefined || (await processState(file.pid)) !== 'alive') return undefined;
  const verdict = await isPostmasterOf(file.pid, pgdata);
  return verdict === 'no' ? undefined : { ...file, certain: verdict === 'yes' };
}

/**
 * Removes the lock files that would keep PostgreSQL from starting though nobody holds them. It overcomes a dead pid by
 * itself; it gives up on a zombie, on a stranger that was given the pid, and on an empty file.
 */
export async function removeStaleLocks(cluster: Cluster, socketDirectory: string): Promise<void> {
  for (const path of [join(cluster.pgdata, 'postmaster.pid'), `${socketPath(socketDirectory)}.lock`]) {
    const text = await readOrEmpty(path);
    const why = await reasonToRemove(path, text, cluster.pgdata);
    // Looked at once more: somebody may have started PostgreSQL since.
    if (why === undefined || (await readOrEmpty(path)) !== text) continue;
    await unlink(path).catch(ignoreMissing);
    cluster.log('warn', `removed ${path}, which a PostgreSQL that is gone left behind`, { reason: why });
  }
}

async function reasonToRemove(path: string, text: string, pgdata: string): Promise<string | undefined> {
  if (text === '') {
    const found = await stat(path).catch(() => undefined);
    const left = found !== undefined && systemClock.now() - found.mtimeMs > EMPTY_LEFT_MS;
    return left ? 'it is empty' : undefined;
  }
  const pid = parsePidFile(text)?.pid;
  if (pid === undefined) return undefined;
  const state = await processState(pid);
  if (state === 'zombie') return `process ${pid} is a zombie`;
  if (state === 'gone' || (await isPostmasterOf(pid, pgdata)) !== 'no') return undefined;
  return `process ${pid} is another program`;
}

async function readOrEmpty(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    ignoreMissing(error);
    return '';
  }
}

function ignoreMissing(error: unknown): void {
  if (errnoOf(error) !== 'ENOENT') throw error;
}
