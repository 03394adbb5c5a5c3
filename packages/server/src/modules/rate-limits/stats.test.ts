import { sql } from 'kysely';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { newId } from '../../kernel/ids.ts';
import { createMetrics } from '../../platform/metrics/index.ts';
import { MONTH_MS, startLimitedApp, type LimitedApp } from './limits.fixture.ts';
import { deleteRateLimit } from './rate-limit.sql.ts';
import { RuleTally } from './rule.tally.ts';
import { StatsKeeper } from './stats.keeper.ts';
import { addSteps, addSubjects, claimNotices, forgetBefore, readSteps, readTopSubjects } from './stats.sql.ts';
import { TopSketch } from './top.sketch.ts';

let app: LimitedApp;
beforeAll(async () => {
  app = await startLimitedApp();
});
afterEach(() => app.reset());
afterAll(() => app.close());

interface RuleStats {
  id: string;
  factor: number;
  allowed: number;
  refused: number;
  shadowRefused: number;
  overTime: { at: string; allowed: number; refused: number }[];
  topSubjects: { subject: string; allowed: number; refused: number }[];
}

async function statsOf(id: string): Promise<RuleStats> {
  const { status, body } = await app.ask('GET', `/rate-limits/stats?rateLimit=${id}`);
  expect(status).toBe(200);
  return (body['rules'] as RuleStats[])[0] as RuleStats;
}

describe('GET /rate-limits/stats', () => {
  it('counts what passed, what was refused and what would have been, over time and by subject', async () => {
    const match = { path: '/api/v1/locations' };
    const enforced = await app.rule({ subject: 'header:x-tenant', limit: 3, match });
    const shadow = await app.rule({ subject: 'global', limit: 4, match, mode: 'shadow' });
    await app.admitted(5, 'GET', '/locations', { headers: { 'x-tenant': 'loud' } });
    await app.admitted(2, 'GET', '/locations', { headers: { 'x-tenant': 'quiet' } });
    const stats = await statsOf(enforced);
    expect(stats).toMatchObject({ allowed: 5, refused: 2, shadowRefused: 0 });
    expect(stats.topSubjects).toEqual([
      { subject: 'loud', allowed: 3, refused: 2 },
      { subject: 'quiet', allowed: 2, refused: 0 },
    ]);
    expect(stats.overTime.reduce((sum, { allowed }) => sum + allowed, 0)).toBe(5);
    expect(await statsOf(shadow)).toMatchObject({ allowed: 4, refused: 0, shadowRefused: 1 });

    const { body } = await app.ask('GET', '/rate-limits/stats?minutes=5');
    expect(body).toMatchObject({ stepMs: 10_000, store: { kind: 'memory', scope: 'instance', isUp: true } });
    expect((await app.ask('GET', '/rate-limits/stats?minutes=500')).status).toBe(400);
    const metrics = await app.test.app.inject({ url: '/metrics' });
    expect(metrics.body).toMatch(/^rate_limit_requests_total\{rule="test",outcome="refused"\} 2$/m);
    expect(metrics.body).toMatch(/^rate_limit_subjects \d+$/m);
    expect(metrics.body).toMatch(/^rate_limit_store_up 1$/m);

    // A rule that is renamed takes its series along: names that are gone add up to nothing.
    await app.ask('PATCH', `/rate-limits/${enforced}`, { body: { name: 'renamed' } });
    await app.ask('PATCH', `/rate-limits/${shadow}`, { body: { name: 'renamed' } });
    await app.ask('GET', '/rate-limits/stats');
    expect((await app.test.app.inject({ url: '/metrics' })).body).not.toContain('rule="test"');
  });

  it('tells rules apart, and looks back as far as it is asked to', async () => {
    const [one, other] = [await app.rule({ limit: 9 }), await app.rule({ limit: 9 })];
    const { limits } = app.test.server.rateLimits;
    const step = { allowed: 1, refused: 0, shadowRefused: 0 };
    const count = (ruleId: string, minutes: number, subject: string) => {
      const atMs = Date.now() - minutes * 60_000;
      return Promise.all([
        addSteps(app.test.database.kysely, [{ ...step, ruleId, atMs }]),
        addSubjects(app.test.database.kysely, [{ ruleId, minuteMs: atMs, subject, allowed: 1, refused: 0 }]),
      ]);
    };
    await count(one, 1, 'ada');
    await count(other, 1, 'bob');
    await count(other, 90, 'eve');
    await app.ask('GET', '/locations');
    // As an adaptive rule is tightened.
    Object.assign(limits.rules.all.get(one) ?? {}, { factor: 0.7 ** 5 });
    const { body } = await app.ask('GET', '/rate-limits/stats?minutes=120');
    expect(Date.parse(String(body['from'])) % 10_000).toBe(0);
    expect(body['store']).toMatchObject({ subjects: limits.memory.size });
    const rules = (body['rules'] as RuleStats[]).filter(({ id }) => id === one || id === other);
    expect(rules.map(({ factor }) => factor)).toEqual([0.1681, 1]);
    expect(rules.map(({ topSubjects }) => topSubjects.map(({ subject }) => subject))).toEqual([
      ['127.0.0.1', 'ada'],
      ['127.0.0.1', 'bob', 'eve'],
    ]);
    expect(rules.map(({ allowed }) => allowed)).toEqual([2, 3]);
    expect(await statsOf(other)).toMatchObject({ allowed: 2 });
  });

  it('adds up what several instances counted', async () => {
    const second = await startLimitedAppBeside(app);
    const id = await app.rule({ limit: 100, match: { path: '/api/v1/locations' } });
    await second.test.server.rateLimits.limits.refresh();
    await app.admitted(3, 'GET', '/locations');
    await second.admitted(4, 'GET', '/locations');
    await second.ask('GET', '/rate-limits/stats');
    expect(await statsOf(id)).toMatchObject({ allowed: 7 });
    await second.close();
  });
});

