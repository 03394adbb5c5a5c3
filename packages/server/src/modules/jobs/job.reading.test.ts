import { randomBytes } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JobSummary } from './job.schema.ts';
import { startJobsApp, type JobsApp } from './jobs.fixture.ts';

let jobs: JobsApp;
beforeAll(async () => {
  jobs = await startJobsApp();
  await jobs.server.jobs.ready();
});
afterAll(() => jobs.close());

describe('looking ahead and back', () => {
  it('what is due next is in order, within its hours, up to its limit', async () => {
    const often = await jobs.create({ name: 'ahead often', schedule: '*/15 * * * *', priority: 'high' });
    await jobs.create({ name: 'ahead never', schedule: '*/15 * * * *', enabled: false });
    type Upcoming = { items: { at: string; jobId: string; name: string; priority: string }[]; more: boolean };
    const ask = async (query: string) => (await jobs.request<Upcoming>('GET', `/jobs/upcoming?hours=2&${query}`)).body;
    /** While none of them became due. */
    const askedAtOnce = async (queries: string[]): Promise<Upcoming[]> => {
      const before = await ask('limit=1000');
      const answers: Upcoming[] = [before];
      for (const query of [...queries, `limit=${before.items.length}`, 'limit=1000']) answers.push(await ask(query));
      return isDeepStrictEqual(answers.pop(), before) ? answers : askedAtOnce(queries);
    };
    const queries = ['limit=3', 'limit=8', 'limit=1000&perJob=1', 'limit=1000&perJob=8'];
    const [all, three, eight, firsts, ofEight, asMany] = await askedAtOnce(queries);
    const { items = [] } = all ?? {};
    const times = items.map(({ at }) => at);
    expect(times).toEqual(times.toSorted());
    const mine = items.filter(({ jobId }) => jobId === often.id);
    expect(mine).toHaveLength(8);
    expect(mine[0]).toMatchObject({ name: 'ahead often', priority: 'high' });
    expect(mine.map(({ at }) => Date.parse(at) % 900_000)).toEqual(new Array(8).fill(0));
    expect(items.filter(({ name }) => name === 'ahead never')).toEqual([]);
    for (const whole of [all, ofEight, asMany]) expect(whole).toEqual({ items, more: false });
    expect(three).toEqual({ items: items.slice(0, 3), more: true });
    // Of no job there are more than eight, and of all of them.
    expect(eight).toEqual({ items: items.slice(0, 8), more: true });
    const isFirst = ({ jobId }: { jobId: string }, at: number) =>
      items.findIndex((item) => item.jobId === jobId) === at;
    expect(firsts).toEqual({ items: items.filter(isFirst), more: true });
    expect(await jobs.refused('GET', '/jobs/upcoming?hours=169')).toBe('400 validation_failed hours');
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
    const bad = (more: object): Promise<string> => jobs.refused('POST', '/jobs/schedule-preview', { ...body, ...more });
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
    const [waiting, cancelled, passed] = [
      await jobs.run(job.id, { delayMs: 60_000 }),
      await jobs.run(job.id, { delayMs: 60_000 }),
      await jobs.run(job.id, { delayMs: 60_000 }),
    ];
    await jobs.work();
    for (const { id } of [cancelled, passed]) await jobs.request('POST', `/runs/${id}/cancel`);
    const { pool } = jobs.database;
    await pool.query(`UPDATE run SET status = 'skipped' WHERE id = $1`, [passed.id]);
    // The successes were 10, 20 and 30 s late. What failed was tried twice: how late the first time was nobody knows.
    await pool.query(
      `UPDATE run SET due_at = now() - interval '50 s' - place * interval '10 s', started_at = now() - interval '50 s',
         finished_at = now() - interval '30 s', attempt = CASE status WHEN 'failed' THEN 2 ELSE 1 END
       FROM (SELECT id, row_number() OVER (ORDER BY status = 'failed', id) AS place FROM run
         WHERE job_id = $1 AND started_at IS NOT NULL) AS started WHERE run.id = started.id`,
      [job.id],
    );
    const due = await jobs.run(job.id);
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
      runs: 5,
      succeeded: 3,
      failed: 1,
      cancelled: 1,
      skipped: 1,
      successRate: 0.75,
      durationP50Ms: 20_000,
      durationP99Ms: 20_000,
      latenessP50Ms: 20_000,
      latenessP99Ms: expect.closeTo(29_800),
    });
    expect(body.total.runs).toBeGreaterThanOrEqual(5);
    expect(body.now).toEqual({ queued: 1, delayed: 1, running: 0, held: 0, dead: 1 });
    expect(body.workers).toEqual([]);
    for (const { id } of [waiting, due]) await jobs.request('POST', `/runs/${id}/cancel`);
  });

  it('of more than a thousand jobs the first are told, and that there are more', async () => {
    const { id } = await jobs.create({ name: 'one of many', config: { name: 'many' } });
    await jobs.run(id);
    await jobs.work();
    await jobs.database.pool.query(`
      WITH many AS (
        INSERT INTO job SELECT (jsonb_populate_record(job, jsonb_build_object('id', gen_random_uuid(), 'name', 'many ' || n))).*
        FROM job, generate_series(1, 1000) AS n WHERE job.name = 'one of many' RETURNING id
      )
      INSERT INTO run SELECT (jsonb_populate_record(run, jsonb_build_object('id', gen_random_uuid(), 'job_id', many.id))).*
      FROM run JOIN job ON job.id = run.job_id AND job.name = 'one of many', many
    `);
    const stats = async () =>
      (await jobs.request<{ total: { runs: number }; jobs: { name: string }[]; more: boolean }>('GET', '/jobs/stats'))
        .body;
    const cut = await stats();
    expect(cut).toMatchObject({ more: true, total: { runs: expect.any(Number) } });
    expect(cut.total.runs).toBeGreaterThan(1_000);
    expect(cut.jobs).toHaveLength(1_000);
    const names = cut.jobs.map(({ name }) => name);
    expect(names).toEqual(names.toSorted());
    await jobs.database.pool.query(`DELETE FROM job WHERE name LIKE 'many %'`);
    expect((await stats()).more).toBe(false);
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
    expect(await jobs.list(`search=config ${title}`)).toMatchObject([{ id, config: isThere ? { name } : null }]);
    expect((await jobs.show(id)).config).toEqual({ name });
  });

  it('can be narrowed, by what is literally in the name', async () => {
    await jobs.create({ name: 'hundred % off_er', enabled: false });
    await jobs.create({ name: 'hundred and offer' });
    const named = async (query: string): Promise<string[]> => (await jobs.list(query)).map(({ name }) => name);
    expect(await named('search=100')).toEqual([]);
    expect(await named('search=%25%20OFF_')).toEqual(['hundred % off_er']);
    expect(await named('search=hundred&enabled=true')).toEqual(['hundred and offer']);
    expect(await named('search=hundred&system=true')).toEqual([]);
    expect(await named('type=http_request')).toEqual([]);
    expect(await jobs.refused('GET', '/jobs?cursor=nonsense')).toMatch(/^400 invalid_cursor/);
  });
});
