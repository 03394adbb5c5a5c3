import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { JobsApp } from './jobs.fixture.ts';
import { startTravel, type Travel } from './scheduler.fixture.ts';

let travel: Travel;
let jobs: JobsApp;
beforeAll(async () => {
  travel = await startTravel(2);
  [jobs] = travel.apps;
});
afterAll(() => travel.close());
beforeEach(() => travel.works.clear());

describe('a deadline', () => {
  const watch = (): Promise<void> => jobs.server.jobs.scheduler.watchDeadlines();
  const alter = (sql: string, id: string) => jobs.database.pool.query(sql, [id]);
  const waiting = (): { work: Promise<unknown>; begun: Promise<void>; end: () => void } => {
    let begin = (): void => undefined;
    let end = (): void => undefined;
    const begun = new Promise<void>((resolve) => (begin = resolve));
    const ended = new Promise<void>((resolve) => (end = resolve));
    travel.works.set('slow', ({ progress }) => {
      progress(50);
      begin();
      return ended;
    });
    return { work: jobs.server.jobs.worker.runOnce(), begun, end };
  };

  it('is at risk by how long the job usually takes, and is told of once', async () => {
    const job = await jobs.create({ name: 'usual', mustFinishBy: 'PT1H' });
    await jobs.run(job.id);
    await jobs.work();
    // Twenty successes of two hours; before them and among them others, and failures, that were quick.
    await alter(`UPDATE run SET attempt_started_at = finished_at - interval '2 hours' WHERE job_id = $1`, job.id);
    await alter(
      `INSERT INTO run SELECT (jsonb_populate_record(run, jsonb_build_object('id', gen_random_uuid(),
           'cycle_id', gen_random_uuid(), 'status', kind.status, 'error', kind.error,
           'finished_at', finished_at - kind.ago, 'attempt_started_at', finished_at - kind.ago - kind.took))).*
         FROM run, (VALUES ('succeeded', NULL::jsonb, interval '1 s', interval '2 h', 19),
           ('succeeded', NULL, interval '1 day', interval '1 s', 40), ('failed', '{}', interval '1 s', interval '1 s', 40))
           AS kind (status, error, ago, took, count), LATERAL generate_series(1, kind.count) WHERE job_id = $1`,
      job.id,
    );
    const { id, deadlineState, deadline, dueAt } = await jobs.run(job.id);
    expect(deadlineState).toBe('ahead');
    expect(Date.parse(deadline ?? '') - Date.parse(dueAt)).toBe(3_600_000);
    await watch();
    await watch();
    expect((await jobs.read(id)).deadlineState).toBe('at_risk');
    expect(await jobs.eventsOf(id)).toEqual(['run.requested', 'run.queued', 'run.deadline_at_risk']);
    await jobs.work();
    expect((await jobs.read(id)).deadlineState).toBe('kept');
    expect((await jobs.eventsOf(id)).slice(3)).toEqual(['run.started', 'run.succeeded']);
  });

  it('is at risk by how far the run is, and no more when it has caught up', async () => {
    const job = await jobs.create({ name: 'slow', config: { name: 'slow' }, mustFinishBy: 'PT1H' });
    const { id } = await jobs.run(job.id);
    const { work, begun, end } = waiting();
    await begun;
    // Half of it in 40 minutes: 20 are left, and 40 are needed.
    const half = `UPDATE run SET percent = 50, attempt_started_at = now() - interval '40 minutes',
      deadline = now() + interval '20 minutes' WHERE id = $1`;
    await alter(half, id);
    await watch();
    expect((await jobs.read(id)).deadlineState).toBe('at_risk');
    await alter('UPDATE run SET percent = 75 WHERE id = $1', id);
    await watch();
    expect((await jobs.read(id)).deadlineState).toBe('ahead');
    end();
    await work;
    expect((await jobs.read(id)).deadlineState).toBe('kept');
    expect((await jobs.eventsOf(id)).filter((kind) => kind.includes('deadline'))).toEqual(['run.deadline_at_risk']);
  });

  it('is judged by the attempt that is under way, and not by those that failed before it', async () => {
    const job = await jobs.create({ name: 'second', config: { name: 'slow' }, mustFinishBy: 'PT1H' });
    const { id } = await jobs.run(job.id);
    const { work, begun, end } = waiting();
    await begun;
    // An attempt of half an hour was in vain; this one has done half in five minutes, and has fifteen more.
    const second = `UPDATE run SET attempt = 2, percent = 50, started_at = now() - interval '40 minutes',
      attempt_started_at = now() - interval '5 minutes', deadline = now() + interval '15 minutes' WHERE id = $1`;
    await alter(second, id);
    await watch();
    expect((await jobs.read(id)).deadlineState).toBe('ahead');
    end();
    await work;
  });

  it('is at risk when the next attempt comes too late, however far the last one was', async () => {
    const backoff = { kind: 'fixed', delayMs: 7_200_000, maxDelayMs: 7_200_000 };
    const job = await jobs.create({ name: 'retried', config: { name: 'retried' }, mustFinishBy: 'PT30M', backoff });
    travel.works.set('retried', ({ progress }) => {
      progress(99);
      return Promise.reject(new Error('no'));
    });
    const { id } = await jobs.run(job.id);
    await jobs.work();
    expect(await jobs.read(id)).toMatchObject({ status: 'retrying', deadlineState: 'ahead' });
    await watch();
    expect((await jobs.read(id)).deadlineState).toBe('at_risk');
  });

  it('of a run that somebody holds is looked at the next time, and so is how long it waits', async () => {
    const job = await jobs.create({ name: 'held', mustFinishBy: 'PT1H' });
    const { id } = await jobs.run(job.id);
    await alter(`UPDATE run SET deadline = now() - interval '1 second' WHERE id = $1`, id);
    const holder = await jobs.database.openClient();
    const standing = async () =>
      (await holder.query('SELECT deadline_state, raised FROM run WHERE id = $1', [id])).rows[0];
    await holder.query('BEGIN');
    await holder.query('SELECT FROM run WHERE id = $1 FOR UPDATE', [id]);
    await watch();
    await jobs.server.jobs.scheduler.raise(0);
    expect(await standing()).toEqual({ deadline_state: 'ahead', raised: 0 });
    await holder.query('ROLLBACK');
    await alter(`UPDATE run SET due_at = now() - interval '6 minutes' WHERE id = $1`, id);
    // It rises again when it has waited for ten.
    for (let count = 0; count < 2; count += 1) await jobs.server.jobs.scheduler.tend();
    expect(await standing()).toEqual({ deadline_state: 'missed', raised: 1 });
    await holder.end();
    await jobs.work();
  });

  it('that has passed is told of once, and the run goes on', async () => {
    const job = await jobs.create({ name: 'late', mustFinishBy: 'PT1H' });
    const { id } = await jobs.run(job.id);
    await alter(`UPDATE run SET deadline = now() - interval '1 second' WHERE id = $1`, id);
    await watch();
    await watch();
    await jobs.work();
    expect(await jobs.read(id)).toMatchObject({ status: 'succeeded', deadlineState: 'missed' });
    expect(await jobs.eventsOf(id)).toEqual([
      'run.requested',
      'run.queued',
      'run.deadline_missed',
      'run.started',
      'run.succeeded',
    ]);
  });

  it('that passes between two looks is told of with the end of the run', async () => {
    const job = await jobs.create({ name: 'between', mustFinishBy: 'PT1H' });
    const { id } = await jobs.run(job.id);
    await alter(`UPDATE run SET deadline = now() - interval '1 second' WHERE id = $1`, id);
    await jobs.work();
    expect(await jobs.eventsOf(id)).toEqual([
      'run.requested',
      'run.queued',
      'run.started',
      'run.deadline_missed',
      'run.succeeded',
    ]);
  });

  it('that was missed stays so when the run is redriven, and is not told of again', async () => {
    const job = await jobs.create({ name: 'redriven', config: { name: 'redriven' }, mustFinishBy: 'PT1H', retries: 0 });
    travel.works.set('redriven', () => Promise.reject(new Error('no')));
    const late = await jobs.run(job.id);
    await alter(`UPDATE run SET deadline = now() - interval '1 second' WHERE id = $1`, late.id);
    await watch();
    await jobs.work();
    // It failed with time left: there is a deadline to keep again.
    const early = await jobs.run(job.id);
    await jobs.work();
    for (const { id } of [late, early]) await jobs.request('POST', `/runs/${id}/redrive`);
    expect((await jobs.read(late.id)).deadlineState).toBe('missed');
    expect((await jobs.read(early.id)).deadlineState).toBe('ahead');
    await watch();
    expect((await jobs.eventsOf(late.id)).filter((kind) => kind === 'run.deadline_missed')).toHaveLength(1);
    travel.works.delete('redriven');
    await jobs.work();
    expect((await jobs.read(late.id)).deadlineState).toBe('missed');
    expect((await jobs.read(early.id)).deadlineState).toBe('kept');
  });

  it('is missed by a tick that is skipped, and by a run that fails or is cancelled', async () => {
    const job = await travel.scheduled('* * * * *', { mustFinishBy: 'PT1H', overlap: 'skip', retries: 0 });
    travel.works.set(job.name, () => Promise.reject(new Error('no')));
    await travel.nextAt(job.id, '2025-06-01T00:01Z');
    await travel.to('2025-06-01T00:01Z');
    await travel.to('2025-06-01T00:02Z');
    await jobs.work();
    const { id } = await jobs.run(job.id);
    await jobs.request('POST', `/runs/${id}/cancel`);
    expect((await jobs.history(job.id)).map(({ status, deadlineState }) => `${status} ${deadlineState}`)).toEqual([
      'failed missed',
      'skipped missed',
      'cancelled missed',
    ]);
    // It failed in time: that is what is told.
    expect(await jobs.eventsOf(id)).toEqual(['run.requested', 'run.queued', 'run.cancel_requested', 'run.cancelled']);
  });

  it('at a time of day is the next one on the clocks of the job', async () => {
    const more = { mustFinishBy: '06:00', timeZone: 'Europe/Berlin' };
    const job = await travel.scheduled('30 22 * * *', more);
    await travel.nextAt(job.id, '2025-03-29T21:30Z');
    await travel.to('2025-03-29T21:30Z');
    // Seven hours and a half of clock, six and a half of time.
    expect((await jobs.history(job.id))[0]?.deadline).toBe('2025-03-30T04:00:00.000Z');
  });
});
