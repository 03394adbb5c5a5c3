import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { JobSummary, JobView } from './job.schema.ts';
import { startJobsApp, type JobsApp } from './jobs.fixture.ts';

const NOWHERE = '01a1f895-b94a-73bf-a838-d54907425664';
const DAY_MS = 86_400_000;

let jobs: JobsApp;
beforeAll(async () => {
  jobs = await startJobsApp();
  // Its own jobs are made as soon as the database is there.
  await vi.waitUntil(async () => (await list('system=true')).length >= 3, 20_000);
});
afterAll(() => jobs.close());

interface Refusal {
  code: string;
  errors?: { path: string; message: string }[];
  [member: string]: unknown;
}

async function list(query: string): Promise<JobSummary[]> {
  return (await jobs.request<{ items: JobSummary[] }>('GET', `/jobs?limit=200&${query}`)).body.items;
}

/** What a body is refused with: its code, and the fields. */
async function refused(method: string, url: string, body?: object): Promise<string> {
  const answer = await jobs.request<Refusal>(method, url, body);
  const fields = (answer.body.errors ?? []).map(({ path }) => path);
  return [answer.status, answer.body.code, ...fields].join(' ');
}

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
    const late = await withMatch('PATCH', id, '"1"', { retries: 5 });
    expect(late.statusCode).toBe(412);
    expect((await withMatch('DELETE', id, '"1"')).statusCode).toBe(412);
    expect((await withMatch('GET', id, null)).json()).toMatchObject({ version: 2, retries: 0 });
    expect((await withMatch('DELETE', id, '"2"')).statusCode).toBe(204);
    expect(await refused('GET', `/jobs/${id}`)).toBe('404 job_not_found');
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
    const run = await jobs.run(id);
    const working = jobs.server.jobs.worker.runOnce();
    await begun;
    expect((await withMatch('DELETE', id, null)).statusCode).toBe(204);
    await jobs.server.jobs.worker.tend();
    await working;
    expect(reason).toMatchObject({ name: 'RunLostError' });
    expect(await refused('GET', `/runs/${run.id}`)).toBe('404 run_not_found');
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
    ['a type that is not there', { type: 'nothing_known' }, '/type'],
    ["a type of Holdfast's own", { type: 'run_retention' }, '/type'],
    ['a member that is not there', { cron: '* * * * *' }, '/cron'],
    ['config outside of its schema', { config: { name: 5 } }, '/config/name'],
    ['config that the type does not know', { config: { nam: 'x' } }, '/config/nam'],
    ['cron that is none', { schedule: 'every day' }, '/schedule'],
    ['a value out of range', { schedule: '0 24 * * *' }, '/schedule'],
    ['30 February', { schedule: '0 0 30 2 *' }, '/schedule'],
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
    const answer = await refused('POST', '/jobs', { name: 'refused', type: 'work', ...body });
    expect(answer.split(' ').slice(0, 3)).toEqual(['400', 'validation_failed', path]);
    expect(await list('search=refused')).toEqual([]);
  });

  it('for config of more than its bytes', async () => {
    const big = { name: 'refused', type: 'work', config: { name: 'x'.repeat(2_097_152) } };
    expect(await refused('POST', '/jobs', big)).toMatch(/^(?:400 validation_failed \/config|413 payload_too_large)/);
  });

  it('for a name that another has, also when it is changed', async () => {
    const first = await jobs.create({ name: 'taken' });
    const other = await jobs.create({ name: 'free' });
    const answer = await jobs.request<Refusal>('POST', '/jobs', { name: 'taken', type: 'work' });
    expect(answer).toMatchObject({ status: 409, body: { code: 'job_name_taken', jobId: first.id } });
    expect(await refused('PATCH', `/jobs/${other.id}`, { name: 'taken' })).toBe('409 job_name_taken');
    expect((await jobs.request('PATCH', `/jobs/${first.id}`, { name: 'taken' })).status).toBe(200);
  });

  it('for a change that would be refused of a new one, and for one of its type', async () => {
    const { id } = await jobs.create({ name: 'patched' });
    const patch = (body: object): Promise<string> => refused('PATCH', `/jobs/${id}`, body);
    expect(await patch({ schedule: '0 0 30 2 *' })).toBe('400 validation_failed /schedule');
    expect(await patch({ config: { name: 1 } })).toBe('400 validation_failed /config/name');
    expect(await patch({ type: 'http_request' })).toBe('400 validation_failed /type');
    expect(await patch({ mustFinishBy: 'soon' })).toBe('400 validation_failed /mustFinishBy');
    expect(await refused('PATCH', `/jobs/${NOWHERE}`, {})).toBe('404 job_not_found');
  });
});

