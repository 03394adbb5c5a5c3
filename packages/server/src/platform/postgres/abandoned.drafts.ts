import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { processState } from './process.state.ts';

/** How drafts of one kind are called: `before`, the pid of their maker, `after`, and what else there may be. */
interface DraftName {
  before: string;
  after: string;
}

/**
 * Removes the drafts of processes that were killed. One that bears our own pid is of an earlier life: in a container
 * every command may have the same.
 */
export async function removeAbandoned(directory: string, name: DraftName): Promise<void> {
  for (const found of await readdir(directory)) {
    const pid = makerOf(found, name);
    if (pid === undefined || (pid !== process.pid && (await processState(pid)) === 'alive')) continue;
    await rm(join(directory, found), { recursive: true, force: true });
  }
}

function makerOf(found: string, { before, after }: DraftName): number | undefined {
  if (!found.startsWith(before)) return undefined;
  const [pid] = /^[1-9]\d*/.exec(found.slice(before.length)) ?? [];
  return pid !== undefined && found.startsWith(after, before.length + pid.length) ? Number(pid) : undefined;
}
