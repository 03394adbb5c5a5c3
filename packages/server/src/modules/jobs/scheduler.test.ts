import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { JobView } from './job.schema.ts';
import type { JobsApp } from './jobs.fixture.ts';
import type { RunSummary } from './run.schema.ts';
import { startTravel, type Travel } from './scheduler.fixture.ts';

let travel: Travel;
let jobs: JobsApp;
let names = 0;

beforeAll(async () => {
  travel = await startTravel(2);
  jobs = travel.apps[0] as JobsApp;
});
afterAll(() => travel.close());
beforeEach(() => travel.works.clear());

function scheduled(schedule: string, more: object = {}): Promise<JobView> {
  names += 1;
  return jobs.create({ name: `job ${names}`, config: { name: `job ${names}` }, schedule, ...more });
}

async function jobOf(id: string): Promise<JobView> {
  return (await jobs.request<JobView>('GET', `/jobs/${id}`)).body;
}

/** The ticks of a job's runs, minutes in UTC, in the order of the runs. */
async function ticksOf({ id }: JobView): Promise<string[]> {
  const { body } = await jobs.request<{ items: RunSummary[] }>('GET', `/jobs/${id}/history?sort=createdAt&limit=200`);
  return body.items.map(({ tick }) => tick?.slice(0, 16) ?? 'none');
}

/** What the journal says of a run's deadline or end. */
async function eventsOf(runId: string): Promise<string[]> {
  const entries = await jobs.database.pool.query<{ kind: string }>(
    'SELECT kind FROM journal_entry WHERE subject = $1 ORDER BY id',
    [runId],
  );
  return entries.rows.map(({ kind }) => kind);
}

function instants(from: string, to: string, stepMinutes: number): string[] {
  const found: string[] = [];
  for (let at = Date.parse(from); at <= Date.parse(to); at += stepMinutes * 60_000) {
    found.push(new Date(at).toISOString());
  }
  return found;
}

function minutesOf(found: string[]): string[] {
  return found.map((at) => at.slice(0, 16));
}

describe('with two instances that look at the same moment', () => {
  const BERLIN = { timeZone: 'Europe/Berlin', overlap: 'queue' };
  it.each([
    {
      change: 'spring, when 02:00 to 03:00 is left out',
      from: '2025-03-29T22:00:00Z',
      to: '2025-03-30T04:00:00Z',
      daily: ['2025-03-30T01:00'],
      atTwo: [],
    },
    {
      change: 'autumn, when 02:00 to 03:00 comes twice',
      from: '2025-10-25T22:00:00Z',
      to: '2025-10-26T04:00:00Z',
      daily: ['2025-10-26T00:30'],
      atTwo: ['2025-10-26T00:00', '2025-10-26T00:30', '2025-10-26T01:00', '2025-10-26T01:30'],
    },
  ])('each tick fires once in $change', async ({ from, to, daily, atTwo }) => {
    const fixed = await scheduled('30 2 * * *', BERLIN);
    const often = await scheduled('*/30 * * * *', BERLIN);
    const night = await scheduled('*/30 2 * * *', BERLIN);
    for (const { id } of [fixed, often, night]) await travel.nextAt(id, from);
    // The state a running scheduler would have left: the first tick at or after the beginning.
    await travel.nextAt(fixed.id, daily[0] === undefined ? to : `${daily[0]}Z`);
    await travel.nextAt(night.id, atTwo[0] === undefined ? `${to.slice(0, 8)}31T00:00Z` : `${atTwo[0]}Z`);
    for (const instant of instants(from, to, 15)) await travel.to(instant);
    expect(await ticksOf(fixed)).toEqual(daily);
    expect(await ticksOf(often)).toEqual(minutesOf(instants(from, to, 30)));
    expect(await ticksOf(night)).toEqual(atTwo);
    const { body } = await jobs.request<{ items: RunSummary[] }>('GET', `/jobs/${often.id}/history?limit=200`);
    expect(new Set(body.items.map(({ trigger, status }) => `${trigger} ${status}`))).toEqual(
      new Set(['schedule queued']),
    );
  });

  it('a tick that has its run already makes no other, and holds nothing up', async () => {
    const job = await scheduled('0 * * * *', { overlap: 'queue' });
    await travel.nextAt(job.id, '2025-06-01T01:00Z');
    await travel.to('2025-06-01T01:00Z');
    // As after a database's clock was set back and the schedule was changed to and fro.
    await travel.nextAt(job.id, '2025-06-01T01:00Z');
    const other = await scheduled('0 * * * *');
    await travel.nextAt(other.id, '2025-06-01T01:00Z');
    await travel.to('2025-06-01T01:00Z');
    expect(await ticksOf(job)).toEqual(['2025-06-01T01:00']);
    expect(await ticksOf(other)).toEqual(['2025-06-01T01:00']);
    expect((await jobOf(job.id)).nextRun).toBe('2025-06-01T02:00:00.000Z');
  });
});

