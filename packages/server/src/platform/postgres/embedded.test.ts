import { access, readFile, stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask, openGround, until, visitElsewhere } from './embedded.fixture.ts';
import type { Ground } from './embedded.fixture.ts';
import { attachOrStartEmbedded, startEmbeddedPostgres } from './index.ts';
import { processState } from './process.state.ts';

let ground: Ground;
beforeAll(async () => {
  ground = await openGround();
});
afterAll(() => ground.close());

describe('a data directory', { timeout: 30_000 }, () => {
  it('is made at the first start and found again at the second', async () => {
    const dataDir = join(ground.dir, 'plain');
    const first = await startEmbeddedPostgres({ dataDir, log: () => undefined });
    expect(first.adopted).toBe(false);
    expect(first.dataDir).toBe(dataDir);
    expect(await ask(first, 'SELECT current_database()')).toBe('holdfast');
    expect(await ask(first, `SELECT current_setting('data_directory')`)).toBe(join(dataDir, 'postgres'));
    await ask(first, 'CREATE TABLE kept AS SELECT 42 AS n');
    const pid = first.pid();
    await first.stop();
    await first.stop();
    expect(await processState(pid)).toBe('gone');

    const second = await ground.serve(dataDir);
    expect(await ask(second, 'SELECT n FROM kept')).toBe(42);
    await second.stop();
  });

  it('is durable, sorts by code point, knows all letters, and listens on no TCP port', async () => {
    const postgres = await ground.serve(join(ground.dir, 'plain'), { settings: { work_mem: '7MB' } });
    expect(await ask(postgres, 'SHOW fsync')).toBe('on');
    expect(await ask(postgres, 'SHOW full_page_writes')).toBe('on');
    expect(await ask(postgres, 'SHOW synchronous_commit')).toBe('on');
    expect(await ask(postgres, 'SHOW data_checksums')).toBe('on');
    expect(await ask(postgres, 'SHOW listen_addresses')).toBe('');
    expect(await ask(postgres, 'SHOW work_mem')).toBe('7MB');
    expect(await ask(postgres, 'SHOW server_encoding')).toBe('UTF8');
    expect(await ask(postgres, `SELECT string_agg(c, '' ORDER BY c) FROM unnest('{a,B,é,Z}'::text[]) c`)).toBe('BZaé');
    expect(await ask(postgres, `SELECT upper('é')`)).toBe('É');
    expect(await ask(postgres, 'SELECT count(*)::int FROM pg_file_settings WHERE error IS NOT NULL')).toBe(0);
    expect((await stat(postgres.connection.host)).mode & 0o777).toBe(0o700);
    await postgres.stop();
  });

  it('may have blanks, quotes and commas in its path', async () => {
    const postgres = await ground.serve(join(ground.dir, `Bob's "shop", a\\b`));
    expect(await ask(postgres, 'SELECT 1')).toBe(1);
    await postgres.stop();
  });

  it('may have a path too long for a socket, which then gets a short directory of its own', async () => {
    const postgres = await ground.serve(join(ground.dir, 'long'.repeat(25), 'data'));
    const { host } = postgres.connection;
    expect(Buffer.byteLength(`${host}/.s.PGSQL.5432`)).toBeLessThanOrEqual(103);
    expect((await stat(host)).mode & 0o777).toBe(0o700);
    expect(await ask(postgres, 'SELECT 1')).toBe(1);
    await postgres.stop();
    await expect(access(host)).rejects.toThrow('ENOENT');
  });

  it('that holds something else is refused', async () => {
    await expect(ground.serve(import.meta.dirname.replace(/\/postgres$/, ''))).rejects.toMatchObject({
      code: 'data_directory_unusable',
    });
  });
});

