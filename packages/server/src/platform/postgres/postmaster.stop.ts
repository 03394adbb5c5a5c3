import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock } from '../../kernel/clock.ts';
import type { Cluster } from './embedded.types.ts';
import { findPostmaster } from './lock.files.ts';
import { endOrphans } from './postmaster.launch.ts';
import { processState, signal } from './process.state.ts';
import { removeSocketDirectory } from './socket.directory.ts';

const FAST_MS = 4_000;
const IMMEDIATE_MS = 1_500;
const KILLED_MS = 500;
const POLL_MS = 5;

/**
 * Stops the postmaster of this directory, within 6 s: a fast shutdown (sessions are ended, a checkpoint is written),
 * then an immediate one, then a kill. The later two cost a recovery at the next start, and lose nothing committed.
 */
export async function stopPostmaster(cluster: Cluster): Promise<void> {
  const running = await findPostmaster(cluster.pgdata);
  if (running === undefined) return;
  const { pid, socketDirectory } = running;
  signal(pid, 'SIGINT');
  if (!(await goneWithin(pid, FAST_MS))) {
    cluster.log('warn', `PostgreSQL did not stop within ${FAST_MS} ms; it will recover at its next start`);
    signal(pid, 'SIGQUIT');
    if (!(await goneWithin(pid, IMMEDIATE_MS))) {
      signal(pid, 'SIGKILL');
      await goneWithin(pid, KILLED_MS);
      await endOrphans(cluster, 'SIGKILL');
    }
  }
  if (socketDirectory !== '') await removeSocketDirectory(cluster, socketDirectory);
}

/** One that was killed a moment ago has lost its command line, by which it is found, but is not gone yet. */
export async function awaitEnd(pid: number): Promise<void> {
  await goneWithin(pid, KILLED_MS);
}

async function goneWithin(pid: number, limitMs: number): Promise<boolean> {
  const until = systemClock.monotonic() + limitMs;
  while (systemClock.monotonic() < until) {
    if ((await processState(pid)) !== 'alive') return true;
    await sleep(POLL_MS);
  }
  return (await processState(pid)) !== 'alive';
}
