import { copyFile, stat, truncate } from 'node:fs/promises';
import { errnoOf } from './embedded.problems.ts';

const LOG_BYTES_MAX = 8 << 20;

/**
 * Keeps the log and one before it. PostgreSQL appends (O_APPEND) through a descriptor that it never reopens, so the
 * file is copied and cut short, not renamed; the lines of the moment in between are lost.
 */
export async function rotateLog(path: string, bytesMax: number = LOG_BYTES_MAX): Promise<boolean> {
  try {
    if ((await stat(path)).size <= bytesMax) return false;
    await copyFile(path, `${path}.1`);
    await truncate(path);
    return true;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false;
    throw error;
  }
}