describe('dependencies', () => {
  it('in a circle are refused, with the circle', async () => {
    const a = await jobs.create({ name: 'circle a' });
    const b = await jobs.create({ name: 'circle b', dependencies: [a.id] });
    const c = await jobs.create({ name: 'circle c', dependencies: [b.id] });
    const closing = await jobs.request<Refusal>('PATCH', `/jobs/${a.id}`, { dependencies: [c.id] });
    expect(closing).toMatchObject({
      status: 409,
      body: {
        code: 'dependency_cycle',
        circle: [a.id, b.id, c.id, a.id],
        detail: 'Each of these would wait for the one before it: "circle a" → "circle b" → "circle c" → "circle a".',
      },
    });
    expect(await refused('PATCH', `/jobs/${a.id}`, { dependencies: [a.id] })).toBe('409 dependency_cycle');
    expect((await jobs.request<JobView>('GET', `/jobs/${a.id}`)).body.dependencies).toEqual([]);
    expect(await refused('PATCH', `/jobs/${b.id}`, { schedule: '0 1 * * *' })).toBe(
      '400 validation_failed /dependencies',
    );
  });

  it('of two that close a circle at the same moment let one through', async () => {
    const [a, b] = [await jobs.create({ name: 'both a' }), await jobs.create({ name: 'both b' })];
    const answers = await Promise.all([
      refused('PATCH', `/jobs/${a.id}`, { dependencies: [b.id] }),
      refused('PATCH', `/jobs/${b.id}`, { dependencies: [a.id] }),
    ]);
    expect(answers.toSorted()).toEqual(['200 ', '409 dependency_cycle']);
  });

  it('keep a job from being deleted', async () => {
    const parent = await jobs.create({ name: 'parent' });
    const child = await jobs.create({ name: 'child', dependencies: [parent.id] });
    const answer = await jobs.request<Refusal>('DELETE', `/jobs/${parent.id}`);
    expect(answer).toMatchObject({ status: 409, body: { code: 'job_has_dependents', dependents: [child.id] } });
    await jobs.request('PATCH', `/jobs/${child.id}`, { dependencies: [] });
    expect((await jobs.request('DELETE', `/jobs/${parent.id}`)).status).toBe(204);
  });

  it('are shown as a graph', async () => {
    const top = await jobs.create({ name: 'graph top', schedule: '0 1 * * *' });
    const end = await jobs.create({ name: 'graph end', dependencies: [top.id], afterFailure: 'hold' });
    const run = await jobs.run(top.id);
    await jobs.work();
    const { body } = await jobs.request<{ nodes: { id: string }[]; edges: Record<'from' | 'to', string>[] }>(
      'GET',
      '/jobs/graph',
    );
    expect(body.edges).toContainEqual({ from: top.id, to: end.id });
    expect(body.nodes.find(({ id }) => id === end.id)).toMatchObject({
      name: 'graph end',
      afterFailure: 'hold',
      schedule: null,
      lastRun: { status: 'succeeded', percent: 100 },
      cycleId: run.cycleId,
    });
    const named = body.edges.flatMap(({ from, to }) => [to, from]);
    expect(body.nodes.map(({ id }) => id)).toEqual([...new Set(named)]);
  });
});

