import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import pg from 'pg';
import { SETTINGS } from '../src/platform/config/index.ts';
import { makeDirectory, runHoldfast, serveHoldfast, statusOf, until } from './holdfast.process.ts';
import { databaseUrl } from './http.load.ts';

const COMMANDS = [
  'serve',
  'work',
  'migrate',
  'keys',
  'backup',
  'restore',
  'pause',
  'resume',
  'openapi',
  'asyncapi',
  'import',
  'export',
  'verify',
];

describe('the command line', () => {
  test('--version is the version of the package', async () => {
    const { version } = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8')) as {
      version: string;
    };
    expect(await runHoldfast(['--version'])).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' });
  });

  test('--help lists every command and what exit codes mean', async () => {
    const { code, stdout } = await runHoldfast(['--help']);
    expect(code).toBe(0);
    for (const command of COMMANDS) expect(stdout).toMatch(new RegExp(`^  ${command} `, 'm'));
    expect(stdout).toContain(
      'Exit codes: 0 done; 1 refused, or differences were found; 2 could not run; 64 not called',
    );
  });

  test.each(COMMANDS)('%s --help has examples and exit codes', async (command) => {
    const { code, stdout } = await runHoldfast([command, '--help']);
    expect(code).toBe(0);
    expect(stdout).toContain('Exit codes: ');
    expect(stdout).toContain(`\n  $ `);
    expect(stdout).toContain(`holdfast ${command}`);
  });

  test.each([
    [['help', 'nosuch'], 'nosuch'],
    [['nosuch', '--help'], 'nosuch'],
    [['help', 'keys', 'nosuch'], 'nosuch'],
    [['keys', 'nosuch', '-h'], 'nosuch'],
  ])('%j says what is not known', async (args, word) => {
    const { code, stdout, stderr } = await runHoldfast(args);
    expect({ code, stdout }).toEqual({ code: 64, stdout: '' });
    expect(stderr).toMatch(new RegExp(`^error: unknown command '${word}'`));
  });

  test('help leads to the help of a command in another', async () => {
    expect(await runHoldfast(['help', 'keys', 'create'])).toEqual(await runHoldfast(['keys', 'create', '--help']));
  });

  test('serve --help lists every setting, with its variable, flag and default', async () => {
    const help = (await runHoldfast(['serve', '--help'])).stdout.replaceAll(/\s+/g, ' ');
    for (const { name, flag, value, default: byDefault } of SETTINGS) {
      expect(help).toContain(` --${flag} <${value}> `);
      expect(help).toContain(byDefault === null ? `(${name})` : `(${name}, default ${byDefault})`);
    }
  });

  test.each([[[]], [['constructor']], [['serve', 'extra']], [['keys', 'list', '--nonsense']]])(
    '%j is no way to call it',
    async (args) => {
      const ended = await runHoldfast(args);
      expect(ended).toMatchObject({ code: 64, stdout: '' });
      expect(ended.stderr).not.toContain('    at ');
    },
  );

  test('a database that will not have us is told in one paragraph', async () => {
    const nobody = { ...inject('postgres'), database: 'no_such_database' };
    const missing = await runHoldfast(['keys', 'list'], { DATABASE_URL: databaseUrl(nobody) });
    expect(missing).toMatchObject({ code: 2, stdout: '' });
    expect(missing.stderr).toMatch(
      /^holdfast: The database that DATABASE_URL names does not exist; create it first \(.*\)\.\n$/,
    );
  });
});

describe('the configuration guide', () => {
  test('lists every setting as it is', async () => {
    const guide = await readFile(new URL('../../../docs/guides/running-in-production.md', import.meta.url), 'utf8');
    const rows = guide.split('\n').filter((line) => /^\| `[A-Z_]+` +\|/.test(line));
    const cells = rows.map((row) =>
      row
        .split(/(?<!\\)\|/)
        .slice(1, -1)
        .map((cell) => cell.trim().replaceAll('\\', '')),
    );
    expect(cells).toEqual(
      SETTINGS.map(({ name, flag, default: byDefault, description }) => [
        `\`${name}\``,
        `\`--${flag}\``,
        byDefault === null ? '' : `\`${byDefault}\``,
        description,
      ]),
    );
  });
});

describe('holdfast openapi', () => {
  test('is the same each time, and what a server answers', async () => {
    const [first, second] = await Promise.all([
      runHoldfast(['openapi']),
      runHoldfast(['openapi'], { HOLDFAST_CURRENCY: 'USD', BODY_LIMIT: '2MiB' }),
    ]);
    expect(first.code).toBe(0);
    expect(second?.stdout).toBe(first.stdout);
    expect(JSON.parse(first.stdout)).toMatchObject({ openapi: '3.1.0', info: { title: 'Holdfast' } });
  });
});

describe('holdfast migrate', () => {
  let admin: pg.Client;
  const name = `migrate_${process.pid}`;
  const env = { DATABASE_URL: databaseUrl({ ...inject('postgres'), database: name }) };

  beforeAll(async () => {
    admin = new pg.Client(inject('postgres'));
    await admin.connect();
    await admin.query(`CREATE DATABASE ${name}`);
  });
  afterAll(async () => {
    await admin.query(`DROP DATABASE ${name} WITH (FORCE)`);
    await admin.end();
  });

  test('--dry-run lists, and changes nothing', async () => {
    const pending = await runHoldfast(['migrate', '--dry-run'], env);
    expect(pending.code).toBe(0);
    expect(pending.stdout).toMatch(/^0001_core\n/);
    expect(await runHoldfast(['migrate', '--dry-run'], env)).toEqual(pending);
  });

  test('four at once: one applies, all end well', async () => {
    const pending = (await runHoldfast(['migrate', '--dry-run'], env)).stdout;
    const ended = await Promise.all([1, 2, 3, 4].map(() => runHoldfast(['migrate'], env)));
    expect(ended.filter(({ code }) => code !== 0)).toEqual([]);
    expect(ended.map(({ stdout }) => stdout).sort()).toEqual(['', '', '', pending]);
    expect(await runHoldfast(['migrate', '--dry-run'], env)).toMatchObject({ code: 0, stdout: '' });
  });

  test('a database of a newer Holdfast is refused, by serve as well', async () => {
    const client = new pg.Client({ ...inject('postgres'), database: name });
    await client.connect();
    await client.query(`INSERT INTO kysely_migration VALUES ('9999_future', '2999-01-01')`);
    await client.end();
    for (const command of [['migrate'], ['serve', '--port', '0']]) {
      const ended = await runHoldfast(command, env);
      expect(ended).toMatchObject({ code: 2, stdout: '' });
      expect(ended.stderr).toContain('The database is newer than this Holdfast: it has the migrations 9999_future.');
    }
  });
});

describe('the embedded PostgreSQL under a server', () => {
  test('is started again when it dies, and the server with it', async () => {
    const directory = await makeDirectory();
    const server = await serveHoldfast(['--port', '0', '--data', directory.path]);
    const postmaster = async (): Promise<number> => {
      const file = await readFile(`${directory.path}/postgres/postmaster.pid`, 'utf8').catch(() => '');
      return Number(file.split('\n')[0]);
    };
    const killed = await postmaster();
    // At once: sessions are still being opened.
    process.kill(killed, 'SIGKILL');
    await until('there is another', async () => ![0, killed].includes(await postmaster()));
    await until('it answers', async () => (await statusOf(`${server.address}/api/v1/products`)) === 200);
    await until('it says so', async () => (await statusOf(`${server.address}/health/ready`)) === 200);
    expect(await server.stop()).toEqual({ code: 0, signal: null });
    await directory.remove();
  });
});
