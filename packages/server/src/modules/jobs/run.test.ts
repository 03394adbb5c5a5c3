import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PermanentError } from '../../platform/jobs/index.ts';
import { NOWHERE, startJobsApp, type JobsApp } from './jobs.fixture.ts';
import type { RunSummary } from './run.schema.ts';

const DAY_MS = 86_400_000;

let jobs: JobsApp;
beforeAll(async () => {
  jobs = await startJobsApp();
});
afterAll(() => jobs.close());

describe('a run', () => {
  it('waits, runs, and shows what it gave', async () => {
    const job = await jobs.create({ name: 'plain', config: { name: 'plain' } });
    jobs.works.set('plain', async ({ progress, log, attempt, config }) => {
      progress(40, 'almost half');
      log('info', 'one line');
      log('warn', 'another');
      return { attempt, config };
    });
    const asked = await jobs.run(job.id);
    expect(asked).toMatchObject({ status: 'queued', attempt: 0, trigger: 'request', startedBy: 'open' });
    await jobs.work();
    expect(await jobs.read(asked.id)).toMatchObject({
      status: 'succeeded',
      percent: 100,
      message: 'almost half',
      attempt: 1,
      attemptsMax: 4,
      result: { attempt: 1, config: { name: 'plain' } },
      attempts: [{ attempt: 1, outcome: 'succeeded', error: null }],
      logLines: 2,
    });
    const log = await jobs.request<{ items: object[]; last: number }>('GET', `/runs/${asked.id}/log`);
    expect(log.body).toMatchObject({
      items: [
        { line: 1, attempt: 1, level: 'info', message: 'one line' },
        { line: 2, level: 'warn', message: 'another' },
      ],
      last: 2,
    });
    expect((await jobs.request<object>('GET', `/jobs/${job.id}`)).body).toMatchObject({
      status: 'idle',
      runCount: 1,
      successCount: 1,
      failureCount: 0,
      lastRun: { id: asked.id, status: 'succeeded' },
    });
  });

  it('is tried again until its attempts are used up, and can then be redriven', async () => {
    const backoff = { kind: 'fixed', delayMs: 0, maxDelayMs: 0 };
    const job = await jobs.create({ name: 'failing', config: { name: 'failing' }, retries: 2, backoff });
    let fails = true;
    let second: object | undefined;
    jobs.works.set('failing', async ({ attempt, progress, runId }) => {
      if (attempt === 1) progress(60, 'more than half');
      if (attempt === 2) second = await jobs.read(runId);
      if (fails) throw new Error(`no luck ${attempt}`);
      return 'luck';
    });
    const { id } = await jobs.run(job.id);
    await jobs.server.jobs.scheduler.raise(0);
    await jobs.server.jobs.worker.runOnce();
    // An attempt of long ago: what the next is said to have taken is its own.
    const { rows } = await jobs.database.pool.query(
      `UPDATE run SET attempt_started_at = attempt_started_at - interval '1 hour' WHERE id = $1 RETURNING raised`,
      [id],
    );
    expect(rows).toEqual([{ raised: 0 }]);
    await jobs.work();
    expect(second).toMatchObject({ status: 'running', attempt: 2, percent: null, message: null, error: null });
    const ofLast = `SELECT FROM run WHERE id = $1 AND attempt_started_at > now() - interval '30 minutes'`;
    expect((await jobs.database.pool.query(ofLast, [id])).rowCount).toBe(1);
    expect(await jobs.read(id)).toMatchObject({
      status: 'failed',
      attempt: 3,
      error: { code: 'failed', message: 'no luck 3' },
      attempts: [
        { attempt: 1, outcome: 'failed', error: { message: 'no luck 1' } },
        { attempt: 2, outcome: 'failed' },
        { attempt: 3, outcome: 'failed' },
      ],
    });
    fails = false;
    expect(await jobs.request('POST', `/runs/${id}/redrive`)).toMatchObject({
      status: 200,
      body: { status: 'queued', attempt: 0, error: null },
    });
    await jobs.work();
    expect(await jobs.read(id)).toMatchObject({ status: 'succeeded', result: 'luck', attempt: 1 });
    expect(await jobs.request('POST', `/runs/${id}/redrive`)).toMatchObject({
      status: 409,
      body: { code: 'run_not_failed', runStatus: 'succeeded' },
    });
  });

  it('that is redriven begins anew: what it took, and how far it was, is of this time', async () => {
    const job = await jobs.create({ name: 'begun anew', config: { name: 'begun anew' }, retries: 0 });
    jobs.works.set('begun anew', ({ progress }) => {
      progress(60, 'more than half');
      return Promise.reject(new Error('on Friday'));
    });
    const { id } = await jobs.run(job.id);
    await jobs.work();
    expect(await jobs.read(id)).toMatchObject({ status: 'failed', percent: 60, message: 'more than half' });
    await jobs.database.pool.query(
      `UPDATE run SET created_at = created_at - w, due_at = due_at - w, started_at = started_at - w,
         attempt_started_at = attempt_started_at - w, finished_at = finished_at - w
       FROM (SELECT interval '60 hours' AS w) AS weekend WHERE id = $1`,
      [id],
    );
    jobs.works.set('begun anew', () => Promise.resolve('on Monday'));
    const { body: waiting } = await jobs.request<RunSummary>('POST', `/runs/${id}/redrive`);
    expect(waiting).toMatchObject({ startedAt: null, durationMs: null, percent: null, message: null });
    await jobs.work();
    const { status, durationMs } = await jobs.read(id);
    expect(status).toBe('succeeded');
    expect(durationMs).toBeLessThan(3_600_000);
    const { body } = await jobs.request<{ jobs: { jobId: string; durationP99Ms: number }[] }>('GET', '/jobs/stats');
    expect(body.jobs.find(({ jobId }) => jobId === job.id)?.durationP99Ms).toBeLessThan(3_600_000);
  });

  it('is redriven with those of other jobs in one call, each under the name of its own', async () => {
    const names = ['one that failed', 'another that failed'];
    const made: RunSummary[] = [];
    for (const name of [...names, 'one of which nobody speaks']) {
      jobs.works.set(name, () => Promise.reject(new PermanentError('no')));
      made.push(await jobs.run((await jobs.create({ name, config: { name } })).id));
    }
    await jobs.work();
    const ids = made.slice(0, 2).map(({ id }) => id);
    const redrive = (body: object) => jobs.request('POST', '/runs/redrive', body);
    expect(await redrive({ ids })).toEqual({ status: 200, body: { redriven: 2, more: false } });
    const queued = await jobs.request<{ items: { data: RunSummary }[] }>('GET', '/events?limit=200&types=run.queued');
    const told = queued.body.items.filter(({ data }) => ids.includes(data.id)).map(({ data }) => data.job.name);
    expect(told.toSorted()).toEqual([...names, ...names].toSorted());
    await jobs.work();
    for (const id of ids) expect(await jobs.read(id)).toMatchObject({ status: 'failed' });
    expect(await redrive({ jobId: made[2]?.job.id })).toEqual({ status: 200, body: { redriven: 1, more: false } });
    await jobs.work();
  });

  it('fails at once where trying again would not help', async () => {
    const job = await jobs.create({ name: 'permanent', config: { name: 'permanent' }, retries: 5 });
    jobs.works.set('permanent', () => Promise.reject(new PermanentError('the address is wrong')));
    const { id } = await jobs.run(job.id);
    await jobs.work();
    expect(await jobs.read(id)).toMatchObject({
      status: 'failed',
      attempt: 1,
      error: { code: 'permanent', message: 'the address is wrong' },
    });
  });

  it('is not thrown away by the queue where it was due long ago', async () => {
    const job = await jobs.create({ name: 'late', schedule: '0 0 1 1 *' });
    const long = new Date(Date.now() - 600 * 86_400_000).toISOString();
    await jobs.database.pool.query('UPDATE job_state SET next_at = $2 WHERE job_id = $1', [job.id, long]);
    await jobs.server.jobs.scheduler.runOnce();
    expect(await jobs.history(job.id)).toMatchObject([{ status: 'queued', trigger: 'catch_up' }]);
    const { rows } = await jobs.database.pool.query(
      `SELECT FROM holdfast_queue.job WHERE state < 'active' AND keep_until < now() + interval '300 days'`,
    );
    expect(rows).toHaveLength(0);
  });
});

