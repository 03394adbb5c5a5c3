import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { JobView } from './job.schema.ts';
import { NOWHERE, startJobsApp, type JobsApp, type Refused } from './jobs.fixture.ts';

const DAY_MS = 86_400_000;

let jobs: JobsApp;
beforeAll(async () => {
  jobs = await startJobsApp();
});
afterAll(() => jobs.close());

async function auditOf(subject: string): Promise<{ kind: string; actor: string; data: Record<string, unknown> }[]> {
  const { body } = await jobs.request<{ items: { kind: string; actor: string; subject: string; data: object }[] }>(
    'GET',
    '/audit?limit=200',
  );
  return body.items
    .filter((entry) => entry.subject === subject)
    .toReversed()
    .map(({ kind, actor, data }) => ({ kind, actor, data: { ...data } }));
}

function withMatch(method: 'PATCH' | 'DELETE' | 'GET', id: string, ifMatch: string | null, payload?: object) {
  return jobs.app.inject({
    method,
    url: `/api/v1/jobs/${id}`,
    headers: ifMatch === null ? {} : { 'if-match': ifMatch },
    ...(payload === undefined ? {} : { payload }),
  });
}

describe('a job', () => {
  it('is made with defaults, and shown with them', async () => {
    const answer = await jobs.app.inject({
      method: 'POST',
      url: '/api/v1/jobs',
      payload: { name: 'plain', type: 'work' },
    });
    expect(answer.statusCode).toBe(201);
    const job = answer.json<JobView>();
    expect(answer.headers).toMatchObject({ etag: '"1"', location: `/api/v1/jobs/${job.id}` });
    const { id, createdAt, updatedAt, ...rest } = job;
    expect(updatedAt).toBe(createdAt);
    expect(rest).toEqual({
      name: 'plain',
      type: 'work',
      description: '',
      config: { name: 'nothing' },
      schedule: null,
      scheduleText: null,
      timeZone: 'UTC',
      priority: 'normal',
      retries: 3,
      backoff: { kind: 'exponential', delayMs: 1_000, maxDelayMs: 600_000 },
      timeoutMs: 300_000,
      dependencies: [],
      afterFailure: 'skip',
      concurrency: 1,
      overlap: 'skip',
      catchUp: 'once',
      catchUpMax: 10,
      cacheForMs: 0,
      mustFinishBy: null,
      keepDays: 30,
      enabled: true,
      system: false,
      status: 'idle',
      lastRun: null,
      nextRun: null,
      lastResult: null,
      lastAt: null,
      runCount: 0,
      successCount: 0,
      failureCount: 0,
      version: 1,
    });
    expect((await withMatch('GET', id, null)).json()).toEqual(job);
  });

  it('is shown with its schedule in words, and when it fires next', async () => {
    const job = await jobs.create({ name: 'nightly', schedule: '30 2 * * 1-5', timeZone: 'Europe/Berlin' });
    expect(job.scheduleText).toBe('At 02:30, Monday through Friday (Europe/Berlin)');
    const next = new Date(job.nextRun ?? '');
    const shown = next.toLocaleString('en-GB', { timeZone: 'Europe/Berlin', weekday: 'short' });
    expect(['Mon', 'Tue', 'Wed', 'Thu', 'Fri']).toContain(shown.slice(0, 3));
    expect(next.toLocaleTimeString('en-GB', { timeZone: 'Europe/Berlin' })).toBe('02:30:00');
    expect(next.getTime()).toBeGreaterThan(Date.now());
  });

  it('is changed where its version is still the one that was read', async () => {
    const { id } = await jobs.create({ name: 'changing', config: { name: 'one' } });
    const changed = await withMatch('PATCH', id, '"1"', { retries: 0, schedule: '0 1 * * *' });
    expect(changed.statusCode).toBe(200);
    expect(changed.headers.etag).toBe('"2"');
    expect(changed.json()).toMatchObject({ version: 2, retries: 0, schedule: '0 1 * * *', config: { name: 'one' } });
    for (const nothing of [{}, { retries: 0, schedule: '0 1 * * *', config: { name: 'one' }, dependencies: [] }]) {
      expect((await withMatch('PATCH', id, '"2"', nothing)).json()).toEqual(changed.json());
    }
    const late = await withMatch('PATCH', id, '"1"', { retries: 5 });
    expect(late.statusCode).toBe(412);
    expect((await withMatch('DELETE', id, '"1"')).statusCode).toBe(412);
    expect((await withMatch('GET', id, null)).json()).toMatchObject({ version: 2, retries: 0 });
    expect((await withMatch('DELETE', id, '"2"')).statusCode).toBe(204);
    expect(await jobs.refused('GET', `/jobs/${id}`)).toBe('404 job_not_found');
    const kinds = (await auditOf(id)).map(({ kind, actor, data }) => [kind, actor, data['version']]);
    expect(kinds).toEqual([
      ['job.created', 'open', 1],
      ['job.updated', 'open', 2],
      ['job.deleted', 'open', 2],
    ]);
  });

  it('is deleted with its runs, of which one that is under way is stopped', async () => {
    const { id } = await jobs.create({ name: 'going', config: { name: 'going' } });
    let begin = (): void => undefined;
    const begun = new Promise<void>((resolve) => (begin = resolve));
    let reason: unknown = null;
    jobs.works.set('going', ({ signal }) => {
      begin();
      return new Promise((_, reject) =>
        signal.addEventListener('abort', () => {
          reason = signal.reason;
          reject(signal.reason as Error);
        }),
      );
    });
    // So much of each that they go one by one.
    for (let count = 0; count < 3; count += 1) await jobs.run(id, { config: { name: 'before' } });
    await jobs.work();
    await jobs.database.pool.query('UPDATE run SET log_lines = 60000 WHERE job_id = $1', [id]);
    const run = await jobs.run(id);
    const working = jobs.server.jobs.worker.runOnce();
    await begun;
    const keyed = { 'idempotency-key': 'of-another-request' };
    await jobs.app.inject({
      method: 'POST',
      url: '/api/v1/jobs',
      headers: keyed,
      payload: { name: 'K', type: 'work' },
    });
    const reused = await jobs.app.inject({ method: 'DELETE', url: `/api/v1/jobs/${id}`, headers: keyed });
    expect(reused.json()).toMatchObject({ code: 'idempotency_key_reused' });
    expect((await withMatch('DELETE', id, '"7"')).statusCode).toBe(412);
    expect(await jobs.history(id)).toHaveLength(4);
    expect((await withMatch('DELETE', id, null)).statusCode).toBe(204);
    await jobs.server.jobs.worker.tend();
    await working;
    expect(reason).toMatchObject({ name: 'RunLostError' });
    expect(await jobs.refused('GET', `/runs/${run.id}`)).toBe('404 run_not_found');
    const [last] = (await auditOf(id)).toReversed();
    expect(last).toMatchObject({ kind: 'job.deleted', data: { runCount: 3, lastRun: { id: run.id } } });
  });

  it('keeps what is hidden as the last change left it, however many change it at once', async () => {
    const config = { name: 'racing', secret: 'old' };
    const { id } = await jobs.create({ name: 'racing', config });
    await jobs.create({ name: 'after racing', dependencies: [id] });
    const holder = new pg.Client(jobs.connection);
    await holder.connect();
    await holder.query(`BEGIN; SELECT pg_advisory_xact_lock(hashtextextended('holdfast job graph', 0))`);
    const waiting = `SELECT FROM pg_locks WHERE NOT granted AND locktype = 'advisory' AND database = (
      SELECT oid FROM pg_database WHERE datname = current_database())`;
    const renamed = withMatch('PATCH', id, null, { config: { name: 'renamed' } });
    const asked = jobs.run(id, { config: { name: 'once' } });
    await vi.waitUntil(async () => (await holder.query(waiting)).rowCount === 2, { timeout: 30_000 });
    await holder.query(`UPDATE job SET config = '{"name": "racing", "secret": "new"}' WHERE id = '${id}'; COMMIT`);
    await holder.end();
    expect((await renamed).statusCode).toBe(200);
    const configOf = async (table: string, row: string): Promise<unknown> =>
      (await jobs.database.pool.query(`SELECT config FROM ${table} WHERE id = $1`, [row])).rows[0]?.config;
    expect(await configOf('job', id)).toEqual({ name: 'renamed', secret: 'new' });
    expect(await configOf('run', (await asked).id)).toEqual({ name: 'once', secret: 'new' });
  });

  it('keeps its next tick when something else is changed, and loses it with its schedule', async () => {
    const { id, nextRun } = await jobs.create({ name: 'ticking', schedule: '0 3 * * *' });
    const patch = async (body: object): Promise<JobView> => (await withMatch('PATCH', id, null, body)).json();
    expect((await patch({ retries: 1 })).nextRun).toBe(nextRun);
    const moved = await patch({ schedule: '0 4 * * *' });
    expect(moved.nextRun?.slice(11)).toBe('04:00:00.000Z');
    expect((await patch({ timeZone: 'Asia/Tokyo' })).nextRun?.slice(11)).toBe('19:00:00.000Z');
    expect(await patch({ schedule: null })).toMatchObject({ nextRun: null, scheduleText: null });
  });
});

