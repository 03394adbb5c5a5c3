import { spawnSync } from 'node:child_process';
import { access, chmod, chown, cp, lstat, mkdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runningAsRoot } from './account.choice.ts';
import { ask, openGround } from './embedded.fixture.ts';
import type { Ground } from './embedded.fixture.ts';
import { locateCluster } from './home.location.ts';
import { makePrivate } from './socket.directory.ts';

const isRoot = runningAsRoot();
const machineHasPostgres = spawnSync('sh', ['-c', 'command -v postgres || ls /usr/lib/postgresql']).status === 0;
const ordinary = { uid: 65_534, gid: 65_534, name: 'nobody' };

let ground: Ground;
beforeAll(async () => {
  ground = await openGround();
});
afterAll(() => ground.close());

/** The package as npm unpacks it without its postinstall: no symlinks. */
async function unpack(directory: string): Promise<string> {
  const native = join(directory, 'native');
  await cp(ground.surroundings.nativeDir ?? '', native, {
    recursive: true,
    filter: async (source) => !(await lstat(source)).isSymbolicLink() && !source.endsWith('.a'),
  });
  return native;
}

describe('the binaries', { timeout: 30_000 }, () => {
  it('of a package whose postinstall did not run get their links in place', async () => {
    const nativeDir = await unpack(join(ground.dir, 'unlinked'));
    const postgres = await ground.serve(join(ground.dir, 'data'), {}, { nativeDir, searchMachine: false });
    expect((await lstat(join(nativeDir, 'lib', 'libpq.so.5'))).isSymbolicLink()).toBe(true);
    expect(await ask(postgres, 'SHOW server_version')).toMatch(/^18\./);
    await postgres.stop();
  });

  it.runIf(isRoot)('that PostgreSQL’s account cannot reach are copied, once', async () => {
    const nativeDir = await unpack(join(ground.dir, 'closed', 'package'));
    await writeFile(join(dirname(nativeDir), 'package.json'), '{"version":"18.4.0-test"}');
    await chmod(join(ground.dir, 'closed'), 0o700);
    for (const copies of [1, 1]) {
      const postgres = await ground.serve(join(ground.dir, 'data'), {}, { nativeDir, searchMachine: false });
      expect(await ask(postgres, 'SELECT 1')).toBe(1);
      await postgres.stop();
      const names = spawnSync('ls', [ground.surroundings.systemHome]).stdout.toString().trim().split('\n');
      expect(names.filter((name) => /^postgresql-18\.4\.0-test-[0-9a-f]{12}$/.test(name))).toHaveLength(copies);
      expect(names).toHaveLength(copies);
    }
  });

  it.runIf(!isRoot)('that cannot be linked in place are copied into the data directory', async () => {
    const nativeDir = await unpack(join(ground.dir, 'readonly'));
    await chmod(join(nativeDir, 'lib'), 0o555);
    const postgres = await ground.serve(join(ground.dir, 'data'), {}, { nativeDir, searchMachine: false });
    expect(await ask(postgres, 'SELECT 1')).toBe(1);
    await postgres.stop();
    await chmod(join(nativeDir, 'lib'), 0o755);
  });

  it('that exist nowhere are an error which names the way out', async () => {
    const nothing = { nativeDir: undefined, searchMachine: false };
    await expect(ground.serve(join(ground.dir, 'none'), {}, nothing)).rejects.toMatchObject({
      name: 'EmbeddedPostgresError',
      code: 'no_binaries',
      message: expect.stringContaining('DATABASE_URL'),
    });
  });

  it('of another libc, which do not start, are an error which says so', async () => {
    const nativeDir = join(ground.dir, 'foreign', 'native');
    await mkdir(join(nativeDir, 'bin'), { recursive: true });
    await writeFile(join(nativeDir, 'bin', 'postgres'), '#!/no/such/loader\n', { mode: 0o755 });
    await expect(ground.serve(join(ground.dir, 'none'), {}, { nativeDir, searchMachine: false })).rejects.toMatchObject(
      { code: 'no_binaries', message: expect.stringMatching(/bin\/postgres.*DATABASE_URL/) },
    );
  });

  it('of another major version than the data are an error which names both', async () => {
    const pgdata = join(ground.dir, 'future', 'postgres');
    await mkdir(pgdata, { recursive: true });
    await writeFile(join(pgdata, 'PG_VERSION'), '99\n');
    await chmod(join(ground.dir, 'future'), 0o711);
    await expect(ground.serve(join(ground.dir, 'future'))).rejects.toMatchObject({
      code: 'version_mismatch',
      message: expect.stringMatching(/PostgreSQL 99.*18\.\d.*DATABASE_URL/),
    });
    expect(await readFile(join(pgdata, 'PG_VERSION'), 'utf8')).toBe('99\n');
  });

  it.runIf(machineHasPostgres)(
    'of the machine serve where there is no package, and go on serving their data',
    async () => {
      const dataDir = join(ground.dir, 'machine');
      const first = await ground.serve(dataDir, {}, { nativeDir: undefined });
      const version = await ask(first, 'SHOW server_version_num');
      expect(Number(version)).toBeGreaterThanOrEqual(150_000);
      expect(await ask(first, 'SELECT count(*)::int FROM pg_file_settings WHERE error IS NOT NULL')).toBe(0);
      expect(await ask(first, `SELECT string_agg(c, '' ORDER BY c) FROM unnest('{a,B,é,Z}'::text[]) c`)).toBe('BZaé');
      await first.stop();
      const second = await ground.serve(dataDir);
      expect(await ask(second, 'SHOW server_version_num')).toBe(version);
      await second.stop();
    },
  );
});

