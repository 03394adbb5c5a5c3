import { readdir } from 'node:fs/promises';
import { extname, join, resolve } from 'node:path';
import type { JobType } from './job.type.ts';
import { typeOf } from './thread.description.ts';
import { ThreadPool, type ThreadPoolOptions } from './thread.pool.ts';
import type { CallApi } from './thread.run.ts';

export interface UserTypesOptions extends Partial<Omit<ThreadPoolOptions, 'call'>> {
  /** Makes a request to the server's own API. */
  call: CallApi;
  /** Names that Holdfast's own types have. */
  taken?: readonly string[];
}

export interface UserTypes {
  types: JobType[];
  /** Files that hold no type that can be used, and why. */
  refused: { file: string; reason: string }[];
  /** Stops all threads, at work or not. */
  close: () => Promise<void>;
}

const DEFAULTS = { memoryMb: 256, loadMs: 30_000, graceMs: 2_000, idleMs: 30_000, idleMax: 4 };
const FILES_MAX = 200;
const LOADED_AT_ONCE = 4;
const SCRIPTS = new Set(['.js', '.mjs']);
const STRIPPED = new Set(['.ts', '.mts']);

/**
 * The types that users wrote, one in each file of a directory, loaded in threads of their own. A file that cannot be used
 * is refused and stops nothing. Folders, and files whose name begins with `_` or `.`, are passed over: that is where what
 * several types share can be.
 *
 * @throws Error where the directory cannot be read
 */
export async function loadUserTypes(directory: string, options: UserTypesOptions): Promise<UserTypes> {
  const { taken = [], ...rest } = options;
  const pool = new ThreadPool({ ...DEFAULTS, ...rest });
  const files = await filesOf(directory);
  const found: Found[] = [];
  for (let at = 0; at < files.length; at += LOADED_AT_ONCE) {
    found.push(...(await Promise.all(files.slice(at, at + LOADED_AT_ONCE).map((file) => load(pool, directory, file)))));
  }
  return { ...sorted(found, new Set(taken)), close: () => pool.close() };
}

type Found = { file: string; type: JobType } | { file: string; reason: string };

async function filesOf(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { withFileTypes: true });
  const files = entries.filter((entry) => !entry.isDirectory() && !/^[_.]/.test(entry.name) && isCode(entry.name));
  if (files.length > FILES_MAX)
    throw new Error(`${directory} holds ${files.length} types, and at most ${FILES_MAX} are loaded`);
  return files.map(({ name }) => name).toSorted();
}

function isCode(name: string): boolean {
  return SCRIPTS.has(extname(name)) || (STRIPPED.has(extname(name)) && !/\.d\.m?ts$/.test(name));
}

async function load(pool: ThreadPool, directory: string, file: string): Promise<Found> {
  const path = resolve(join(directory, file));
  try {
    if (STRIPPED.has(extname(file)) && !stripsTypes()) {
      throw new Error('this Node runs no TypeScript: use Node 24, or make it a .mjs file');
    }
    const type = typeOf(await pool.describe(path));
    return { file, type: { ...type, run: (context) => pool.run(path, context) } };
  } catch (error) {
    return { file, reason: error instanceof Error ? error.message : String(error) };
  }
}

function stripsTypes(): boolean {
  return 'typescript' in process.features && Boolean(process.features.typescript);
}

/** The first file in the order of names has a name that two of them want. */
function sorted(found: readonly Found[], taken: Set<string>): Pick<UserTypes, 'types' | 'refused'> {
  const types: JobType[] = [];
  const refused: UserTypes['refused'] = [];
  for (const one of found) {
    if ('reason' in one) refused.push(one);
    else if (taken.has(one.type.name))
      refused.push({ file: one.file, reason: `there is a type ${one.type.name} already` });
    else types.push(one.type);
    if ('type' in one) taken.add(one.type.name);
  }
  return { types, refused };
}