describe('ticks that nobody was there to fire', () => {
  it.each([
    ['skip', 10, '05:00:10', ['05:00 schedule']],
    ['skip', 10, '05:10:00', []],
    ['once', 10, '05:00:10', ['05:00 schedule']],
    ['once', 10, '05:10:00', ['05:00 catch_up']],
    ['all', 10, '05:00:10', ['01:00 catch_up', '02:00 catch_up', '03:00 catch_up', '04:00 catch_up', '05:00 schedule']],
    ['all', 2, '05:10:00', ['04:00 catch_up', '05:00 catch_up']],
    ['all', 2, '05:00:10', ['03:00 catch_up', '04:00 catch_up', '05:00 schedule']],
  ])('catchUp %s, %i at most, at %s: %j', async (catchUp, catchUpMax, at, made) => {
    const job = await scheduled('0 * * * *', { catchUp, catchUpMax, overlap: 'queue' });
    await travel.nextAt(job.id, '2025-06-01T01:00Z');
    await travel.to(`2025-06-01T${at}Z`);
    const runs = await jobs.history(job.id);
    expect(runs.map(({ tick, trigger }) => `${tick?.slice(11, 16)} ${trigger}`)).toEqual(made);
    expect((await jobOf(job.id)).nextRun).toBe('2025-06-01T06:00:00.000Z');
  });
});

describe('what many jobs have missed', () => {
  it('is caught up with bit by bit, in order, with nothing left out', async () => {
    const made = await Promise.all(
      [1, 2, 3].map(() => scheduled('* * * * *', { catchUp: 'all', catchUpMax: 150, overlap: 'queue' })),
    );
    for (const { id } of made) await travel.nextAt(id, '2025-06-01T00:00Z');
    const rounds = await travel.to('2025-06-02T00:00Z');
    expect(rounds[0]).toBe(250);
    expect(rounds.length).toBeGreaterThan(1);
    const expected = minutesOf(instants('2025-06-01T21:30:00Z', '2025-06-02T00:00:00Z', 1));
    for (const job of made) expect(await ticksOf(job)).toEqual(expected);
  });
});