describe("Holdfast's own jobs", () => {
  const own = async (type: string): Promise<JobSummary> => (await list(`system=true&type=${type}`))[0] as JobSummary;

  it('are there, and cannot be deleted, renamed or given other work', async () => {
    const job = await own('run_retention');
    expect(job).toMatchObject({ name: 'Delete old runs', system: true, schedule: '17 * * * *', enabled: true });
    expect(await refused('DELETE', `/jobs/${job.id}`)).toBe('409 job_is_system');
    for (const body of [{ name: 'mine' }, { config: {} }, { dependencies: [] }, { description: 'mine' }]) {
      expect(await refused('PATCH', `/jobs/${job.id}`, body)).toBe('409 job_is_system');
    }
    expect(await own('run_retention')).toEqual(job);
  });

  it('can be paused, rescheduled and run', async () => {
    const job = await own('run_retention');
    const changed = await jobs.request<JobView>('PATCH', `/jobs/${job.id}`, { schedule: '5 4 * * *', keepDays: 7 });
    expect(changed.body).toMatchObject({ schedule: '5 4 * * *', keepDays: 7, version: job.version + 1 });
    const { id } = await jobs.run(job.id);
    await jobs.work();
    expect(await jobs.read(id)).toMatchObject({ status: 'succeeded', result: { deleted: 0 } });
    const paused = await jobs.request<JobView>('PATCH', `/jobs/${job.id}`, { enabled: false });
    expect(paused.body).toMatchObject({ status: 'disabled', nextRun: null });
  });

  it('that go on all the time are neither run nor scheduled, and nothing waits for them', async () => {
    const job = await own('expiry_sweep');
    expect(job).toMatchObject({ status: 'continuous', schedule: null });
    expect(await refused('POST', `/jobs/${job.id}/run`, {})).toBe('409 job_is_system');
    expect(await refused('PATCH', `/jobs/${job.id}`, { schedule: '* * * * *' })).toBe('409 job_is_system');
    expect(await refused('PATCH', `/jobs/${job.id}`, { enabled: false })).toBe('409 job_is_system');
    const waits = { name: 'waits for ever', type: 'work', dependencies: [job.id] };
    expect(await refused('POST', '/jobs', waits)).toBe('400 validation_failed /dependencies/0');
  });

  it('show what they did last', async () => {
    jobs.server.jobs.duties.note('Expire holds', { released: 3 });
    await jobs.server.jobs.duties.runOnce();
    expect(await own('expiry_sweep')).toMatchObject({ lastResult: { released: 3 }, runCount: 1, successCount: 1 });
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
    expect(await refused('POST', `/jobs/${id}/run`, body())).toBe(`400 validation_failed ${path}`);
    expect(await jobs.history(id)).toEqual([]);
  });

  it('for a job that is not there', async () => {
    expect(await refused('POST', `/jobs/${NOWHERE}/run`, {})).toBe('404 job_not_found');
  });
});