describe('a job is refused', () => {
  it.each([
    ['a name that is missing', { name: undefined }, '/name'],
    ['a name that is too long', { name: 'n'.repeat(101) }, '/name'],
    ['a name of blanks', { name: ' \t\u00a0 ' }, '/name'],
    ['a type that is not there', { type: 'nothing_known' }, '/type'],
    ["a type of Holdfast's own", { type: 'run_retention' }, '/type'],
    ['a member that is not there', { cron: '* * * * *' }, '/cron'],
    ['config outside of its schema', { config: { name: 5 } }, '/config/name'],
    ['config that the type does not know', { config: { nam: 'x' } }, '/config/nam'],
    ['cron that is none', { schedule: 'every day' }, '/schedule'],
    ['a value out of range', { schedule: '0 24 * * *' }, '/schedule'],
    ['30 February', { schedule: '0 0 30 2 *' }, '/schedule'],
    ['30 February of a job that does not fire yet', { schedule: '0 0 30 2 *', enabled: false }, '/schedule'],
    ['a schedule that is too long', { schedule: `${'1,'.repeat(120)}1 * * * *` }, '/schedule'],
    ['an unknown time zone', { timeZone: 'Mars/Olympus' }, '/timeZone'],
    ['a priority that is none', { priority: 'urgent' }, '/priority'],
    ['too many retries', { retries: 101 }, '/retries'],
    ['half a retry', { retries: 1.5 }, '/retries'],
    ['a time-out that is too short', { timeoutMs: 99 }, '/timeoutMs'],
    ['a time-out of a day', { timeoutMs: DAY_MS }, '/timeoutMs'],
    ['a backoff without its most', { backoff: { kind: 'fixed', delayMs: 1 } }, '/backoff/maxDelayMs'],
    [
      'a backoff that ends below its start',
      { backoff: { kind: 'fixed', delayMs: 2, maxDelayMs: 1 } },
      '/backoff/maxDelayMs',
    ],
    ['no concurrency', { concurrency: 0 }, '/concurrency'],
    ['an overlap that is none', { overlap: 'replace' }, '/overlap'],
    ['too much to catch up with', { catchUpMax: 1_001 }, '/catchUpMax'],
    ['a cache of years', { cacheForMs: 31 * DAY_MS }, '/cacheForMs'],
    ['a time of day that is none', { mustFinishBy: '24:00' }, '/mustFinishBy'],
    ['a time of day in short', { mustFinishBy: '6:00' }, '/mustFinishBy'],
    ['a duration of nothing', { mustFinishBy: 'PT' }, '/mustFinishBy'],
    ['a duration of no time', { mustFinishBy: 'PT0S' }, '/mustFinishBy'],
    ['a duration of days', { mustFinishBy: 'P1D' }, '/mustFinishBy'],
    ['a duration the wrong way round', { mustFinishBy: 'PT1M2H' }, '/mustFinishBy'],
    ['runs kept for ever', { keepDays: 3_651 }, '/keepDays'],
    ['a description that is too long', { description: 'd'.repeat(1_001) }, '/description'],
    ['a dependency that is no id', { dependencies: ['nightly'] }, '/dependencies/0'],
    ['a dependency that is not there', { dependencies: [NOWHERE] }, '/dependencies/0'],
    ['a dependency twice', { dependencies: [NOWHERE, NOWHERE] }, '/dependencies'],
    ['too many dependencies', { dependencies: Array.from({ length: 101 }, () => NOWHERE) }, '/dependencies'],
    ['a schedule with dependencies', { schedule: '0 1 * * *', dependencies: [NOWHERE] }, '/dependencies'],
  ])('for %s', async (_, body, path) => {
    const answer = await jobs.refused('POST', '/jobs', { name: 'refused', type: 'work', ...body });
    expect(answer.split(' ').slice(0, 3)).toEqual(['400', 'validation_failed', path]);
    expect(await jobs.list('search=refused')).toEqual([]);
  });

  it('for config of more than its bytes', async () => {
    const big = { name: 'refused', type: 'work', config: { name: 'x'.repeat(2_097_152) } };
    expect(await jobs.refused('POST', '/jobs', big)).toMatch(
      /^(?:400 validation_failed \/config|413 payload_too_large)/,
    );
  });

  it('for a name that another has, also when it is changed', async () => {
    const first = await jobs.create({ name: 'taken' });
    const other = await jobs.create({ name: 'free' });
    const answer = await jobs.request<Refused>('POST', '/jobs', { name: 'taken', type: 'work' });
    expect(answer).toMatchObject({ status: 409, body: { code: 'job_name_taken', jobId: first.id } });
    expect(await jobs.refused('PATCH', `/jobs/${other.id}`, { name: 'taken' })).toBe('409 job_name_taken');
    expect((await jobs.request('PATCH', `/jobs/${first.id}`, { name: 'taken' })).status).toBe(200);
  });

  it('for a change that would be refused of a new one, and for one of its type', async () => {
    const { id } = await jobs.create({ name: 'patched' });
    const patch = (body: object): Promise<string> => jobs.refused('PATCH', `/jobs/${id}`, body);
    // Also where it would not fire yet.
    for (const more of [{}, { enabled: false }]) {
      expect(await patch({ ...more, schedule: '0 0 30 2 *' })).toBe('400 validation_failed /schedule');
      expect(await patch({ ...more, timeZone: 'Mars/Olympus' })).toBe('400 validation_failed /timeZone');
    }
    expect(await patch({ dependencies: [NOWHERE] })).toBe('400 validation_failed /dependencies/0');
    expect(await patch({ config: { name: 1 } })).toBe('400 validation_failed /config/name');
    expect(await patch({ type: 'http_request' })).toBe('400 validation_failed /type');
    expect(await patch({ mustFinishBy: 'soon' })).toBe('400 validation_failed /mustFinishBy');
    expect(await jobs.refused('PATCH', `/jobs/${NOWHERE}`, {})).toBe('404 job_not_found');
  });
});

