import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { lstat, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createDatabase, startTestApp } from '../../test/app.ts';

const CLI = fileURLToPath(new URL('./cli.ts', import.meta.url));

let directory: string;
let url: string;
let owner: pg.Client;
let drop: () => Promise<void>;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'holdfast-commands-'));
  const made = await createDatabase();
  drop = made.drop;
  const { host, port, user, database } = made.connection;
  url = `postgresql://${user}@localhost:${port}/${database}?host=${encodeURIComponent(host ?? '')}`;
  owner = new pg.Client(made.connection);
  await owner.connect();
  const app = await startTestApp({ connection: made.connection });
  for (const code of ['A', 'B']) {
    await app.app.inject({ method: 'POST', url: '/api/v1/locations', payload: { code, name: code, type: 'store' } });
  }
  await app.close();
});

afterAll(async () => {
  await owner.end();
  await drop();
  await rm(directory, { recursive: true });
});

function start(args: string[], env: NodeJS.ProcessEnv = {}): ChildProcess {
  const { DATABASE_URL: _url, HOLDFAST_DATA: _data, ...rest } = process.env;
  return spawn(process.execPath, [CLI, ...args], {
    cwd: directory,
    env: { ...rest, DATABASE_URL: url, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

async function run(args: string[], env: NodeJS.ProcessEnv = {}): Promise<{ code: number; out: string; err: string }> {
  const child = start(args, env);
  let out = '';
  let err = '';
  child.stdout?.on('data', (piece: Buffer) => (out += piece.toString()));
  child.stderr?.on('data', (piece: Buffer) => (err += piece.toString()));
  const [code] = (await once(child, 'close')) as [number];
  return { code, out, err };
}

async function file(name: string, content: string): Promise<string> {
  await writeFile(join(directory, name), content);
  return name;
}

async function count(statement: string): Promise<number> {
  const { rows } = await owner.query<{ n: string | null }>(`SELECT (${statement})::text AS n`);
  return Number(rows[0]?.n ?? 0);
}

/** Those of Holdfast on this database. */
const SESSIONS = `SELECT count(*) FROM pg_stat_activity
  WHERE datname = current_database() AND application_name LIKE 'holdfast%'`;

test('a stock import that is killed goes on where it stopped, and no unit comes in twice', async () => {
  const products = Array.from({ length: 2_000 }, (_, index) => `K-${index},Product ${index}`);
  const made = await run(['import', 'products', await file('k.csv', `sku,name\n${products.join('\n')}\n`), '--json']);
  expect(made.err).toBe('');
  expect(JSON.parse(made.out)).toMatchObject({ created: 2_000, refused: 0 });
  expect(made.code).toBe(0);

  const rows = Array.from({ length: 10_000 }, (_, index) => `K-${index % 2_000},${index % 3 === 0 ? 'A' : 'B'},7`);
  const path = await file('stock.csv', `sku,location,quantity\n${rows.join('\n')}\n`);
  for (const threshold of [500, 4_000]) {
    const child = start(['import', 'stock', path]);
    const ended = once(child, 'close') as Promise<[number | null, string | null]>;
    while (child.exitCode === null && (await count('SELECT count(*) FROM ledger_entry')) < threshold) await sleep(10);
    child.kill('SIGKILL');
    expect((await ended)[1]).toBe('SIGKILL');
    // What it had sent may still be committed.
    while ((await count(SESSIONS)) > 0) await sleep(10);
  }
  const before = await count('SELECT count(*) FROM ledger_entry');
  expect(before).toBeGreaterThanOrEqual(4_000);
  expect(before).toBeLessThan(10_000);

  const again = await run(['import', 'stock', path, '--json']);
  expect(JSON.parse(again.out)).toMatchObject({ rows: 10_000, updated: 10_000, doneBefore: before, refused: 0 });
  expect(again.code).toBe(0);
  expect(await count('SELECT count(*) FROM ledger_entry')).toBe(10_000);
  expect(await count('SELECT sum(on_hand) FROM level')).toBe(70_000);

  const clean = await run(['verify', '--json']);
  expect(clean.code).toBe(0);
  expect(JSON.parse(clean.out)).toMatchObject({ clean: true, checked: { ledgerEntries: 10_000 } });
});

test('refused rows: exit code 1, and a report that can be put right and imported by itself', async () => {
  const path = await file(
    'some.csv',
    'sku,location,quantity,notes\nK-1,A,1,"a, b"\nK-1,NOWHERE,2,"say ""hi"""\nx y,A,3,\nK-1,A,1,000,5\n',
  );
  const { code, out } = await run(['import', 'stock', path, '--report', 'refused.csv']);
  expect(code).toBe(1);
  expect(out).toContain('4 rows: 1 adjusted, 1 units, 0 unchanged, 3 refused');
  expect(out).toContain('line 3: location_not_found: There is no location NOWHERE.');
  const report = await readFile(join(directory, 'refused.csv'), 'utf8');
  const lines = report.split('\r\n');
  expect(lines[0]).toBe('sku,location,quantity,notes,refusedLine,refusedCode,refusedReason');
  expect(lines.slice(1).sort()).toEqual([
    '',
    expect.stringMatching(/^K-1,A,1,000,5,validation_failed,"the row has 5 cells and the header 4, .*",5$/),
    'K-1,NOWHERE,2,"say ""hi""",3,location_not_found,There is no location NOWHERE.',
    expect.stringMatching(/^x y,A,3,,4,validation_failed,"sku must be 1 to 64 of letters.*"$/),
  ]);
  const half = await file('half.csv', report.replace('NOWHERE', 'B'));
  expect(await run(['import', 'stock', half, '--report', 'rest.csv'])).toMatchObject({ code: 1 });
  const rest = (await readFile(join(directory, 'rest.csv'), 'utf8')).split('\r\n');
  expect(rest.sort()).toEqual([
    '',
    expect.stringMatching(/^K-1,A,1,000,\d,validation_failed,"the row has 8 cells and the header 7, .*",5$/),
    lines[0],
    expect.stringMatching(/^x y,A,3,,\d,validation_failed,"sku must be.*"$/),
  ]);
  const [, surplus = '', , wrong = ''] = rest;
  const rows = [lines[0], surplus.replace(/,5$/, ''), wrong.replace('x y', 'K-2')];
  const fixed = await file('fixed.csv', rows.join('\n'));
  expect(await run(['import', 'stock', fixed])).toMatchObject({ code: 0 });
});

test('a report that cannot be written, or that would be the imported file, is refused before a row is imported', async () => {
  const content = 'sku,location,quantity\nK-9,A,1\nK-9,NOWHERE,1\n';
  const path = await file('precious.csv', content);
  await symlink(path, join(directory, 'by-another-name.csv'));
  await file('of-yesterday.csv', 'what was refused yesterday\n');
  const before = await count('SELECT count(*) FROM ledger_entry');
  for (const [report, reason] of [
    ['nowhere/refused.csv', /^holdfast: No such file or directory \(.*\)\.\n$/],
    ['.', /^holdfast: \. is a directory\.\n$/],
    ['precious.csv', /^holdfast: precious\.csv is the file that is imported: the report must be another\.\n$/],
    ['by-another-name.csv', /is the file that is imported/],
  ] as const) {
    expect(await run(['import', 'stock', path, '--report', report])).toMatchObject({
      code: 2,
      out: '',
      err: expect.stringMatching(reason),
    });
  }
  expect(await run(['import', 'stock', 'none.csv', '--report', 'of-yesterday.csv'])).toMatchObject({ code: 2 });
  expect(await readFile(join(directory, 'of-yesterday.csv'), 'utf8')).toBe('what was refused yesterday\n');
  expect(await readFile(join(directory, path), 'utf8')).toBe(content);
  expect(await count('SELECT count(*) FROM ledger_entry')).toBe(before);
  expect((await readdir(directory)).filter((name) => name.endsWith('.part'))).toEqual([]);
});

test('what could not run is exit code 2, a wrong call 64', async () => {
  expect(await run(['import', 'stock', 'none.csv'])).toMatchObject({
    code: 2,
    err: 'holdfast: There is no file none.csv.\n',
  });
  expect(await run(['import', 'stock', 'k.csv', '--mode', 'replace'])).toMatchObject({ code: 64 });
  expect(await run(['import', 'stock', 'k.csv', '--delimiter', '\n'])).toMatchObject({ code: 64 });
  expect(await run(['export', 'ledger', '--from', '2026-02-30'])).toMatchObject({ code: 64 });
  expect(await run(['export', 'ledger', '--from', '2026-03-02', '--to', '2026-03-01'])).toMatchObject({
    code: 64,
    err: expect.stringContaining('--to must be after --from'),
  });
  expect(await run(['verify'], { DATABASE_URL: 'postgresql://localhost:1/none' })).toMatchObject({ code: 2 });
});

test('what only reads makes no data where there are none, such as where a disk is not mounted', async () => {
  const missing = join(directory, 'nowhere');
  const empty = join(directory, 'empty');
  await mkdir(empty);
  for (const data of [missing, empty]) {
    for (const args of [['verify'], ['export', 'stock'], ['backup', 'nothing.tar.gz']]) {
      expect(await run([...args, '--data', data], { DATABASE_URL: '' })).toMatchObject({
        code: 2,
        out: '',
        err: `holdfast: There are no data in ${data}: --data or HOLDFAST_DATA names the directory.\n`,
      });
    }
  }
  expect(await readdir(empty)).toEqual([]);
  expect(await readdir(directory)).not.toContain('nowhere');
});

test('verify: exit code 1 with differences, told in words', async () => {
  await owner.query(`UPDATE level SET on_hand = on_hand + 1 WHERE product_id = 2 AND location_id = 1`);
  const { code, out } = await run(['verify', '--limit', '1']);
  await owner.query(`UPDATE level SET on_hand = on_hand - 1 WHERE product_id = 2 AND location_id = 1`);
  expect(code).toBe(1);
  expect(out).toMatch(/^1 difference: /);
  expect(out).toContain('  level_units_are_the_sum_of_its_ledger: K-1 at A: onHand: the level says ');
});

test('an export to a file is there as a whole or not at all; one to a pipe may be left', async () => {
  const done = await run(['export', 'ledger', '--sku', 'K-5', '--out', 'ledger.csv']);
  expect(done).toMatchObject({ code: 0, out: '' });
  expect((await readFile(join(directory, 'ledger.csv'), 'utf8')).trimEnd().split('\r\n')).toHaveLength(6);
  expect(await run(['export', 'stock', '--sku', 'NONE', '--out', 'none.csv'])).toMatchObject({ code: 1 });
  expect((await readdir(directory)).filter((name) => name.startsWith('none.csv') || name.endsWith('.part'))).toEqual(
    [],
  );

  const child = start(['export', 'ledger']);
  let err = '';
  child.stderr?.on('data', (piece: Buffer) => (err += piece.toString()));
  const ended = once(child, 'exit');
  await once(child.stdout as NodeJS.ReadableStream, 'data');
  child.stdout?.destroy();
  expect((await ended)[0]).toBe(0);
  expect(err).toBe('');
});

test('what is no file is written to, and not replaced', async () => {
  const pipe = join(directory, 'pipe');
  execFileSync('sh', ['-c', 'mkfifo pipe'], { cwd: directory });
  const reader = spawn('cat', [pipe], { stdio: ['ignore', 'pipe', 'ignore'] });
  let text = '';
  reader.stdout.on('data', (piece: Buffer) => (text += piece.toString()));
  const read = once(reader, 'close');
  expect(await run(['export', 'stock', '--out', 'pipe'])).toMatchObject({ code: 0 });
  await read;
  expect(text).toMatch(/^sku,name,location,onHand,/);
  expect((await lstat(pipe)).isFIFO()).toBe(true);
  expect(await run(['export', 'stock', '--out', '.'])).toMatchObject({
    code: 2,
    err: 'holdfast: . is a directory.\n',
  });
});

test('every command may be left by who reads it; what cannot be written is told in one line', async () => {
  const child = start(['keys', 'list']);
  child.stdout?.destroy();
  let err = '';
  child.stderr?.on('data', (piece: Buffer) => (err += piece.toString()));
  expect((await once(child, 'close'))[0]).toBe(0);
  expect(err).toBe('');
  if (process.platform !== 'linux') return;
  const full = openSync('/dev/full', 'w');
  const { DATABASE_URL: _url, ...rest } = process.env;
  const told = spawnSync(process.execPath, [CLI, 'keys', 'list'], {
    env: { ...rest, DATABASE_URL: url },
    stdio: ['ignore', full, 'pipe'],
    encoding: 'utf8',
  });
  closeSync(full);
  expect(told.stderr).toMatch(/^holdfast: No space is left on the device \(.*\)\.\n$/);
  expect(told.status).toBe(2);
});