describe('looking ahead and back', () => {
  it('what is due next is in order, within its hours, up to its limit', async () => {
    const often = await jobs.create({ name: 'ahead often', schedule: '*/15 * * * *', priority: 'high' });
    await jobs.create({ name: 'ahead never', schedule: '*/15 * * * *', enabled: false });
    type Upcoming = { items: { at: string; jobId: string; name: string; priority: string }[]; more: boolean };
    const { body } = await jobs.request<Upcoming>('GET', '/jobs/upcoming?hours=2&limit=1000');
    const times = body.items.map(({ at }) => at);
    expect(times).toEqual(times.toSorted());
    expect(body.more).toBe(false);
    const mine = body.items.filter(({ jobId }) => jobId === often.id);
    expect(mine).toHaveLength(8);
    expect(mine[0]).toMatchObject({ name: 'ahead often', priority: 'high', at: often.nextRun });
    expect(body.items.filter(({ name }) => name === 'ahead never')).toEqual([]);
    const few = await jobs.request<Upcoming>('GET', '/jobs/upcoming?hours=2&limit=3');
    expect(few.body).toEqual({ items: body.items.slice(0, 3), more: true });
    expect(await refused('GET', '/jobs/upcoming?hours=169')).toBe('400 validation_failed hours');
  });

  it('a schedule is tried before it is set', async () => {
    const body = { schedule: '0 9 1 1 *', timeZone: 'Europe/Berlin', count: 3 };
    const { body: preview } = await jobs.request<{ text: string; next: string[] }>(
      'POST',
      '/jobs/schedule-preview',
      body,
    );
    expect(preview.text).toBe('At 09:00, on day 1 of the month, only in January (Europe/Berlin)');
    const first = Number(preview.next[0]?.slice(0, 4));
    expect(preview.next).toEqual([0, 1, 2].map((more) => `${first + more}-01-01T08:00:00.000Z`));
    const bad = (more: object): Promise<string> => refused('POST', '/jobs/schedule-preview', { ...body, ...more });
    expect(await bad({ schedule: '0 0 30 2 *' })).toBe('400 validation_failed /schedule');
    expect(await bad({ timeZone: 'Nowhere' })).toBe('400 validation_failed /timeZone');
    expect(await bad({ count: 0 })).toBe('400 validation_failed /count');
  });

  it('the types are told with their schemas and defaults', async () => {
    const { body } = await jobs.request<{ items: { name: string }[] }>('GET', '/jobs/types');
    expect(body.items.find(({ name }) => name === 'work')).toEqual({
      name: 'work',
      title: 'Work',
      description: 'What a test says.',
      config: expect.objectContaining({ type: 'object', additionalProperties: false }),
      concurrency: null,
      system: false,
      defaults: { timeoutMs: 300_000, retries: 3, keepDays: 30 },
    });
    expect(body.items.find(({ name }) => name === 'run_retention')).toMatchObject({ system: true, concurrency: 1 });
  });

  it('what became of runs is counted by job and over all', async () => {
    const job = await jobs.create({ name: 'counted', config: { name: 'counted' }, retries: 0 });
    jobs.works.set('counted', ({ config }) =>
      (config as { secret?: string }).secret === 'bad' ? Promise.reject(new Error('bad')) : Promise.resolve(null),
    );
    for (const secret of ['good', 'good', 'bad', 'good']) await jobs.run(job.id, { config: { secret } });
    const waiting = await jobs.run(job.id, { delayMs: 60_000 });
    await jobs.work();
    type Stats = {
      total: { runs: number; succeeded: number };
      jobs: { jobId: string }[];
      now: object;
      workers: object[];
    };
    const { body } = await jobs.request<Stats>('GET', '/jobs/stats?hours=1');
    expect(body.jobs.find(({ jobId }) => jobId === job.id)).toMatchObject({
      name: 'counted',
      type: 'work',
      runs: 4,
      succeeded: 3,
      failed: 1,
      cancelled: 0,
      skipped: 0,
      successRate: 0.75,
      durationP50Ms: expect.any(Number),
      latenessP99Ms: expect.any(Number),
    });
    expect(body.total.runs).toBeGreaterThanOrEqual(4);
    expect(body.now).toMatchObject({ delayed: 1, running: 0, queued: 0 });
    expect(body.workers).toEqual([]);
    await jobs.request('POST', `/runs/${waiting.id}/cancel`);
  });
});