describe('what is written only', () => {
  const SECRET = 'sesame-4711';

  it('is given to the run, and shown nowhere', async () => {
    const config = { name: 'secretive', secret: SECRET };
    const job = await jobs.create({ name: 'secretive', config });
    expect(job.config).toEqual({ name: 'secretive' });
    const seen: unknown[] = [];
    jobs.works.set('secretive', async ({ config: given }) => void seen.push(given));
    const run = await jobs.run(job.id);
    await jobs.work();
    expect(seen).toEqual([config]);
    // Kept by a change of what is shown, replaced by one that names it.
    const change = await jobs.request<JobView>('PATCH', `/jobs/${job.id}`, { config: { name: 'secretive' } });
    expect(change.body.config).toEqual({ name: 'secretive' });
    await jobs.run(job.id);
    await jobs.work();
    expect(seen).toEqual([config, config]);
    await jobs.request('PATCH', `/jobs/${job.id}`, { config: { name: 'secretive', secret: `${SECRET}-other` } });
    await jobs.run(job.id, { config: { name: 'secretive' } });
    await jobs.work();
    expect(seen.at(-1)).toEqual({ name: 'secretive', secret: `${SECRET}-other` });
    // What cannot be sent back can be taken away, there or not.
    for (let count = 0; count < 2; count += 1) {
      const bare = { config: { name: 'secretive', secret: null } };
      expect((await jobs.request('PATCH', `/jobs/${job.id}`, bare)).status).toBe(200);
    }
    await jobs.run(job.id);
    await jobs.work();
    expect(seen.at(-1)).toEqual({ name: 'secretive' });
    expect(await jobs.refused('PATCH', `/jobs/${job.id}`, { config: { name: null } })).toMatch(/config\/name$/);

    const urls = [
      `/jobs/${job.id}`,
      '/jobs?limit=200',
      `/jobs/${job.id}/history`,
      `/runs/${run.id}`,
      '/runs?limit=200',
    ];
    urls.push('/audit?limit=200', '/events?limit=200', '/jobs/graph', '/jobs/stats', `/runs/${run.id}/log`);
    for (const url of urls) {
      const answer = await jobs.app.inject({ url: `/api/v1${url}` });
      expect([url, answer.statusCode, answer.body.includes(SECRET)]).toEqual([url, 200, false]);
    }
    expect(JSON.stringify(await auditOf(job.id))).not.toContain(SECRET);
    const journal = await jobs.database.pool.query(
      `SELECT count(*)::int AS count FROM journal_entry WHERE data::text LIKE '%' || $1 || '%'`,
      [SECRET],
    );
    expect(journal.rows).toEqual([{ count: 0 }]);
  });

  it('is not shown by a server that does not know the type either', async () => {
    const job = await jobs.create({ name: 'elsewhere', config: { name: 'elsewhere', secret: SECRET } });
    const other = await startJobsApp({ connection: jobs.connection, jobTypes: [] });
    try {
      expect((await other.request<JobView>('GET', `/jobs/${job.id}`)).body.config).toEqual({});
    } finally {
      await other.close();
    }
  });
});
