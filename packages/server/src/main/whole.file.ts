import { open, realpath, rename, rm, stat } from 'node:fs/promises';
import { CommandRefused, EXIT } from './command.line.ts';

/** A file on its way: it appears under its name when it is kept, and until then that is as it was. */
export interface Draft {
  /** Where to write it. */
  path: string;
  keep(): Promise<void>;
  /** After it was kept there is nothing to drop. */
  drop(): Promise<void>;
}

/**
 * A draft beside the file that it will be. A pipe, a terminal or /dev/null is not replaced: it is written to.
 *
 * @throws CommandRefused for a directory, and what the disk throws where nothing can be written
 */
export async function openDraft(path: string): Promise<Draft> {
  const found = await stat(path).catch(() => null);
  if (found?.isDirectory() === true) throw new CommandRefused(`${path} is a directory.`, EXIT.couldNotRun);
  if (found !== null && !found.isFile()) return { path, keep: nothing, drop: nothing };
  // A link stays one.
  const target = found === null ? path : await realpath(path);
  const draft = `${target}.${process.pid}.part`;
  await (await open(draft, 'w')).close();
  return {
    path: draft,
    keep: async () => {
      const file = await open(draft, 'r+');
      try {
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(draft, target);
    },
    drop: () => rm(draft, { force: true }),
  };
}

async function nothing(): Promise<void> {}

/** Whether two paths lead to one file. */
export async function isSameFile(one: string, other: string): Promise<boolean> {
  const [left, right] = await Promise.all([one, other].map((path) => stat(path).catch(() => null)));
  return left != null && right != null && left.dev === right.dev && left.ino === right.ino;
}
