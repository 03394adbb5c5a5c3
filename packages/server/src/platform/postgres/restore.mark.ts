import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { replaceFile, syncPath } from './durable.files.ts';
import { errnoOf } from './embedded.problems.ts';

/** Among PostgreSQL's own files, so that it comes into place with them; PostgreSQL does not mind, and a backup keeps it. */
const MARK = 'holdfast.restored';

/** Says of data that are not in place yet that they were restored. */
export async function markRestored(pgdata: string, because: string): Promise<void> {
  await replaceFile(join(pgdata, MARK), `${because}\n`);
  await syncPath(pgdata);
}

/** Why data are another's copy, as it was said when they were restored; null where they are not, or it was taken in. */
export async function readRestoreMark(dataDir: string): Promise<string | null> {
  try {
    return (await readFile(markIn(dataDir), 'utf8')).trim();
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return null;
    throw error;
  }
}

/** The database knows it now. */
export async function removeRestoreMark(dataDir: string): Promise<void> {
  await rm(markIn(dataDir), { force: true });
  await syncPath(join(dataDir, 'postgres'));
}

function markIn(dataDir: string): string {
  return join(dataDir, 'postgres', MARK);
}
