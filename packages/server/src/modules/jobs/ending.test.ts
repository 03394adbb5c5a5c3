import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { PermanentError } from '../../platform/jobs/index.ts';
import { gate, startWorkersApp, type Work, type WorkersApp } from './jobs.fixture.ts';
import { claim } from './run.claiming.ts';

let jobs: WorkersApp;
beforeAll(async () => {
  jobs = await startWorkersApp();
});
afterAll(() => jobs.close());
afterEach(() => jobs.clear());

describe('a run that fails', () => {
  it('waits as its backoff says, or as long as it was told', async () => {
    // Long enough that none of it is over while one looks.
    const asked = [undefined, undefined, undefined, 6_000_000];
    const work: Work = ({ attempt }) =>
      attempt === 5
        ? Promise.resolve(null)
        : Promise.reject(Object.assign(new Error('no'), { retryAfterMs: asked[attempt - 1] }));
    const backoff = { kind: 'exponential', delayMs: 100_000, maxDelayMs: 300_000 };
    const id = await jobs.runOf(work, { backoff, retries: 4 });
    const longest = jobs.workerOf({ random: () => 1 });
    const waits: number[] = [];
    while ((await longest.runOnce()) > 0) {
      const { attempts, dueAt, status } = await jobs.read(id);
      if (status !== 'retrying') break;
      waits.push(Date.parse(dueAt) - Date.parse(attempts.at(-1)?.finishedAt ?? ''));
      expect(await longest.runOnce()).toBe(0);
      await jobs.sql(
        `UPDATE holdfast_queue.job_common SET start_after = clock_timestamp() WHERE data ->> 'ticket' IN
        (SELECT ticket_id::text FROM run WHERE id = $1)`,
        [id],
      );
    }
    expect(waits).toEqual([100_000, 200_000, 300_000, 6_000_000]);
    expect(await jobs.read(id)).toMatchObject({ status: 'succeeded', attempt: 5 });
  });
});

describe('the log of a run', () => {
  it('has every line, be one on its way when the run ends', async () => {
    const { work, begun, open } = gate();
    const id = await jobs.runOf(work);
    const worker = jobs.workerOf();
    worker.start();
    const { log } = await begun;
    const lock = new pg.Client(jobs.connection);
    await lock.connect();
    await lock.query('BEGIN');
    await lock.query('SELECT FROM run WHERE id = $1 FOR UPDATE', [id]);
    log('info', 'on its way');
    await vi.waitUntil(async () => (await waitingForLocks()) > 0, { timeout: 30_000 });
    open();
    await lock.query('ROLLBACK');
    await lock.end();
    await vi.waitUntil(async () => (await jobs.read(id)).status === 'succeeded', { timeout: 30_000 });
    expect(await jobs.read(id)).toMatchObject({ logLines: 1 });
  });
});

it('a line of the log has 4,000 characters, and the log 10,000 lines, the last of which says that it is full', async () => {
  const id = await jobs.runOf(({ log }) => {
    log('info', 'x'.repeat(4_000));
    for (let line = 2; line <= 10_050; line += 1) log('info', `line ${line}`);
    return Promise.resolve();
  });
  await jobs.workerOf().runOnce();
  const lines = async (query: string): Promise<string[]> =>
    (await jobs.request<{ items: { message: string }[] }>('GET', `/runs/${id}/log?${query}`)).body.items.map(
      ({ message }) => message,
    );
  expect(await lines('limit=2')).toEqual(['x'.repeat(4_000), 'line 2']);
  expect(await lines('after=9998')).toEqual(['line 9999', 'The log is full: what follows is not kept.']);
  expect((await jobs.read(id)).logLines).toBe(10_000);
});

async function waitingForLocks(): Promise<number> {
  const waiting = `SELECT count(*)::int AS count FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`;
  return (await jobs.sql<{ count: number }>(waiting))[0]?.count ?? 0;
}

