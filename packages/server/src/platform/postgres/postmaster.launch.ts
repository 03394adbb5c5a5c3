import { spawn } from 'node:child_process';
import { chmod, open, readFile, stat, type FileHandle } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock } from '../../kernel/clock.ts';
import { findBinaries } from './binaries.search.ts';
import { createData, majorOfData, writeSettings } from './cluster.init.ts';
import { clusterName } from './cluster.settings.ts';
import { EmbeddedPostgresError, errnoOf, messageOf, USE_YOUR_OWN } from './embedded.problems.ts';
import type { Cluster } from './embedded.types.ts';
import { findPostmaster, removeStaleLocks } from './lock.files.ts';
import type { Running } from './lock.files.ts';
import { as, BARE_ENVIRONMENT } from './program.run.ts';
import { processesTitled, signal } from './process.state.ts';
import { openSession } from './session.open.ts';
import type { Session } from './session.open.ts';
import { fits, makeSocketDirectory, socketPath } from './socket.directory.ts';

/** A postmaster that answers. */
export interface Answering {
  running: Running;
  session: Session;
  /** false: it ran already. */
  launched: boolean;
}

/** How long each reason to wait may last, without a break, before we give up. Recovery after a crash takes minutes. */
const PATIENCE_MS = { starting: 900_000, stopping: 60_000, silent: 20_000, blocked: 20_000, other: 0, hidden: 3_000 };
const POLL_MS = 10;
/** Children of a killed postmaster end by themselves at their next wait; a long computation has none. */
const ORPHANS_QUIT_MS = 300;
const ORPHANS_KILL_MS = 3_000;
const LOG_TAIL_BYTES = 4_096;

export function logFile(cluster: Cluster): string {
  return join(cluster.home, 'postgres.log');
}

/** The postmaster of this directory, answering: the one that runs, or a new one. */
export async function ensureAnswering(cluster: Cluster, name: string, abort: AbortSignal): Promise<Answering> {
  const patience = new Patience(cluster);
  let child: Child | undefined;
  for (;;) {
    if (abort.aborted) throw abandon(child);
    const running = await findPostmaster(cluster.pgdata);
    if (running !== undefined) {
      const opened = await openSession(running, cluster.pgdata, name);
      if (opened.session !== undefined) {
        return { running, session: opened.session, launched: child?.pid === running.pid };
      }
      patience.spend(opened.reason, opened.detail);
    } else if (child === undefined || child.ended) {
      if (child !== undefined) await patience.spendOnFailedStart(child);
      child = (await answersUnseen(cluster)) ? undefined : await launch(cluster);
      if (child === undefined) patience.spend('hidden', 'its process cannot be seen from here');
    } else {
      patience.spend('starting', 'it has just been started');
    }
    await sleep(POLL_MS);
  }
}

function abandon(child: Child | undefined): EmbeddedPostgresError {
  if (child !== undefined && !child.ended) signal(child.pid, 'SIGINT');
  return new EmbeddedPostgresError('stopped', 'PostgreSQL was stopped while it was starting.');
}

/** Counts how long one reason to wait has lasted. */
class Patience {
  readonly #cluster: Cluster;
  #reason = '';
  #since = 0;
  #told = 0;

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  /** How long this reason has lasted, in milliseconds; throws when that is too long. */
  spend(reason: keyof typeof PATIENCE_MS, detail: string): number {
    const now = systemClock.monotonic();
    if (reason !== this.#reason) {
      this.#reason = reason;
      this.#since = now;
      this.#told = now;
    }
    if (now - this.#told > 5_000) {
      this.#told = now;
      this.#cluster.log('info', `waiting for PostgreSQL: ${detail}`);
    }
    const spentMs = now - this.#since;
    if (spentMs < PATIENCE_MS[reason]) return spentMs;
    const inUse = reason === 'hidden' || reason === 'other';
    throw new EmbeddedPostgresError(
      inUse ? 'data_directory_in_use' : reason === 'blocked' ? 'start_failed' : 'not_answering',
      `A PostgreSQL has ${this.#cluster.pgdata} open, and Holdfast cannot use it: ${detail}. ` +
        (inUse
          ? `Stop it (it may run in another container), choose another data directory, or ${USE_YOUR_OWN}.`
          : `Wait and start again, or stop that PostgreSQL; ${logFile(this.#cluster)} may tell more.`),
    );
  }