describe('two on one data directory', { timeout: 30_000 }, () => {
  it('the second server is refused, and served when the first has stopped', async () => {
    const dataDir = join(ground.dir, 'shared');
    const first = await ground.serve(dataDir);
    await expect(ground.serve(dataDir)).rejects.toMatchObject({
      code: 'data_directory_in_use',
      message: expect.stringMatching(new RegExp(`pid ${process.pid}.*DATABASE_URL`)),
    });
    expect(await ask(first, 'SELECT 1')).toBe(1);
    const successor = ground.serve(dataDir);
    await first.stop();
    const second = await successor;
    expect(await ask(second, 'SELECT 1')).toBe(1);
    await second.stop();
  });

  it('a command works beside a server and does not stop its PostgreSQL', async () => {
    const dataDir = join(ground.dir, 'shared');
    const server = await ground.serve(dataDir);
    const command = await attachOrStartEmbedded({ dataDir, log: () => undefined });
    expect(command.adopted).toBe(true);
    expect(command.pid()).toBe(server.pid());
    expect(await ask(command, 'SELECT 1')).toBe(1);
    await command.stop();
    expect(await visitElsewhere(dataDir)).toBe('left');
    expect(await ask(server, 'SELECT 1')).toBe(1);
    await server.stop();
    expect(await visitElsewhere(dataDir)).toBe('left');
    await expect(access(join(dataDir, 'postgres', 'postmaster.pid'))).rejects.toThrow('ENOENT');
  });

  it('of commands alone, the last one to end stops PostgreSQL', async () => {
    const dataDir = join(ground.dir, 'shared');
    const one = await ground.attach(dataDir);
    const two = await ground.attach(dataDir);
    expect([one.adopted, two.adopted]).toEqual([false, true]);
    await one.stop();
    expect(await ask(two, 'SELECT 1')).toBe(1);
    await two.stop();
    expect(await processState(two.pid())).toBe('gone');
  });

  it('of commands that end at once, too', async () => {
    const dataDir = join(ground.dir, 'shared');
    for (let round = 1; round <= 3; round += 1) {
      const three = await Promise.all([ground.attach(dataDir), ground.attach(dataDir), ground.attach(dataDir)]);
      await Promise.all(three.map((postgres) => postgres.stop()));
      expect(await processState(three[0].pid())).toBe('gone');
    }
  });

  it('three that start at once on a new directory share one PostgreSQL', async () => {
    const dataDir = join(ground.dir, 'race');
    const three = await Promise.all([ground.attach(dataDir), ground.serve(dataDir), ground.attach(dataDir)]);
    expect(new Set(three.map((postgres) => postgres.pid())).size).toBe(1);
    for (const postgres of three) expect(await ask(postgres, 'SELECT 1')).toBe(1);
    for (const postgres of three) await postgres.stop();
    await expect(access(join(dataDir, 'postgres', 'postmaster.pid'))).rejects.toThrow('ENOENT');
  });
});

describe('a killed server', { timeout: 30_000 }, () => {
  it('leaves PostgreSQL running, and the next one adopts it', async () => {
    const dataDir = join(ground.dir, 'adopt');
    const { child, postmaster } = await ground.serveElsewhere(dataDir);
    await expect(ground.serve(dataDir)).rejects.toMatchObject({ code: 'data_directory_in_use' });
    // The whole group, as a terminal or a supervisor would: PostgreSQL is not in it.
    process.kill(-(child.pid ?? 0), 'SIGKILL');
    const next = await ground.serve(dataDir);
    expect(next.adopted).toBe(true);
    expect(next.pid()).toBe(postmaster);
    expect(await ask(next, 'SELECT 1')).toBe(1);

    process.kill(postmaster, 'SIGKILL');
    await until('restart', () => next.pid() !== postmaster);
    expect(await ask(next, 'SELECT 1')).toBe(1);
    await next.stop();
    expect(await processState(next.pid())).toBe('gone');
  });
});

describe('the log of PostgreSQL', { timeout: 30_000 }, () => {
  it('is cut when it has grown', async () => {
    const dataDir = join(ground.dir, 'plain');
    const log = join(dataDir, 'postgres.log');
    await truncate(log, 9 << 20);
    const postgres = await ground.serve(dataDir);
    expect((await stat(log)).size).toBeLessThan(100_000);
    expect((await stat(`${log}.1`)).size).toBe(9 << 20);
    expect(await readFile(log, 'utf8')).toContain('ready to accept connections');
    await postgres.stop();
  });
});
