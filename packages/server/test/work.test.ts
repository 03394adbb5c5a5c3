import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { createDatabase } from './app.ts';
import { makeDirectory, runHoldfast, serveHoldfast, until, workHoldfast } from './holdfast.process.ts';
import { databaseUrl } from './http.load.ts';

interface Run {
  id: string;
  status: string;
  attempts: { worker: string; outcome: string }[];
}

let database: Awaited<ReturnType<typeof createDatabase>>;
let directory: Awaited<ReturnType<typeof makeDirectory>>;
let env: Record<string, string>;

beforeAll(async () => {
  database = await createDatabase();
  directory = await makeDirectory();
  env = { DATABASE_URL: databaseUrl(database.connection) };
});
afterAll(async () => {
  await directory.remove();
  await database.drop();
});

test('what the servers leave to workers, a worker does; told to stop, it is gone within ten seconds', async () => {
  const server = await serveHoldfast(['--port', '0'], { ...env, HOLDFAST_JOB_SLOTS: '0' });
  const ask = async <Body>(path: string, body?: object): Promise<Body> => {
    const headers = { 'content-type': 'application/json' };
    const sent = body === undefined ? {} : { method: 'POST', headers, body: JSON.stringify(body) };
    const answer = await fetch(`${server.address}/api/v1${path}`, sent);
    if (!answer.ok) throw new Error(await answer.text());
    return (await answer.json()) as Body;
  };
  const job = await ask<{ id: string }>('/jobs', { name: 'Snapshot', type: 'stock_snapshot', config: {} });
  const { id } = await ask<Run>(`/jobs/${job.id}/run`, {});

  const worker = await workHoldfast(env);
  expect(worker.stdout()).toBe('Holdfast works on jobs, 10 at once\n');
  await until('the end of the run', async () => (await ask<Run>(`/runs/${id}`)).status === 'succeeded');
  const { attempts } = await ask<Run>(`/runs/${id}`);
  expect(attempts).toMatchObject([{ worker: expect.stringContaining(`:${worker.pid}:`), outcome: 'succeeded' }]);

  const toldAt = performance.now();
  expect(await worker.stop()).toEqual({ code: 0, signal: null });
  expect(performance.now() - toldAt).toBeLessThan(10_000);
  await server.stop();
}, 120_000);

test('a worker does not migrate: without a schema it says what to do, and ends with 2', async () => {
  const admin = new pg.Client(inject('postgres'));
  await admin.connect();
  const name = `work_${randomUUID().replaceAll('-', '')}`;
  await admin.query(`CREATE DATABASE ${name}`);
  const ended = await runHoldfast(['work'], { DATABASE_URL: databaseUrl({ ...inject('postgres'), database: name }) });
  await admin.query(`DROP DATABASE ${name} WITH (FORCE)`);
  await admin.end();
  expect(ended).toMatchObject({ code: 2, stdout: '' });
  expect(ended.stderr).toMatch(
    /holdfast: The schema lacks 0001_core, .*: start a server first, or run `holdfast migrate`\.\n$/,
  );
}, 60_000);

test.each([
  ['is not there', 'nowhere', /^holdfast: No such file or directory \(ENOENT.*nowhere'\)\.$/],
  ['is a file', 'file.mjs', /^holdfast: Not a directory \(ENOTDIR.*file\.mjs'\)\.$/],
])(
  'a directory of types that %s ends the start with 2 and one line',
  async (_, name, line) => {
    await writeFile(join(directory.path, 'file.mjs'), 'export default {}');
    const types = { HOLDFAST_JOB_TYPES: join(directory.path, name), LOG_LEVEL: 'error' };
    for (const command of [['work'], ['serve', '--port', '0']]) {
      const startedAt = performance.now();
      const ended = await runHoldfast(command, { ...env, ...types });
      // Not when its idle sessions end by themselves, after thirty seconds.
      expect(performance.now() - startedAt).toBeLessThan(20_000);
      expect(ended).toMatchObject({ code: 2, stdout: '' });
      expect(ended.stderr.trimEnd().split('\n')).toEqual([expect.stringMatching(line)]);
    }
  },
  60_000,
);