describe('who is limited', () => {
  it('is told once per rule, subject and minute, however often it is refused and by however many instances', async () => {
    const second = await startLimitedAppBeside(app);
    const match = { path: '/api/v1/locations' };
    const id = await app.rule({ name: 'noisy', subject: 'header:x-tenant', limit: 1, match });
    await second.test.server.rateLimits.limits.refresh();
    const minuteMs = 1_795_000_020_000;
    for (const one of [app, second]) {
      // As requests are counted, and all of one minute.
      const tally = one.test.server.rateLimits.limits.rules.tallyOf(id);
      for (const afterMs of [0, 1, 59_999]) {
        tally.count({ allowed: false, shadow: false, subject: 'loud' } as never, minuteMs + afterMs);
      }
      await one.ask('GET', '/rate-limits/stats');
    }
    const minute = new Date(minuteMs).toISOString();
    expect(await journalOf(id)).toEqual([{ subject: 'loud', rateLimit: { id, name: 'noisy' }, minute }]);
    await second.close();
  });

  it('is an event of the topic rate-limits, for whoever follows it alone', async () => {
    // Somebody has to number the stream.
    const second = await startLimitedApp({ connection: app.test.connection, duties: true });
    onTestFinished(() => second.close());
    const id = await app.rule({
      name: 'busy',
      subject: 'header:x-tenant',
      limit: 2,
      match: { path: '/api/v1/locations' },
    });
    // Refused once: of a second one the minute may be another, and it is told of again.
    await app.admitted(3, 'GET', '/locations', { headers: { 'x-tenant': 'loud' } });
    await app.ask('GET', '/rate-limits/stats');
    await expect.poll(() => eventsOf('topics=rate-limits', id)).toHaveLength(1);
    const [event] = await eventsOf('topics=rate-limits', id);
    expect(event).toMatchObject({ type: 'rate_limit.limited', subject: id, data: { subject: 'loud' } });
    expect(await eventsOf('topics=rate-limits&types=rate_limit.*', id)).toHaveLength(1);
    expect(await eventsOf('topics=alerts,reservations,jobs', id)).toEqual([]);
    const body = { url: 'https://hooks.example/holdfast', events: ['*'], topics: ['rate-limits'] };
    expect((await app.ask('POST', '/webhooks', { body })).status).toBe(201);
  });
});

