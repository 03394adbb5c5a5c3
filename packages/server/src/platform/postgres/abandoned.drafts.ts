import { lstat, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from './embedded.problems.ts';
import type { EmbeddedLog, Surroundings } from './embedded.types.ts';
import { locateCluster } from './home.location.ts';
import { stopPostmaster } from './postmaster.stop.ts';
import { processState } from './process.state.ts';

/** How drafts of one kind are called: `before`, the pid of their maker, `after`, and what else there may be. */
interface DraftName {
  before: string;
  after: string;
}

/** Removes the drafts of processes that were killed. */
export async function removeAbandoned(directory: string, name: DraftName): Promise<void> {
  for (const draft of await abandonedIn(directory, name)) await rm(draft, { recursive: true, force: true });
}

/** The same of data directories for a while, on which a PostgreSQL may still run. */
export async function removeAbandonedData(
  directory: string,
  name: DraftName,
  { log, surroundings }: { log: EmbeddedLog; surroundings: Surroundings },
): Promise<void> {
  for (const dataDir of await abandonedIn(directory, name)) {
    // Among everybody's temporary files, others can make one of that name.
    if ((await lstat(dataDir)).uid !== process.getuid?.()) continue;
    try {
      const cluster = await locateCluster({ dataDir, log }, surroundings);
      await stopPostmaster(cluster);
      for (const made of new Set([cluster.home, dataDir])) await rm(made, { recursive: true, force: true });
    } catch (error) {
      log('warn', `cannot take away ${dataDir}, which a command that was killed left behind: ${messageOf(error)}`);
    }
  }
}

/** One that bears our own pid is of an earlier life: in a container every command may have the same. */
async function abandonedIn(directory: string, name: DraftName): Promise<string[]> {
  const abandoned: string[] = [];
  for (const found of await readdir(directory)) {
    const pid = makerOf(found, name);
    if (pid === undefined || (pid !== process.pid && (await processState(pid)) === 'alive')) continue;
    abandoned.push(join(directory, found));
  }
  return abandoned;
}

function makerOf(found: string, { before, after }: DraftName): number | undefined {
  if (!found.startsWith(before)) return undefined;
  const [pid] = /^[1-9]\d*/.exec(found.slice(before.length)) ?? [];
  return pid !== undefined && found.startsWith(after, before.length + pid.length) ? Number(pid) : undefined;
}