describe('a tick whose job is under way', () => {
  const statuses = async ({ id }: JobView): Promise<string[]> =>
    (await jobs.history(id)).map(({ status, reason, cancelRequestedBy }) =>
      [status, reason ?? cancelRequestedBy].filter((word) => word !== null).join(' '),
    );
  const everyMinute = async (more: object): Promise<JobView> => {
    const job = await scheduled('* * * * *', more);
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
    expect(await jobOf(job.id)).toMatchObject({ runCount: 2, successCount: 2, failureCount: 0 });
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

  it('has the one that waits cancelled, and told of', async () => {
    const job = await everyMinute({ overlap: 'cancel' });
    await tick(1);
    await tick(2);
    expect(await statuses(job)).toEqual(['cancelled system:overlap', 'queued']);
    const [first] = await jobs.history(job.id);
    expect(await eventsOf(first?.id ?? '')).toEqual(['run.queued', 'run.cancelled']);
    await jobs.work();
    expect(await statuses(job)).toEqual(['cancelled system:overlap', 'succeeded']);
    expect(await jobOf(job.id)).toMatchObject({ runCount: 2, successCount: 1 });
  });

  it('has the one that runs cancelled, and follows it', async () => {
    const job = await everyMinute({ overlap: 'cancel' });
    let begin = (): void => undefined;
    const began = new Promise<void>((resolve) => (begin = resolve));
    travel.works.set(job.name, ({ signal }) => {
      begin();
      return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
    });
    await tick(1);
    const working = jobs.server.jobs.worker.runOnce();
    await began;
    await tick(2);
    expect(await statuses(job)).toEqual(['running system:overlap', 'queued']);
    travel.works.clear();
    await jobs.server.jobs.worker.tend();
    await working;
    await jobs.work();
    expect(await statuses(job)).toEqual(['cancelled system:overlap', 'succeeded']);
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

describe('a job that is disabled', () => {
  let others: [Travel, JobsApp];
  beforeAll(async () => {
    others = [travel, jobs];
    travel = await startTravel(1);
    jobs = travel.apps[0] as JobsApp;
  });
  afterAll(async () => {
    await travel.close();
    [travel, jobs] = others;
  });

  it('does not fire, and begins anew when it is enabled', async () => {
    const job = await scheduled('* * * * *', { catchUp: 'all' });
    const off = await jobs.request<JobView>('PATCH', `/jobs/${job.id}`, { enabled: false });
    expect(off.body).toMatchObject({ enabled: false, status: 'disabled', nextRun: null });
    await travel.to(new Date(Date.now() + 3_600_000).toISOString());
    expect(await jobs.history(job.id)).toEqual([]);
    const on = await jobs.request<JobView>('PATCH', `/jobs/${job.id}`, { enabled: true });
    const next = Date.parse(on.body.nextRun ?? '');
    expect(next - Date.now()).toBeGreaterThan(-5_000);
    expect(next - Date.now()).toBeLessThanOrEqual(60_000);
    await travel.to(new Date(next).toISOString());
    expect(await ticksOf(job)).toEqual([on.body.nextRun?.slice(0, 16)]);
  });

  it('runs when it is asked to', async () => {
    const job = await scheduled('* * * * *', { enabled: false });
    const { id } = await jobs.run(job.id);
    await jobs.work();
    expect((await jobs.read(id)).status).toBe('succeeded');
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
        { timeout: 10_000, interval: 20 },
      )
      .toBe('succeeded');
    const { startedAt } = await jobs.read(run.id);
    expect(Date.parse(startedAt ?? '')).toBeGreaterThanOrEqual(Date.parse(run.dueAt));
  });
});

describe('a result that may be used again', () => {
  it('is taken over by runs with the same config, until it is too old', async () => {
    let count = 0;
    const job = await jobs.create({ name: 'cached', config: { name: 'cached', secret: 'one' }, cacheForMs: 3_600_000 });
    travel.works.set('cached', async () => ({ count: (count += 1) }));
    travel.works.set('else', async () => ({ count: -1 }));
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
    // What was taken over does not keep it young.
    await jobs.database.pool.query(
      `UPDATE run SET finished_at = finished_at - interval '61 minutes' WHERE job_id = $1 AND cached_from IS NULL`,
      [job.id],
    );
    expect(await done()).toMatchObject({ result: { count: 4 }, cachedFrom: null });
    expect(await jobOf(job.id)).toMatchObject({ runCount: 7, successCount: 7 });
  });
});

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
    await alter(`UPDATE run SET started_at = finished_at - interval '2 hours' WHERE job_id = $1`, job.id);
    const { id, deadlineState, deadline, dueAt } = await jobs.run(job.id);
    expect(deadlineState).toBe('ahead');
    expect(Date.parse(deadline ?? '') - Date.parse(dueAt)).toBe(3_600_000);
    await watch();
    await watch();
    expect((await jobs.read(id)).deadlineState).toBe('at_risk');
    expect(await eventsOf(id)).toEqual(['run.requested', 'run.queued', 'run.deadline_at_risk']);
    await jobs.work();
    expect((await jobs.read(id)).deadlineState).toBe('kept');
    expect((await eventsOf(id)).slice(3)).toEqual(['run.started', 'run.succeeded']);
  });

  it('is at risk by how far the run is, and no more when it has caught up', async () => {
    const job = await jobs.create({ name: 'slow', config: { name: 'slow' }, mustFinishBy: 'PT1H' });
    const { id } = await jobs.run(job.id);
    const { work, begun, end } = waiting();
    await begun;
    // Half of it in 40 minutes: 20 are left, and 40 are needed.
    const half = `UPDATE run SET percent = 50, started_at = now() - interval '40 minutes',
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
    expect((await eventsOf(id)).filter((kind) => kind.includes('deadline'))).toEqual(['run.deadline_at_risk']);
  });

  it('that has passed is told of once, and the run goes on', async () => {
    const job = await jobs.create({ name: 'late', mustFinishBy: 'PT1H' });
    const { id } = await jobs.run(job.id);
    await alter(`UPDATE run SET deadline = now() - interval '1 second' WHERE id = $1`, id);
    await watch();
    await watch();
    await jobs.work();
    expect(await jobs.read(id)).toMatchObject({ status: 'succeeded', deadlineState: 'missed' });
    expect(await eventsOf(id)).toEqual([
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
    expect(await eventsOf(id)).toEqual([
      'run.requested',
      'run.queued',
      'run.started',
      'run.deadline_missed',
      'run.succeeded',
    ]);
  });

  it('is missed by a tick that is skipped, and by a run that fails or is cancelled', async () => {
    const job = await scheduled('* * * * *', { mustFinishBy: 'PT1H', overlap: 'skip', retries: 0 });
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
    expect(await eventsOf(id)).toEqual(['run.requested', 'run.queued', 'run.cancel_requested', 'run.cancelled']);
  });

  it('at a time of day is the next one on the clocks of the job', async () => {
    const more = { mustFinishBy: '06:00', timeZone: 'Europe/Berlin' };
    const job = await scheduled('30 22 * * *', more);
    await travel.nextAt(job.id, '2025-03-29T21:30Z');
    await travel.to('2025-03-29T21:30Z');
    // Seven hours and a half of clock, six and a half of time.
    expect((await jobs.history(job.id))[0]?.deadline).toBe('2025-03-30T04:00:00.000Z');
  });
});
