import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { gate, startWorkersApp, type Work, type WorkersApp } from './jobs.fixture.ts';

let jobs: WorkersApp;
beforeAll(async () => {
  jobs = await startWorkersApp();
});
afterAll(() => jobs.close());
afterEach(() => jobs.clear());

describe('a run that fails', () => {
  it('waits as its backoff says, or as long as it was told', async () => {
    const asked = [undefined, undefined, undefined, 60_000];
    const work: Work = ({ attempt }) =>
      attempt === 5
        ? Promise.resolve(null)
        : Promise.reject(Object.assign(new Error('no'), { retryAfterMs: asked[attempt - 1] }));
    const backoff = { kind: 'exponential', delayMs: 1_000, maxDelayMs: 3_000 };
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
    expect(waits).toEqual([1_000, 2_000, 3_000, 60_000]);
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
    await vi.waitUntil(async () => (await waitingForLocks()) > 0, { timeout: 5_000 });
    open();
    await lock.query('ROLLBACK');
    await lock.end();
    await vi.waitUntil(async () => (await jobs.read(id)).status === 'succeeded', { timeout: 5_000 });
    expect(await jobs.read(id)).toMatchObject({ logLines: 1 });
  });
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

  it('is replaced in messages, where they are cut, too', async () => {
    const id = await jobs.runOf(
      ({ progress, log }) => {
        progress(10, `${'p'.repeat(498)}😀 and more`);
        log('info', `${'l'.repeat(1_998)}😀 and more`);
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