describe('what is written down', () => {
  const AT_MS = 1_600_000_020_000;
  const [one, other] = [newId(1), newId(2)] as const;
  const kysely = () => app.test.database.kysely;
  const step = (ruleId: string, afterMs: number, allowed: number) => ({
    ruleId,
    atMs: AT_MS + afterMs,
    allowed,
    refused: allowed + 1,
    shadowRefused: allowed + 2,
  });
  const counts = (ruleId: string, afterMs: number, subject: string, allowed: number, refused: number) => ({
    ruleId,
    minuteMs: AT_MS + afterMs,
    subject,
    allowed,
    refused,
  });

  it('adds up, and is read from a time on, of one rule or of all, in order', async () => {
    const steps = [step(other, 10_000, 9), step(one, 10_000, 5), step(one, 0, 1)];
    for (let times = 0; times < 2; times += 1) await addSteps(kysely(), steps);
    const read = async (fromMs: number, ruleId?: string) => {
      const rows = await readSteps(kysely(), fromMs, ruleId);
      return rows.filter((row) => row.ruleId === one || row.ruleId === other);
    };
    const sums = steps.map((row) => ({
      ...row,
      allowed: row.allowed * 2,
      refused: row.refused * 2,
      shadowRefused: row.shadowRefused * 2,
    }));
    expect(await read(AT_MS)).toEqual([sums[2], sums[1], sums[0]]);
    expect(await read(AT_MS + 10_000, one)).toEqual([sums[1]]);

    const asked = [
      counts(one, 0, 'refused', 0, 4),
      counts(one, 0, 'loud', 1, 1),
      counts(one, 60_000, 'loud', 1, 2),
      counts(one, 0, 'also', 4, 0),
      counts(one, -60_000, 'before', 50, 0),
      counts(other, 0, 'elsewhere', 9, 9),
    ];
    for (let times = 0; times < 2; times += 1) await addSubjects(kysely(), asked);
    const top = async (ruleId?: string) => {
      const rows = await readTopSubjects(kysely(), AT_MS, ruleId, 2);
      return rows
        .filter((row) => row.ruleId === one || row.ruleId === other)
        .map((row) => [row.subject, row.allowed, row.refused]);
    };
    expect(await top()).toEqual([
      ['loud', 4, 6],
      ['also', 8, 0],
      ['elsewhere', 18, 18],
    ]);
    expect(await top(one)).toEqual([
      ['loud', 4, 6],
      ['also', 8, 0],
    ]);
  });

  it('is written in one order, so that two instances never wait for each other in a circle', async () => {
    const LATER_MS = 3_600_000;
    const steps = [step(one, LATER_MS, 1), step(one, LATER_MS + 10_000, 1), step(other, LATER_MS, 1)];
    const subjects = [
      counts(one, LATER_MS, 'ada', 1, 0),
      counts(one, LATER_MS, 'bob', 1, 0),
      counts(other, LATER_MS, 'ada', 1, 0),
    ];
    const write = () =>
      Promise.all([addSteps(kysely(), steps.toReversed()), addSubjects(kysely(), subjects.toReversed())]);
    await write();
    const owner = new pg.Client(app.test.connection);
    await owner.connect();
    await owner.query('BEGIN');
    const lock = async (table: string, rest: string): Promise<number | null> => {
      const from = new Date(AT_MS + LATER_MS).toISOString();
      const ours = `at >= '${from}' AND rule_id IN ('${one}', '${other}')`;
      return (await owner.query(`SELECT FROM ${table} WHERE ${ours} ${rest}`)).rowCount;
    };
    await lock('rate_limit_stat', 'ORDER BY rule_id, at LIMIT 1 FOR UPDATE');
    await lock('rate_limit_subject_stat', 'ORDER BY rule_id, at, subject LIMIT 1 FOR UPDATE');
    const written = write();
    const waiting = 'SELECT FROM pg_locks WHERE NOT granted AND transactionid = pg_current_xact_id()::xid';
    await expect.poll(async () => (await owner.query(waiting)).rowCount).toBe(2);
    // Who waits for the first row holds none of the others.
    expect(await lock('rate_limit_stat', 'FOR UPDATE SKIP LOCKED')).toBe(3);
    expect(await lock('rate_limit_subject_stat', 'FOR UPDATE SKIP LOCKED')).toBe(3);
    await owner.query('COMMIT');
    await owner.end();
    await written;

    const notices = [one, other].flatMap((ruleId) =>
      [LATER_MS, LATER_MS + 60_000].flatMap((afterMs) =>
        ['ada', 'bob'].map((subject) => ({ ruleId, minuteMs: AT_MS + afterMs, subject })),
      ),
    );
    const claimed = await kysely()
      .transaction()
      .execute((tx) => claimNotices(tx, notices.toReversed()));
    expect(claimed).toEqual(notices);
  });

  it('is told by whoever claims it first, forgotten when it is old, and deleted with its rule alone', async () => {
    const notice = (afterMs: number) => ({ ruleId: one, minuteMs: AT_MS + afterMs, subject: 'loud' });
    const claim = (...notices: ReturnType<typeof notice>[]) =>
      kysely()
        .transaction()
        .execute((tx) => claimNotices(tx, notices));
    expect(await claim(notice(0))).toEqual([notice(0)]);
    expect(await claim(notice(60_000), notice(0))).toEqual([notice(60_000)]);

    const before = sql<number>`${new Date(AT_MS + 90_000).toISOString()}::timestamptz`;
    const left = async () =>
      Promise.all(
        (['rate_limit_stat', 'rate_limit_subject_stat', 'rate_limit_notice'] as const).map(async (table) => {
          const rows = await kysely().selectFrom(table).select(['rule_id', 'at']).where('at', '<', before).execute();
          return rows.map((row) => `${row.rule_id === one ? 'one' : 'other'} ${row.at - AT_MS}`).toSorted();
        }),
      );
    await forgetBefore(kysely(), AT_MS);
    await addSubjects(kysely(), [counts(other, 60_000, 'x', 1, 0)]);
    expect(await left()).toEqual([
      ['one 0', 'one 10000', 'other 10000'],
      ['one 0', 'one 0', 'one 0', 'one 60000', 'other 0', 'other 60000'],
      ['one 0', 'one 60000'],
    ]);
    await forgetBefore(kysely(), AT_MS + 10_000);
    expect(await left()).toEqual([['one 10000', 'other 10000'], ['one 60000', 'other 60000'], ['one 60000']]);
    await claim({ ...notice(60_000), ruleId: other });
    await kysely()
      .transaction()
      .execute((tx) => deleteRateLimit(tx, one));
    expect(await left()).toEqual([['other 10000'], ['other 60000'], ['other 60000']]);
  });

  it('is looked after by itself: every two seconds written, what is too old forgotten, and the last at the end', async () => {
    const id = await app.rule({ name: 'kept', limit: 9 });
    const { engine, rateLimits } = app.test.server;
    const { limits } = rateLimits;
    const metrics = createMetrics({ runtime: false });
    const onError = (error: unknown): void => expect.fail(String(error));
    const keeper = new StatsKeeper({ database: app.test.database, engine, limits, metrics, onError });
    const count = (allowed: boolean, shadow: boolean): void =>
      limits.rules.tallyOf(id).count({ allowed, shadow, subject: 'loud' } as never, Date.now());
    const written = async (ruleId: string): Promise<number> =>
      (await readSteps(kysely(), 0, ruleId)).reduce(
        (sum, row) => sum + row.allowed + row.refused + row.shadowRefused,
        0,
      );
    // Nothing of it was begun, and nothing is to be ended.
    count(true, false);
    await keeper.stop();
    expect(await written(id)).toBe(0);

    const old = newId(3);
    await addSteps(kysely(), [step(old, 0, 1), { ...step(old, 0, 1), atMs: Date.now() - 10_800_000 }]);
    keeper.start();
    await expect.poll(() => readSteps(kysely(), 0, old)).toHaveLength(1);
    expect(await written(id)).toBe(1);
    count(false, true);
    await keeper.stop();
    expect(await written(id)).toBe(2);

    // Who asks for all that was counted waits for who is writing it; one that fails takes no other along.
    const owner = new pg.Client(app.test.connection);
    await owner.connect();
    await owner.query('BEGIN');
    await owner.query('LOCK TABLE rate_limit_stat');
    count(true, false);
    const done: number[] = [];
    const flushes = [1, 2].map((number) => keeper.flush().then(() => done.push(number)));
    const waiting = `SELECT FROM pg_locks WHERE NOT granted AND relation = 'rate_limit_stat'::regclass`;
    await expect.poll(async () => (await owner.query(waiting)).rowCount).toBe(1);
    expect(done).toEqual([]);
    await owner.query('COMMIT');
    await Promise.all(flushes);
    expect([done, await written(id)]).toEqual([[1, 2], 3]);
    await owner.query('ALTER TABLE rate_limit_stat RENAME TO elsewhere');
    count(true, false);
    await expect(keeper.flush()).rejects.toThrow('rate_limit_stat');
    await owner.query('ALTER TABLE elsewhere RENAME TO rate_limit_stat');
    await owner.end();
    count(true, false);
    await keeper.flush();
    expect(await written(id)).toBe(4);
    const text = await metrics.render();
    expect(text).toContain('rate_limit_requests_total{rule="kept",outcome="allowed"} 4');
    expect(text).toContain('rate_limit_requests_total{rule="kept",outcome="shadow_refused"} 1');
    expect(text).not.toContain('rule="kept",outcome="refused"');
  });
});

