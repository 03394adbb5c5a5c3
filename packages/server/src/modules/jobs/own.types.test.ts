import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startJobsApp, type JobsApp } from './jobs.fixture.ts';
import type { JobSummary, JobView } from './job.schema.ts';
import { EVENT_RETENTION_JOB, EXPIRY_JOB, ownJobTypes } from './own.types.ts';
import { ensureSystemJobs } from './system.jobs.ts';
import { TypeBook } from './type.book.ts';

let jobs: JobsApp;
beforeAll(async () => {
  jobs = await startJobsApp();
  await jobs.server.jobs.ready();
});
afterAll(() => jobs.close());

async function own(name: string): Promise<JobSummary> {
  const { body } = await jobs.request<{ items: JobSummary[] }>('GET', '/jobs?system=true');
  const found = body.items.find((job) => job.name === name);
  if (found === undefined) throw new Error(`no job ${name}`);
  return found;
}

describe("Holdfast's own jobs", () => {
  it('are there from the start, and stay', async () => {
    const { body } = await jobs.request<{ items: JobSummary[] }>('GET', '/jobs?system=true');
    expect(body.items.map(({ name, status, schedule }) => ({ name, status, schedule }))).toEqual([
      { name: 'Delete old runs', status: 'idle', schedule: '17 * * * *' },
      { name: 'Expire holds', status: 'continuous', schedule: null },
      { name: 'Forget old events', status: 'continuous', schedule: null },
      { name: 'Keep house', status: 'continuous', schedule: null },
      { name: 'Verify all numbers', status: 'idle', schedule: '30 3 * * *' },
    ]);
  });

  it('show what is done all the time', async () => {
    jobs.server.jobs.duties.note(EXPIRY_JOB, { expired: 2, lagMs: 10, more: false });
    jobs.server.jobs.duties.note(EXPIRY_JOB, { expired: 1, lagMs: 5, more: false });
    await jobs.server.jobs.duties.runOnce();
    expect(await own('Expire holds')).toMatchObject({ runCount: 2, successCount: 2, lastResult: { expired: 1 } });
  });

  it('verify all numbers, and fail where one is wrong', async () => {
    await jobs.request('POST', '/products', { sku: 'A', name: 'Mug' });
    await jobs.request('POST', '/locations', { code: 'WH', name: 'Hall', type: 'warehouse' });
    await jobs.request('POST', '/inventory/A/adjust', {
      location: 'WH',
      type: 'add',
      quantity: 5,
      movement: 'receipt',
    });
    const { id } = await own('Verify all numbers');
    const clean = await jobs.run(id);
    await jobs.work();
    expect(await jobs.read(clean.id)).toMatchObject({
      status: 'succeeded',
      result: { clean: true, differenceCount: 0 },
    });
    await jobs.database.pool.query('UPDATE level SET on_hand = on_hand + 1');
    const wrong = await jobs.run(id);
    await jobs.work();
    expect(await jobs.read(wrong.id)).toMatchObject({ status: 'failed', error: { code: 'permanent' }, result: null });
  });

  it('delete runs that are older than their job keeps them, and no others', async () => {
    const short = await jobs.create({ name: 'short', keepDays: 1 });
    const long = await jobs.create({ name: 'long', keepDays: 30 });
    const old = [await jobs.run(short.id), await jobs.run(short.id), await jobs.run(long.id)];
    await jobs.work();
    // So much of each that they go one by one.
    await jobs.database.pool.query(
      `UPDATE run SET finished_at = finished_at - interval '2 days', log_lines = 60000 WHERE id = ANY($1::uuid[])`,
      [old.map(({ id }) => id)],
    );
    const young = await jobs.run(short.id);
    await jobs.work();
    const { id } = await jobs.run((await own('Delete old runs')).id);
    await jobs.work();
    expect(await jobs.read(id)).toMatchObject({ status: 'succeeded', result: { deleted: 2 } });
    expect((await jobs.history(short.id)).map((run) => run.id)).toEqual([young.id]);
    expect(await jobs.history(long.id)).toHaveLength(1);
  });

  it('are there, and cannot be deleted, renamed or given other work', async () => {
    const job = await own('Delete old runs');
    expect(job).toMatchObject({ name: 'Delete old runs', system: true, schedule: '17 * * * *', enabled: true });
    expect(await jobs.refused('DELETE', `/jobs/${job.id}`)).toBe('409 job_is_system');
    for (const body of [{ name: 'mine' }, { config: {} }, { dependencies: [] }, { description: 'mine' }]) {
      expect(await jobs.refused('PATCH', `/jobs/${job.id}`, body)).toBe('409 job_is_system');
    }
    expect(await own('Delete old runs')).toEqual(job);
  });

  it('can be paused, rescheduled and run', async () => {
    const job = await own('Delete old runs');
    const changed = await jobs.request<JobView>('PATCH', `/jobs/${job.id}`, { schedule: '5 4 * * *', keepDays: 7 });
    expect(changed.body).toMatchObject({ schedule: '5 4 * * *', keepDays: 7, version: job.version + 1 });
    const { id } = await jobs.run(job.id);
    await jobs.work();
    expect(await jobs.read(id)).toMatchObject({ status: 'succeeded', result: { deleted: 0 } });
    const paused = await jobs.request<JobView>('PATCH', `/jobs/${job.id}`, { enabled: false });
    expect(paused.body).toMatchObject({ status: 'disabled', nextRun: null });
  });

  it('that go on all the time are neither run nor scheduled, and nothing waits for them', async () => {
    const job = await own('Expire holds');
    expect(job).toMatchObject({ status: 'continuous', schedule: null });
    expect(await jobs.refused('POST', `/jobs/${job.id}/run`, {})).toBe('409 job_is_system');
    expect(await jobs.refused('PATCH', `/jobs/${job.id}`, { schedule: '* * * * *' })).toBe('409 job_is_system');
    expect(await jobs.refused('PATCH', `/jobs/${job.id}`, { enabled: false })).toBe('409 job_is_system');
    const waits = { name: 'waits for ever', type: 'work', dependencies: [job.id] };
    expect(await jobs.refused('POST', '/jobs', waits)).toBe('400 validation_failed /dependencies/0');
  });

  it('show what they did last', async () => {
    jobs.server.jobs.duties.note(EVENT_RETENTION_JOB, { forgotten: 3 });
    await jobs.server.jobs.duties.runOnce();
    const told = { lastResult: { forgotten: 3 }, runCount: 1, successCount: 1 };
    expect(await own('Forget old events')).toMatchObject(told);
  });

  it('are made beside jobs that have their names already, once however many instances start', async () => {
    await jobs.database.pool.query('DELETE FROM job WHERE type = $1', [EVENT_RETENTION_JOB]);
    const mine = await jobs.create({ name: 'Forget old events' });
    const types = new TypeBook(ownJobTypes({ database: jobs.database }));
    const start = (): Promise<void> => ensureSystemJobs({ engine: jobs.server.engine, types });
    await Promise.all([start(), start()]);
    await start();
    jobs.server.jobs.duties.note(EVENT_RETENTION_JOB, { forgotten: 4 });
    await jobs.server.jobs.duties.runOnce();
    expect(await jobs.list('search=forget')).toMatchObject([
      { id: mine.id, system: false, lastResult: null },
      { name: 'Forget old events (Holdfast)', system: true, type: EVENT_RETENTION_JOB, lastResult: { forgotten: 4 } },
    ]);
  });

  it('of another version, with duties that this one does not have, can be deleted', async () => {
    const job = await own('Delete old runs');
    await jobs.database.pool.query(`UPDATE job SET type = 'duty_of_then' WHERE id = $1`, [job.id]);
    expect((await jobs.request('DELETE', `/jobs/${job.id}`)).status).toBe(204);
  });
});