describe('a run for later', () => {
  it.each(['at', 'delayMs'])('by %s is not begun before', async (by) => {
    const job = await jobs.create({ name: `later ${by}` });
    const dueMs = Date.now() + 400;
    const run = await jobs.run(job.id, by === 'at' ? { at: new Date(dueMs).toISOString() } : { delayMs: 400 });
    if (by === 'at') expect(Date.parse(run.dueAt)).toBe(dueMs);
    else expect(Date.parse(run.dueAt) - Date.parse(run.createdAt)).toBe(400);
    await expect
      .poll(
        async () => {
          await jobs.work();
          return (await jobs.read(run.id)).status;
        },
        { timeout: 30_000, interval: 20 },
      )
      .toBe('succeeded');
    const { startedAt } = await jobs.read(run.id);
    expect(Date.parse(startedAt ?? '')).toBeGreaterThanOrEqual(Date.parse(run.dueAt));
  });
});

describe('a run for later is refused', () => {
  it.each([
    ['an instant that is past', () => ({ at: new Date(Date.now() - 60_000).toISOString() }), '/at'],
    ['an instant of the year after next', () => ({ at: new Date(Date.now() + 400 * DAY_MS).toISOString() }), '/at'],
    ['what is no instant', () => ({ at: 'tomorrow' }), '/at'],
    ['a delay that is negative', () => ({ delayMs: -1 }), '/delayMs'],
    ['a delay of more than a year', () => ({ delayMs: 367 * DAY_MS }), '/delayMs'],
    ['both', () => ({ at: new Date(Date.now() + 60_000).toISOString(), delayMs: 1 }), '/delayMs'],
    ['config outside of its schema', () => ({ config: { name: 7 } }), '/config/name'],
    ['a member that is not there', () => ({ when: 'now' }), '/when'],
  ])('for %s', async (why, body, path) => {
    const { id } = await jobs.create({ name: `later: ${why}` });
    expect(await jobs.refused('POST', `/jobs/${id}/run`, body())).toBe(`400 validation_failed ${path}`);
    expect(await jobs.history(id)).toEqual([]);
  });

  it('for a job that is not there', async () => {
    expect(await jobs.refused('POST', `/jobs/${NOWHERE}/run`, {})).toBe('404 job_not_found');
  });
});

