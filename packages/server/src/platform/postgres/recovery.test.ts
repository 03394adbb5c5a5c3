import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { chown, readFile, utimes, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask, openGround, until } from './embedded.fixture.ts';
import type { Ground } from './embedded.fixture.ts';
import { processState } from './process.state.ts';
import { as } from './program.run.ts';
import { chooseAccount, runningAsRoot } from './account.choice.ts';

let ground: Ground;
let dataDir: string;
const children: ChildProcess[] = [];

beforeAll(async () => {
  ground = await openGround();
  dataDir = join(ground.dir, 'data');
  const postgres = await ground.serve(dataDir);
  await ask(postgres, 'CREATE TABLE kept AS SELECT 42 AS n');
  await postgres.stop();
}, 30_000);
afterAll(async () => {
  for (const child of children) child.kill('SIGKILL');
  await ground.close();
});

/** Lays a lock file as a PostgreSQL with that pid would have left it. */
async function leaveLock(name: string, text: string): Promise<string> {
  const path = join(dataDir, name);
  await writeFile(path, text, { mode: 0o600 });
  const account = await chooseAccount(undefined);
  if (account) await chown(path, account.uid, account.gid);
  return path;
}

function lockText(pid: number): string {
  return [pid, join(dataDir, 'postgres'), 1_700_000_000, 5432, join(dataDir, 'run'), '', '', 'ready', ''].join('\n');
}

async function startsOnKeptData(): Promise<void> {
  const postgres = await ground.serve(dataDir);
  expect(postgres.adopted).toBe(false);
  expect(await ask(postgres, 'SELECT n FROM kept')).toBe(42);
  await postgres.stop();
}

/** A process that has ended, and whose parent never asks how. */
async function makeZombie(): Promise<number> {
  const parent = spawn('sh', ['-c', 'sleep 0.3 & echo $!; exec sleep 60'], { stdio: ['ignore', 'pipe', 'ignore'] });
  children.push(parent);
  for await (const line of createInterface(parent.stdout)) {
    const pid = Number(line);
    await until('the child is a zombie', async () => (await processState(pid)) === 'zombie');
    return pid;
  }
  throw new Error('no zombie');
}

describe('a lock file left behind', { timeout: 30_000 }, () => {
  it('by a process that is gone does not hinder', async () => {
    await leaveLock('postgres/postmaster.pid', lockText(2 ** 22 - 3));
    await startsOnKeptData();
  });

  it('by a zombie does not hinder', async () => {
    const pid = await makeZombie();
    await leaveLock('postgres/postmaster.pid', lockText(pid));
    await leaveLock('run/.s.PGSQL.5432.lock', lockText(pid));
    await startsOnKeptData();
    expect(ground.lines.filter((line) => line.includes('is a zombie'))).toHaveLength(2);
  });

  it('whose pid now belongs to another program does not hinder, and that program lives on', async () => {
    const account = await chooseAccount(undefined);
    const stranger = spawn('sleep', ['60'], { ...as(account), stdio: 'ignore' });
    children.push(stranger);
    await leaveLock('postgres/postmaster.pid', lockText(stranger.pid ?? 0));
    await leaveLock('run/.s.PGSQL.5432.lock', lockText(stranger.pid ?? 0));
    await startsOnKeptData();
    expect(stranger.exitCode).toBe(null);
    expect(await processState(stranger.pid ?? 0)).toBe('alive');
  });

  it('whose pid is the PostgreSQL of another directory, as in a copy, does not hinder, and that one lives on', async () => {
    const other = await ground.serve(join(ground.dir, 'other'));
    await leaveLock(
      'postgres/postmaster.pid',
      await readFile(join(ground.dir, 'other', 'postgres', 'postmaster.pid'), 'utf8'),
    );
    await startsOnKeptData();
    expect(await ask(other, 'SELECT 1')).toBe(1);
    await other.stop();
  });

  it('empty, by a power cut, does not hinder', async () => {
    const path = await leaveLock('postgres/postmaster.pid', '');
    await utimes(path, 1_700_000_000, 1_700_000_000);
    await startsOnKeptData();
  });
});