describe.runIf(isRoot)('root', { timeout: 30_000 }, () => {
  it('runs PostgreSQL as an ordinary account', async () => {
    const postgres = await ground.serve(join(ground.dir, 'data'));
    expect((await stat(join(ground.dir, 'data', 'postgres'))).uid).not.toBe(0);
    expect((await stat(`/proc/${postgres.pid()}`)).uid).not.toBe(0);
    expect((await stat(join(ground.dir, 'data', 'postgres.log'))).uid).not.toBe(0);
    await postgres.stop();
  });

  it('keeps data that would lie in a closed directory under the system’s, and says so each time', async () => {
    const closed = join(ground.dir, 'home-of-root');
    await mkdir(closed, { mode: 0o700 });
    const dataDir = join(closed, 'shop');
    const first = await ground.serve(dataDir);
    expect(first.dataDir).toMatch(new RegExp(`^${ground.surroundings.systemHome}/shop-`));
    expect(ground.lines.at(-2)).toContain(first.dataDir);
    await ask(first, 'CREATE TABLE kept AS SELECT 42 AS n');
    await first.stop();

    const second = await ground.serve(dataDir);
    expect(second.dataDir).toBe(first.dataDir);
    expect(await ask(second, 'SELECT n FROM kept')).toBe(42);
    await second.stop();

    await rm(dataDir, { recursive: true });
    const anew = await ground.serve(dataDir);
    expect(anew.dataDir).not.toBe(first.dataDir);
    await anew.stop();
    await access(join(first.dataDir, 'postgres', 'PG_VERSION'));
  });

  it('keeps data in the closed directory of another user, in the hands of that user', async () => {
    const closed = join(ground.dir, 'home-of-a-service');
    await mkdir(closed, { mode: 0o700 });
    await chown(closed, 1, 1);
    const options = { dataDir: join(closed, 'deep', 'shop'), log: () => undefined };
    const { home, account } = await locateCluster(options, ground.surroundings);
    expect(home).toBe(options.dataDir);
    expect(account?.uid).toBe(1);
    expect((await stat(join(closed, 'deep'))).uid).toBe(1);
    expect((await stat(home)).uid).toBe(1);
  });

  it('refuses data that lies in a closed directory, and starts no empty database beside it', async () => {
    const closed = join(ground.dir, 'closed-later');
    const dataDir = join(closed, 'shop');
    const first = await ground.serve(dataDir);
    await first.stop();
    await chmod(closed, 0o700);
    await expect(ground.serve(dataDir)).rejects.toMatchObject({ code: 'data_directory_unusable' });
  });

  it('takes over data that root copied back from a backup', async () => {
    const dataDir = join(ground.dir, 'data');
    spawnSync('chown', ['-R', 'root:root', join(dataDir, 'postgres')]);
    await chmod(join(dataDir, 'postgres'), 0o755);
    const postgres = await ground.serve(dataDir);
    expect(await ask(postgres, 'SELECT 1')).toBe(1);
    await postgres.stop();
  });

  it('runs PostgreSQL as the owner of existing data', async () => {
    const dataDir = join(ground.dir, 'data');
    spawnSync('chown', ['-R', '1:1', join(dataDir, 'postgres')]);
    const postgres = await ground.serve(dataDir);
    expect((await stat(`/proc/${postgres.pid()}`)).uid).toBe(1);
    await postgres.stop();
  });
});

describe('the directory of a socket', () => {
  it('is not one that somebody else laid there', async () => {
    const trap = join(ground.dir, 'trap');
    await mkdir(trap, { mode: 0o777 });
    await symlink(trap, join(ground.dir, 'link'));
    expect(await makePrivate(join(ground.dir, 'link'), undefined)).toBe(false);
    if (isRoot) {
      await chown(trap, 12_345, 12_345);
      expect(await makePrivate(trap, ordinary)).toBe(false);
      expect((await stat(trap)).uid).toBe(12_345);
    }
  });

  it('is closed to others when it is ours', async () => {
    const open = join(ground.dir, 'open');
    await mkdir(open, { mode: 0o777 });
    expect(await makePrivate(open, undefined)).toBe(true);
    expect((await stat(open)).mode & 0o777).toBe(0o700);
  });
});