describe('a result that may be used again', () => {
  it('is taken over by runs with the same config, until it is too old', async () => {
    let count = 0;
    const job = await jobs.create({ name: 'cached', config: { name: 'cached', secret: 'one' }, cacheForMs: 3_600_000 });
    let fails = false;
    jobs.works.set('cached', async () => {
      if (fails) throw new PermanentError('not this time');
      return { count: (count += 1) };
    });
    jobs.works.set('else', async () => ({ count: -1 }));
    const done = async (body = {}): Promise<object> => {
      const { id } = await jobs.run(job.id, body);
      await jobs.work();
      const { status, result, cachedFrom, attempt } = await jobs.read(id);
      expect(status).toBe('succeeded');
      return { id, result, cachedFrom, attempt };
    };
    const first = (await done()) as { id: string };
    expect(first).toMatchObject({ result: { count: 1 }, cachedFrom: null, attempt: 1 });
    expect(await done()).toMatchObject({ result: { count: 1 }, cachedFrom: first.id, attempt: 0 });
    expect(await done({ config: { name: 'else' } })).toMatchObject({ result: { count: -1 }, cachedFrom: null });
    expect(await done({ config: { secret: 'two' } })).toMatchObject({ result: { count: 2 }, cachedFrom: null });
    const fresh = (await done({ fresh: true })) as { id: string };
    expect(fresh).toMatchObject({ result: { count: 3 }, cachedFrom: null });
    expect(await done()).toMatchObject({ result: { count: 3 }, cachedFrom: fresh.id });
    // A run that failed since gave nothing that could be used.
    fails = true;
    await jobs.run(job.id, { fresh: true });
    await jobs.work();
    fails = false;
    expect(await done()).toMatchObject({ result: { count: 3 }, cachedFrom: fresh.id });
    // What was taken over does not keep it young.
    await jobs.database.pool.query(
      `UPDATE run SET finished_at = finished_at - interval '61 minutes' WHERE job_id = $1 AND cached_from IS NULL`,
      [job.id],
    );
    expect(await done()).toMatchObject({ result: { count: 4 }, cachedFrom: null });
    expect(await jobs.show(job.id)).toMatchObject({ runCount: 9, successCount: 8, failureCount: 1 });
  });

  it('is not taken over by a run for a time when it will be too old', async () => {
    const job = await jobs.create({ name: 'cached for later', config: { name: 'later' }, cacheForMs: 3_600_000 });
    const { id } = await jobs.run(job.id);
    await jobs.work();
    const soon = await jobs.run(job.id, { delayMs: 3_000_000 });
    expect(soon).toMatchObject({ status: 'succeeded', cachedFrom: id });
    const later = await jobs.run(job.id, { delayMs: 3_600_000 });
    expect(later).toMatchObject({ status: 'queued', cachedFrom: null });
  });
});