  /** A start that failed because the remains of the last one are not gone yet is tried again; any other is an error. */
  async spendOnFailedStart(child: Child): Promise<void> {
    const tail = await logSince(this.#cluster, child.logOffset);
    if (!/still in use|lock file ".*" (already exists|is empty)|Address already in use/.test(tail)) {
      throw new EmbeddedPostgresError(
        'start_failed',
        `PostgreSQL did not start on ${this.#cluster.pgdata}${child.problem}. The end of its log:\n${tail.trim()}`,
      );
    }
    const spentMs = this.spend('blocked', tail.trim().split('\n')[0] ?? '');
    if (spentMs > ORPHANS_QUIT_MS) await endOrphans(this.#cluster, spentMs > ORPHANS_KILL_MS ? 'SIGKILL' : 'SIGQUIT');
    await sleep(50);
  }
}

/** Their postmaster is gone, so nothing that they do can be committed any more, and nothing is lost with them. */
export async function endOrphans(cluster: Cluster, how: 'SIGQUIT' | 'SIGKILL'): Promise<void> {
  for (const pid of await processesTitled(`postgres: ${clusterName(cluster.pgdata)}: `)) {
    cluster.log('warn', `ending process ${pid}, left behind by a PostgreSQL that is gone`);
    signal(pid, how);
  }
}

/** Whether something serves on the directory's own socket though no process is to be seen: a neighbour container. */
async function answersUnseen(cluster: Cluster): Promise<boolean> {
  const directory = join(cluster.home, 'run');
  if (!fits(directory)) return false;
  return new Promise((done) => {
    const probe = connect(socketPath(directory));
    probe.once('connect', () => {
      probe.destroy();
      done(true);
    });
    probe.once('error', () => done(false));
  });
}

interface Child {
  pid: number;
  ended: boolean;
  /** How it ended, such as ", exit code 1". */
  problem: string;
  /** Where its own lines begin in the log. */
  logOffset: number;
}

/** Starts a postmaster that outlives us, in a session of its own: a Ctrl-C at our terminal is not for it. */
async function launch(cluster: Cluster): Promise<Child> {
  const binaries = await findBinaries(cluster, await majorOfData(cluster));
  if ((await majorOfData(cluster)) === undefined) {
    cluster.log('info', `making a new PostgreSQL ${binaries.version} data directory in ${cluster.pgdata}`);
    await createData(cluster, binaries);
  }
  // PostgreSQL insists; a copy or a restored archive may have lost it.
  await chmod(cluster.pgdata, 0o700);
  const socketDirectory = await makeSocketDirectory(cluster);
  await writeSettings(cluster, socketDirectory);
  await removeStaleLocks(cluster, socketDirectory);
  const log = await openLog(cluster);
  try {
    const logOffset = (await log.stat()).size;
    const child = spawn(`${binaries.bin}/postgres`, ['-D', cluster.pgdata], {
      ...as(cluster.account),
      cwd: '/',
      env: BARE_ENVIRONMENT,
      detached: true,
      stdio: ['ignore', log.fd, log.fd],
    });
    const state: Child = { pid: child.pid ?? 0, ended: false, problem: '', logOffset };
    child.once('exit', (code, killer) => {
      state.ended = true;
      state.problem = killer === null ? `, exit code ${code}` : `, ended by ${killer}`;
    });
    child.once('error', (error) => {
      state.ended = true;
      state.problem = `, ${messageOf(error)}`;
    });
    child.unref();
    return state;
  } finally {
    await log.close();
  }
}

/** One that root makes is PostgreSQL's: the next to start it may be no root. */
async function openLog(cluster: Cluster): Promise<FileHandle> {
  const { account } = cluster;
  try {
    const made = await open(logFile(cluster), 'ax', 0o600);
    if (account !== undefined) await made.chown(account.uid, account.gid);
    return made;
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error;
    return open(logFile(cluster), 'a', 0o600);
  }
}

async function logSince(cluster: Cluster, offset: number): Promise<string> {
  const path = logFile(cluster);
  const size = (await stat(path)).size;
  const text = await readFile(path);
  return text.subarray(Math.max(Math.min(offset, size), size - LOG_TAIL_BYTES)).toString('utf8');
}