describe('POST /rate-limits/dry-run', () => {
  const tryRule = async (fields: object) => {
    const body = { name: 'try', algorithm: 'fixed_window', limit: 2, windowMs: MONTH_MS, subject: 'ip', ...fields };
    return app.ask('POST', '/rate-limits/dry-run', { body });
  };

  it('plays the last hour again', async () => {
    await app.admitted(6, 'GET', '/transfers');
    const { status, body } = await tryRule({ match: { path: '/api/v1/transfers', methods: ['GET'] } });
    expect(status).toBe(200);
    expect(body).toMatchObject({ matched: 6, allowed: 2, refused: 4, unknown: 0 });
    expect(body['subjects']).toEqual([{ subject: '127.0.0.1', allowed: 2, refused: 4 }]);
    expect(body['requests']).toBeGreaterThanOrEqual(6);
    const roomy = { algorithm: 'token_bucket', limit: 100, match: { path: '/api/v1/transfers' } };
    expect((await tryRule(roomy)).body).toMatchObject({ matched: 6, allowed: 6, refused: 0 });
    const keys = await tryRule({ subject: 'api_key', match: { path: '/api/v1/transfers' } });
    expect(keys.body['subjects']).toEqual([{ subject: 'open', allowed: 2, refused: 4 }]);
    expect((await tryRule({ subject: 'user', match: { path: '/api/v1/transfers' } })).body).toMatchObject({
      matched: 0,
    });
    const away = { match: { path: '/api/v1/transfers', from: 'elsewhere' } };
    expect((await tryRule(away)).body).toMatchObject({ matched: 0 });
  });

  it('says what it cannot know', async () => {
    await app.ask('GET', '/products/SKU-1');
    const { body } = await tryRule({ match: { path: '/api/v1/products/SKU-1' } });
    expect(body['unknown']).toBeGreaterThanOrEqual(1);
    const header = await tryRule({ subject: 'header:x-tenant' });
    expect([header.status, header.body['errors']]).toEqual([400, [expect.objectContaining({ path: '/subject' })]]);
    expect((await tryRule({ limit: 0 })).status).toBe(400);
  });
});