describe('a PostgreSQL of a neighbour container', { timeout: 30_000 }, () => {
  it('whose process cannot be seen, but whose socket answers, keeps the directory', async () => {
    const neighbour = createServer();
    await new Promise<void>((done) => neighbour.listen(join(dataDir, 'run', '.s.PGSQL.5432'), done));
    await leaveLock('postgres/postmaster.pid', lockText(2 ** 22 - 3));
    await expect(ground.serve(dataDir)).rejects.toMatchObject({ code: 'data_directory_in_use' });
    neighbour.close();
    await startsOnKeptData();
  });
});

describe('a postmaster that dies under its server', { timeout: 30_000 }, () => {
  it('is started again with all its data, and the server is told', async () => {
    const postgres = await ground.serve(dataDir);
    let told = 0;
    postgres.onRestart(() => {
      throw new Error('a listener of poor quality');
    });
    postgres.onRestart(() => (told += 1));
    const before = postgres.pid();
    await ask(postgres, `INSERT INTO kept VALUES (43)`);
    const began = performance.now();
    process.kill(before, 'SIGKILL');
    await until('the listener is called', () => told === 1);
    expect(performance.now() - began).toBeLessThan(5_000);
    expect(postgres.pid()).not.toBe(before);
    expect(await ask(postgres, 'SELECT sum(n)::int FROM kept')).toBe(85);
    await expect(ground.serve(dataDir)).rejects.toMatchObject({ code: 'data_directory_in_use' });
    await postgres.stop();
  });

  it('is started again although a child is in a long computation', async () => {
    const postgres = await ground.serve(dataDir);
    const busy = ask(postgres, 'SELECT count(*) FROM generate_series(1, 99999) a, generate_series(1, 99999) b').catch(
      (error: unknown) => error,
    );
    await until('the computation runs', async () => {
      return (
        (await ask(postgres, `SELECT count(*)::int FROM pg_stat_activity WHERE query ~ '^SELECT count.* b$'`)) === 1
      );
    });
    const before = postgres.pid();
    const began = performance.now();
    process.kill(before, 'SIGKILL');
    await until('restart', () => postgres.pid() !== before);
    expect(performance.now() - began).toBeLessThan(5_000);
    expect(await busy).toBeInstanceOf(Error);
    expect(await ask(postgres, 'SELECT 1')).toBe(1);
    await postgres.stop();
  });

  it('stays down when supervision was declined, and the next start finds it so', async () => {
    const postgres = await ground.serve(dataDir, { supervise: false });
    process.kill(postgres.pid(), 'SIGKILL');
    await until('it is gone', async () => (await processState(postgres.pid())) !== 'alive');
    await postgres.stop();
    const next = await ground.serve(dataDir);
    expect(next.adopted).toBe(false);
    await next.stop();
  });

  it('is not started again when the server stops at that moment', async () => {
    const postgres = await ground.serve(dataDir);
    process.kill(postgres.pid(), 'SIGKILL');
    await postgres.stop();
    expect(await processState(postgres.pid())).not.toBe('alive');
    await startsAlone();
  });
});

async function startsAlone(): Promise<void> {
  const next = await ground.serve(dataDir);
  expect(next.adopted).toBe(false);
  await next.stop();
}

describe('a stop', { timeout: 30_000 }, () => {
  it('ends within 6 s though PostgreSQL does not react', async () => {
    const postgres = await ground.serve(dataDir);
    process.kill(postgres.pid(), 'SIGSTOP');
    const began = performance.now();
    await postgres.stop();
    expect(performance.now() - began).toBeLessThan(7_000);
    expect(await processState(postgres.pid())).not.toBe('alive');
    await startsAlone();
  });
});

describe('the account', () => {
  it('is nobody for root, ourselves for anyone else', async () => {
    expect((await chooseAccount(undefined))?.uid !== 0).toBe(true);
    expect((await chooseAccount(undefined)) === undefined).toBe(!runningAsRoot());
  });
});
