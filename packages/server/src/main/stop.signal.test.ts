import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';

const CLI = fileURLToPath(new URL('./cli.ts', import.meta.url));

/** Is there while PostgreSQL runs. */
const LOCK = 'data/postgres/postmaster.pid';

let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'holdfast-stop-'));
  // For root's PostgreSQL, which runs as somebody else.
  await chmod(directory, 0o711);
});

afterAll(() => rm(directory, { recursive: true, force: true }));

/** Sends SIGINT to a command that starts PostgreSQL, and that nobody answers. */
async function interrupt(args: string[]): Promise<{ code: number | null; err: string }> {
  const { DATABASE_URL: _url, ...env } = process.env;
  const child = spawn(process.execPath, [CLI, ...args], {
    cwd: directory,
    env: { ...env, HOLDFAST_DATA: 'data' },
    stdio: ['pipe', 'ignore', 'pipe'],
  });
  let err = '';
  child.stderr.on('data', (piece: Buffer) => (err += piece.toString()));
  const ended = once(child, 'close') as Promise<[number | null]>;
  while (child.exitCode === null && !existsSync(join(directory, LOCK))) await sleep(5);
  child.kill('SIGINT');
  return { code: (await ended)[0], err };
}

test('a command that is stopped stops the PostgreSQL that it started, and leaves nothing half done', async () => {
  const waits = ['people', 'create', '--login', 'ada', '--name', 'Ada', '--scopes', 'read'];
  expect(await interrupt(waits)).toEqual({
    code: 2,
    err: expect.stringMatching(/holdfast: Stopped by SIGINT\.\n$/),
  });
  expect(existsSync(join(directory, 'data/postgres/PG_VERSION'))).toBe(true);
  expect(existsSync(join(directory, LOCK))).toBe(false);

  expect(await interrupt(['backup', 'today.tar.gz'])).toEqual({
    code: 2,
    err: expect.stringMatching(/holdfast: Stopped by SIGINT\.\n$/),
  });
  expect(await readdir(directory)).toEqual(['data']);
  expect(existsSync(join(directory, LOCK))).toBe(false);
});