describe('what the database cannot keep', () => {
  it('is replaced in a result, and those that end with it are written', async () => {
    const other = await jobs.runOf(() => Promise.resolve('other'));
    const id = await jobs.runOf(() => Promise.resolve({ 'a\0': ['b\0', 'c\ud800', '\\u0000', 1, null, { d: true }] }));
    await jobs.workerOf().runOnce();
    expect(await jobs.read(id)).toMatchObject({
      status: 'succeeded',
      result: { 'a\ufffd': ['b\ufffd', 'c\ufffd', '\\u0000', 1, null, { d: true }] },
    });
    expect(await jobs.read(other)).toMatchObject({ status: 'succeeded', result: 'other' });
  });

  it.each([
    ['is no JSON', () => 1, 'The result is not JSON.'],
    ['is as JSON longer than what is kept', 'x'.repeat(1_048_575), /^The result is larger than 1048576 bytes of JSON/],
  ])('of a result that %s fails its run for good', async (_what, result, message) => {
    const id = await jobs.runOf(() => Promise.resolve(result));
    await jobs.workerOf().runOnce();
    const error = { code: 'permanent', message: expect.stringMatching(message) };
    expect(await jobs.read(id)).toMatchObject({ status: 'failed', result: null, error });
  });

  it('of progress and log is replaced', async () => {
    const other = await jobs.runOf(({ log }) => Promise.resolve(log('info', 'of the other')));
    const id = await jobs.runOf(({ progress, log }) => {
      // Smaller than the smallest `real`; a level that a compiler would have refused.
      progress(1e-50, 'hardly begun');
      log('debug' as 'info', 'said all the same');
      return Promise.reject(new PermanentError('no'));
    });
    const errors: unknown[] = [];
    await jobs.workerOf({ onError: (error) => errors.push(error) }).runOnce();
    expect(errors).toEqual([]);
    expect(await jobs.read(id)).toMatchObject({ status: 'failed', percent: 0, message: 'hardly begun' });
    expect(await logOf(id)).toEqual(['info said all the same', 'error no']);
    expect(await logOf(other)).toEqual(['info of the other']);
  });

  it('is replaced in messages, where they are cut, too', async () => {
    const id = await jobs.runOf(
      ({ progress, log }) => {
        progress(10, `${'p'.repeat(498)}😀 and more`);
        log('info', `${'l'.repeat(3_998)}😀 and more`);
        return Promise.reject(new Error(`${'e'.repeat(1_998)}😀 and more`));
      },
      { retries: 0 },
    );
    await jobs.workerOf().runOnce();
    expect(await jobs.read(id)).toMatchObject({
      status: 'failed',
      message: `${'p'.repeat(498)}\ufffd…`,
      error: { message: `${'e'.repeat(1_998)}\ufffd…` },
    });
  });
});

describe('what the database refuses', () => {
  /** Until the test is over. */
  const refuse = async (table: string, check: string): Promise<void> => {
    await jobs.sql(`ALTER TABLE ${table} ADD CONSTRAINT refused CHECK (${check}) NOT VALID`);
    onTestFinished(async () => {
      await jobs.sql(`ALTER TABLE ${table} DROP CONSTRAINT refused`);
    });
  };
  /** Ten runs that end together, the fourth with what is refused. */
  const runTen = async (bad: Work): Promise<{ id: string; others: string[]; errors: unknown[] }> => {
    const ids: string[] = [];
    for (let at = 0; at < 10; at += 1) ids.push(await jobs.runOf(at === 3 ? bad : () => Promise.resolve(`good ${at}`)));
    const errors: unknown[] = [];
    expect(await jobs.workerOf({ onError: (error) => errors.push(error) }).runOnce()).toBe(10);
    return { id: ids[3] as string, others: ids.toSpliced(3, 1), errors };
  };
  const resultsOf = (ids: readonly string[]): Promise<unknown[]> =>
    Promise.all(ids.map(async (id) => (await jobs.read(id)).result));
  const GOOD = [0, 1, 2, 4, 5, 6, 7, 8, 9].map((at) => `good ${at}`);

  it('as a result fails its run, and those that end with it are written', async () => {
    await refuse('run', `result <> '"bad"'`);
    const { id, others, errors } = await runTen(() => Promise.resolve('bad'));
    expect(await resultsOf(others)).toEqual(GOOD);
    const message = 'Its end could not be written: new row for relation "run" violates check constraint "refused".';
    expect(await jobs.read(id)).toMatchObject({
      status: 'failed',
      result: null,
      error: { code: 'permanent', message },
      attempts: [{ attempt: 1, outcome: 'failed', error: { code: 'permanent', message } }],
    });
    expect(errors).toMatchObject([{ code: '23514' }]);
    expect(await jobs.workerOf().runOnce()).toBe(0);
  });

  it('whatever the end says leaves the run to the queue, and those that end with it are written', async () => {
    await refuse('run', `finished_at IS NULL OR started_by <> 'nobody'`);
    const { id, others, errors } = await runTen(async ({ runId }) => {
      await jobs.sql(`UPDATE run SET started_by = 'nobody' WHERE id = $1`, [runId]);
      return 'bad';
    });
    expect(await resultsOf(others)).toEqual(GOOD);
    expect(errors).toMatchObject([{ code: '23514' }, { code: '23514' }]);
    expect(await jobs.read(id)).toMatchObject({ status: 'running', attempt: 1 });
    await jobs.missHolders();
    expect((await claim(jobs.deps(), 'another', 1)).map(({ run }) => run.id)).toEqual([id]);
  });

  it('of a log is left out, and the log says so', async () => {
    await refuse('run_log', `message <> 'bad'`);
    const { id, others, errors } = await runTen(({ log }) => {
      log('info', 'bad');
      return Promise.resolve('good 3');
    });
    expect(await resultsOf(others)).toEqual(GOOD);
    expect(errors).toEqual([]);
    expect(await jobs.read(id)).toMatchObject({ status: 'succeeded', result: 'good 3' });
    expect(await logOf(id)).toEqual([
      'warn What it said could not be kept: new row for relation "run_log" violates check constraint "refused".',
    ]);
  });
});

async function logOf(id: string): Promise<string[]> {
  const { body } = await jobs.request<{ items: { level: string; message: string }[] }>('GET', `/runs/${id}/log`);
  return body.items.map(({ level, message }) => `${level} ${message}`);
}