describe('pages of jobs', () => {
  it.each(['name', '-name', 'createdAt', '-createdAt'])('by %s have each once', async (sort) => {
    const prefix = `page ${sort} `;
    const names = ['delta', 'alpha', 'echo', 'bravo', 'charlie'].map((name) => `${prefix}${name}`);
    for (const name of names) await jobs.create({ name });
    const found: string[] = [];
    let cursor: string | null = '';
    for (let pages = 0; cursor !== null && pages < 9; pages += 1) {
      const query: string = `sort=${sort}&limit=2&search=${encodeURIComponent(prefix)}${cursor && `&cursor=${cursor}`}`;
      const { body } = await jobs.request<{ items: JobSummary[]; nextCursor: string | null }>('GET', `/jobs?${query}`);
      expect(body.items.length).toBeLessThanOrEqual(2);
      found.push(...body.items.map(({ name }) => name));
      cursor = body.nextCursor;
    }
    const ordered = sort.endsWith('name') ? names.toSorted() : names;
    expect(found).toEqual(sort.startsWith('-') ? ordered.toReversed() : ordered);
  });

  it.each([
    ['that is as large as it may be', 'x'.repeat(16_384 - '{"name": ""}'.length), true],
    ['that is larger by a byte', 'x'.repeat(16_385 - '{"name": ""}'.length), false],
    ['that is large and takes little room', 'x'.repeat(1_048_576), false],
    ['that is large wherever it is kept', randomBytes(24_000).toString('base64'), false],
  ])('have the config of a job %s: %#', async (title, name, isThere) => {
    const { id, config } = await jobs.create({ name: `config ${title}`, config: { name } });
    expect(config).toEqual({ name });
    expect(await list(`search=config ${title}`)).toMatchObject([{ id, config: isThere ? { name } : null }]);
    expect((await jobs.request<JobView>('GET', `/jobs/${id}`)).body.config).toEqual({ name });
  });

  it('can be narrowed, by what is literally in the name', async () => {
    await jobs.create({ name: 'hundred % off_er', enabled: false });
    await jobs.create({ name: 'hundred and offer' });
    const named = async (query: string): Promise<string[]> => (await list(query)).map(({ name }) => name);
    expect(await named('search=100')).toEqual([]);
    expect(await named('search=%25%20OFF_')).toEqual(['hundred % off_er']);
    expect(await named('search=hundred&enabled=true')).toEqual(['hundred and offer']);
    expect(await named('search=hundred&system=true')).toEqual([]);
    expect(await named('type=http_request')).toEqual([]);
    expect(await refused('GET', '/jobs?cursor=nonsense')).toMatch(/^400 invalid_cursor/);
  });
});

describe('scopes', () => {
  it('only admin may see or do anything of jobs', async () => {
    const closed = await startJobsApp();
    try {
      const keyOf = async (scopes: string[], by?: string): Promise<string> => {
        const answer = await closed.app.inject({
          method: 'POST',
          url: '/api/v1/api-keys',
          payload: { name: scopes.join(), scopes },
          headers: by === undefined ? {} : { authorization: `Bearer ${by}` },
        });
        return answer.json<{ key: string }>().key;
      };
      const admin = await keyOf(['admin']);
      const most = await keyOf(['read', 'reserve', 'stock', 'ingest', 'notify', 'files', 'limit'], admin);
      const routes = [
        'GET /jobs',
        'POST /jobs',
        'GET /jobs/types',
        'GET /jobs/stats',
        'GET /jobs/graph',
        'GET /jobs/upcoming',
        'POST /jobs/schedule-preview',
        `GET /jobs/${NOWHERE}`,
        `PATCH /jobs/${NOWHERE}`,
        `DELETE /jobs/${NOWHERE}`,
        `POST /jobs/${NOWHERE}/run`,
        `GET /jobs/${NOWHERE}/history`,
        'GET /runs',
        `GET /runs/${NOWHERE}`,
        `GET /runs/${NOWHERE}/log`,
        `GET /runs/${NOWHERE}/files/a.csv`,
        `POST /runs/${NOWHERE}/cancel`,
        `POST /runs/${NOWHERE}/redrive`,
        `POST /runs/${NOWHERE}/release`,
        'POST /runs/redrive',
      ];
      for (const route of routes) {
        const [method, url] = route.split(' ') as ['GET', string];
        const ask = async (headers: Record<string, string>): Promise<number> => {
          const payload = method === 'GET' ? {} : { payload: {} };
          return (await closed.app.inject({ method, url: `/api/v1${url}`, headers, ...payload })).statusCode;
        };
        expect([route, await ask({}), await ask({ authorization: `Bearer ${most}` })]).toEqual([route, 401, 403]);
        expect([200, 400, 404]).toContain(await ask({ authorization: `Bearer ${admin}` }));
      }
    } finally {
      await closed.close();
    }
  });
});
