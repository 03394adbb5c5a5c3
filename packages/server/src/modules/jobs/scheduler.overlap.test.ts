import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { JobView } from './job.schema.ts';
import { workType, type JobsApp } from './jobs.fixture.ts';
import { claim, type Held } from './run.claiming.ts';
import { settle } from './run.settling.ts';
import { startTravel, type Travel } from './scheduler.fixture.ts';
import { TypeBook } from './type.book.ts';

let travel: Travel;
let jobs: JobsApp;
beforeAll(async () => {
  travel = await startTravel(2);
  [jobs] = travel.apps;
});
afterAll(() => travel.close());
beforeEach(() => travel.works.clear());

describe('a tick whose job is under way', () => {
  const statuses = async ({ id }: JobView): Promise<string[]> =>
    (await jobs.history(id)).map(({ status, reason, cancelRequestedBy }) =>
      [status, reason ?? cancelRequestedBy].filter((word) => word !== null).join(' '),
    );
  const everyMinute = async (more: object): Promise<JobView> => {
    const job = await travel.scheduled('* * * * *', more);
    await travel.nextAt(job.id, '2025-06-01T00:01Z');
    return job;
  };
  const tick = (minute: number): Promise<number[]> => travel.to(`2025-06-01T00:0${minute}Z`);

  it('is skipped', async () => {
    const job = await everyMinute({ overlap: 'skip' });
    await tick(1);
    await tick(2);
    await jobs.work();
    await tick(3);
    expect(await statuses(job)).toEqual(['succeeded', 'skipped overlap', 'queued']);
    await jobs.work();
    expect(await jobs.show(job.id)).toMatchObject({ runCount: 2, successCount: 2, failureCount: 0 });
  });

  it('waits its turn', async () => {
    const job = await everyMinute({ overlap: 'queue' });
    const begun: string[] = [];
    let under = 0;
    travel.works.set(job.name, async ({ runId }) => {
      under += 1;
      expect(under).toBe(1);
      await Promise.resolve();
      begun.push(runId);
      under -= 1;
    });
    for (const minute of [1, 2, 3]) await tick(minute);
    expect(await statuses(job)).toEqual(['queued', 'queued', 'queued']);
    await jobs.work();
    const runs = await jobs.history(job.id);
    expect(runs.map(({ status }) => status)).toEqual(['succeeded', 'succeeded', 'succeeded']);
    expect(begun).toEqual(runs.map(({ id }) => id));
  });

  it('is skipped where a thousand wait their turn', async () => {
    const job = await everyMinute({ overlap: 'queue' });
    await tick(1);
    const { pool } = jobs.database;
    await pool.query(
      `INSERT INTO run SELECT (jsonb_populate_record(run, jsonb_build_object('id', gen_random_uuid(),
         'cycle_id', gen_random_uuid(), 'ticket_id', gen_random_uuid(), 'tick', NULL))).*
       FROM run, generate_series(1, 998) WHERE job_id = $1`,
      [job.id],
    );
    await tick(2);
    await tick(3);
    const later = `SELECT status, reason FROM run WHERE job_id = $1 AND tick > '2025-06-01T00:01Z' ORDER BY tick`;
    expect((await pool.query(later, [job.id])).rows).toEqual([
      { status: 'queued', reason: null },
      { status: 'skipped', reason: 'queue_full' },
    ]);
    expect((await jobs.request('DELETE', `/jobs/${job.id}`)).status).toBe(204);
  });

  it('has the one that waits cancelled, and told of', async () => {
    const job = await everyMinute({ overlap: 'cancel' });
    await tick(1);
    await tick(2);
    expect(await statuses(job)).toEqual(['cancelled system:overlap', 'queued']);
    const [first] = await jobs.history(job.id);
    expect(await jobs.eventsOf(first?.id ?? '')).toEqual(['run.queued', 'run.cancelled']);
    await jobs.work();
    expect(await statuses(job)).toEqual(['cancelled system:overlap', 'succeeded']);
    expect(await jobs.show(job.id)).toMatchObject({ runCount: 2, successCount: 1 });
  });

  it('has the one that runs cancelled, and follows it', async () => {
    const job = await everyMinute({ overlap: 'cancel' });
    await tick(1);
    // By nobody who stops it before the test has looked.
    const { engine, jobs: own } = jobs.server;
    const deps = { engine, queue: own.queue, types: new TypeBook([workType(travel.works)]) };
    const [held] = await claim(deps, 'another', 1);
    await tick(2);
    expect(await statuses(job)).toEqual(['running system:overlap', 'queued']);
    // Had somebody told it to stop before, he would be the one who did.
    await jobs.database.pool.query(`UPDATE run SET cancel_requested_by = 'ann' WHERE status = 'running'`);
    await tick(3);
    expect(await statuses(job)).toEqual(['running ann', 'cancelled system:overlap', 'queued']);
    const ended = { held: held as Held, ending: { outcome: 'cancelled' }, endedMs: 0 } as const;
    await settle({ ...deps, random: Math.random }, [ended]);
    await jobs.work();
    expect(await statuses(job)).toEqual(['cancelled ann', 'cancelled system:overlap', 'succeeded']);
  });

  it('cancels the oldest of as many as there may be, no more', async () => {
    const job = await everyMinute({ overlap: 'cancel', concurrency: 2 });
    for (const minute of [1, 2, 3]) await tick(minute);
    expect(await statuses(job)).toEqual(['cancelled system:overlap', 'queued', 'queued']);
  });

  it('of several at once leaves the last, where each cancels the one before', async () => {
    const job = await everyMinute({ overlap: 'cancel', catchUp: 'all' });
    await travel.to('2025-06-01T00:04Z');
    expect(await statuses(job)).toEqual([...new Array(3).fill('cancelled system:overlap'), 'queued']);
  });

  it('cancels nothing where the tick was fired before', async () => {
    const job = await everyMinute({ overlap: 'cancel' });
    await tick(1);
    // As after a database's clock was set back.
    await travel.nextAt(job.id, '2025-06-01T00:01Z');
    await tick(1);
    expect(await statuses(job)).toEqual(['queued']);
  });

  it('is not looked at where somebody asks for a run', async () => {
    const job = await everyMinute({ overlap: 'skip' });
    await tick(1);
    await jobs.run(job.id);
    expect(await statuses(job)).toEqual(['queued', 'queued']);
  });

  it('has those that follow a cancelled one skipped', async () => {
    const job = await everyMinute({ overlap: 'cancel' });
    const child = await jobs.create({ name: `${job.name} child`, dependencies: [job.id] });
    await tick(1);
    await tick(2);
    expect(await statuses(child)).toEqual(['skipped dependency_failed']);
  });
});
