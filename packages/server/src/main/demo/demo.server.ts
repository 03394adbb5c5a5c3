import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, extname, isAbsolute, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { startEmbeddedPostgres } from '../../platform/postgres/index.ts';
import { DemoFailed } from './demo.client.ts';

/** A server of the demo's own, in a process of its own. */
export interface DemoServer {
  /** Such as http://127.0.0.1:41234 */
  address: string;
  /** Ends it; its data stays. */
  stop(): Promise<void>;
}

/** Says that a directory was made by a demo, and so may be emptied by the next one. */
const MARKER = 'demo.json';

/**
 * Makes the demo's data directory empty.
 *
 * @throws DemoFailed for a directory that is not a demo's
 */
export async function emptyDataDirectory(directory: string): Promise<void> {
  if (await exists(directory)) {
    if (!(await exists(join(directory, MARKER)))) {
      throw new DemoFailed(`${directory} was not made by a demo: choose another --data, or remove it yourself.`);
    }
    // A demo that was killed leaves its PostgreSQL running; one that still runs refuses us here.
    const left = await startEmbeddedPostgres({ dataDir: directory, log: () => undefined });
    await left.stop();
    await removeMoved(directory);
    await rm(directory, { recursive: true });
  }
  await mkdir(directory, { recursive: true, mode: 0o711 });
  await writeFile(join(directory, MARKER), '{"madeBy":"holdfast demo"}\n');
}

/** Root's data may be kept elsewhere, with a pointer to it (platform/postgres). */
async function removeMoved(directory: string): Promise<void> {
  const pointer = await readFile(join(directory, 'postgres.location'), 'utf8').catch(() => '');
  const home = pointer.trim();
  const isOurs = isAbsolute(home) && basename(home).startsWith(`${basename(directory)}-`) && dirname(home) !== '/';
  if (isOurs) await rm(home, { recursive: true, force: true });
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

/** Starts `holdfast serve`. @param port 0: a free one */
export async function startServer(directory: string, port: number): Promise<DemoServer> {
  const cli = fileURLToPath(new URL(`../cli${extname(import.meta.url)}`, import.meta.url));
  // Open to this machine until a key is made; what the shell has set for a real server is not for this one.
  const {
    HOLDFAST_ADMIN_KEY: _key,
    DATABASE_URL: _url,
    DATABASE_MIGRATE_URL: _owner,
    HOST: _host,
    ...env
  } = process.env;
  const child = spawn(process.execPath, [cli, 'serve', '--port', String(port), '--data', directory], {
    env: { ...env, LOG_LEVEL: 'error', HOLDFAST_CURRENCY: 'GBP' },
    stdio: ['ignore', 'pipe', 'inherit'],
    // A Ctrl-C is for the demo, which then ends its server.
    detached: true,
  });
  const ended = once(child, 'exit');
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    await ended;
  };
  for await (const line of createInterface({ input: child.stdout })) {
    const address = /https?:\/\/\S+/.exec(line)?.[0];
    if (address !== undefined) return { address, stop };
  }
  await ended;
  throw new DemoFailed('The server of the demo did not start: see above.');
}