describe('what is remembered is bounded', () => {
  it('a sketch keeps who comes often among any number of others', () => {
    const sketch = new TopSketch(16);
    for (let index = 0; index < 20_000; index += 1) {
      sketch.count(`other-${index}`, true);
      if (index % 5 === 0) sketch.count('often', index % 10 === 0);
    }
    expect(sketch.size).toBe(16);
    const [first] = sketch.drain(5);
    expect(first?.subject).toBe('often');
    expect((first?.allowed ?? 0) + (first?.refused ?? 0)).toBeGreaterThan(3_900);
    expect(sketch.size).toBe(0);
  });

  it('a tally gathers any number of requests into steps, a few subjects and a few notices', () => {
    const tally = new RuleTally();
    const refused = { allowed: false, shadow: false };
    for (let index = 0; index < 50_000; index += 1) {
      tally.count({ ...refused, subject: `s${index}` } as never, 1_795_000_000_000 + index);
    }
    const report = tally.drain();
    expect(report?.steps.map((step) => step.refused)).toEqual([10_000, 10_000, 10_000, 10_000, 10_000]);
    expect(report?.subjects).toHaveLength(20);
    expect(report?.notices).toHaveLength(50);
    expect(tally.drain()).toBeNull();
  });
});

async function startLimitedAppBeside(first: LimitedApp): Promise<LimitedApp> {
  return startLimitedApp({ connection: first.test.connection });
}

async function eventsOf(filter: string, id: string): Promise<{ subject: string }[]> {
  const { body } = await app.ask('GET', `/events?${filter}`);
  return (body['items'] as { subject: string }[]).filter(({ subject }) => subject === id);
}

async function journalOf(id: string): Promise<object[]> {
  const rows = await app.test.database.kysely
    .selectFrom('journal_entry')
    .select('data')
    .where('kind', '=', 'rate_limit.limited')
    .where('subject', '=', id)
    .execute();
  return rows.map(({ data }) => (typeof data === 'string' ? JSON.parse(data) : data) as object);
}
