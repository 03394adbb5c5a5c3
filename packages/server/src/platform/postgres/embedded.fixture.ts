import { execFile, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { chmod, mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import pg from 'pg';
import { packagedBinaries } from './binaries.search.ts';
import { attachTo, serveFrom } from './embedded.service.ts';
import type { EmbeddedOptions, EmbeddedPostgres, Surroundings } from './embedded.types.ts';

/** A place for the directories of one test file, and everything started there; close() leaves nothing behind. */
export interface Ground {
  dir: string;
  /** All log lines so far, "level message". */
  lines: string[];
  surroundings: Surroundings;
  serve(dataDir: string, more?: Partial<EmbeddedOptions>, other?: Partial<Surroundings>): Promise<EmbeddedPostgres>;
  attach(dataDir: string): Promise<EmbeddedPostgres>;
  /** A Holdfast in a process (and process group) of its own that serves from the directory until it is killed. */
  serveElsewhere(dataDir: string): Promise<{ child: ChildProcess; postmaster: number }>;
  close(): Promise<void>;
}

const SERVING = fileURLToPath(new URL('serving.fixture.ts', import.meta.url));

/** A command in a process of its own that attaches to the directory and leaves; gives what it printed at the end. */
export async function visitElsewhere(dataDir: string): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, ['--no-warnings', SERVING, dataDir, 'visit']);
  return stdout.trim();
}

export async function openGround(): Promise<Ground> {
  const dir = await realpath(await mkdtemp(join(tmpdir(), 'hf-')));
  // mkdtemp closes its directory to everybody else, and so to the account that root runs PostgreSQL as.
  await chmod(dir, 0o711);
  const lines: string[] = [];
  const started = new Set<EmbeddedPostgres>();
  const children = new Set<ChildProcess>();
  const log: EmbeddedOptions['log'] = (level, message, extra) => {
    lines.push(`${level} ${message} ${JSON.stringify(extra ?? {})}`);
  };
  const surroundings: Surroundings = {
    nativeDir: packagedBinaries(),
    searchMachine: true,
    systemHome: join(dir, 'system'),
    temporaryDir: tmpdir(),
  };
  const remember = (postgres: EmbeddedPostgres): EmbeddedPostgres => {
    started.add(postgres);
    return postgres;
  };
  return {
    dir,
    lines,
    surroundings,
    serve: async (dataDir, more, other) =>
      remember(await serveFrom({ dataDir, log, ...more }, { ...surroundings, ...other })),
    attach: async (dataDir) => remember(await attachTo({ dataDir, log }, surroundings)),
    serveElsewhere: async (dataDir) => {
      const child = spawn(process.execPath, ['--no-warnings', SERVING, dataDir], {
        stdio: ['ignore', 'pipe', 'inherit'],
        detached: true,
      });
      children.add(child);
      for await (const line of createInterface(child.stdout)) return { child, postmaster: Number(line) };
      throw new Error(`the child ended with exit code ${child.exitCode}`);
    },
    close: async () => {
      for (const child of children) child.kill('SIGKILL');
      for (const postgres of started) await postgres.stop();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

/** The first row's first column of a query on the database that an application would use. */
export async function ask(postgres: EmbeddedPostgres, query: string): Promise<unknown> {
  const client = new pg.Client({ connectionString: postgres.connectionString });
  // Its connection may be cut by the test; the query rejects then.
  client.on('error', () => undefined);
  await client.connect();
  try {
    const { rows } = await client.query<unknown[]>({ text: query, rowMode: 'array' });
    return rows[0]?.[0];
  } finally {
    await client.end();
  }
}

/** Waits for what another process is about to do, 25 s at most. */
export async function until(what: string, condition: () => Promise<boolean> | boolean): Promise<void> {
  const deadline = performance.now() + 25_000;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`did not happen within 25 s: ${what}`);
    await sleep(10);
  }
}
