import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { JobView } from './job.schema.ts';
import type { JobsApp } from './jobs.fixture.ts';
import type { RunSummary } from './run.schema.ts';
import { startTravel, type Travel } from './scheduler.fixture.ts';

let travel: Travel;
let jobs: JobsApp;
beforeAll(async () => {
  travel = await startTravel(2);
  [jobs] = travel.apps;
});
afterAll(() => travel.close());

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
    const fixed = await travel.scheduled('30 2 * * *', BERLIN);
    const often = await travel.scheduled('*/30 * * * *', BERLIN);
    const night = await travel.scheduled('*/30 2 * * *', BERLIN);
    for (const { id } of [fixed, often, night]) await travel.nextAt(id, from);
    // The state a running scheduler would have left: the first tick at or after the beginning.
    await travel.nextAt(fixed.id, daily[0] === undefined ? to : `${daily[0]}Z`);
    await travel.nextAt(night.id, atTwo[0] === undefined ? `${to.slice(0, 8)}31T00:00Z` : `${atTwo[0]}Z`);
    for (const instant of instants(from, to, 15)) await travel.to(instant);
    expect(await travel.ticksOf(fixed)).toEqual(daily);
    expect(await travel.ticksOf(often)).toEqual(minutesOf(instants(from, to, 30)));
    expect(await travel.ticksOf(night)).toEqual(atTwo);
    const { body } = await jobs.request<{ items: RunSummary[] }>('GET', `/jobs/${often.id}/history?limit=200`);
    expect(new Set(body.items.map(({ trigger, status }) => `${trigger} ${status}`))).toEqual(
      new Set(['schedule queued']),
    );
  });

  it('a tick that has its run already makes no other, and holds nothing up', async () => {
    const job = await travel.scheduled('0 * * * *', { overlap: 'queue' });
    await travel.nextAt(job.id, '2025-06-01T01:00Z');
    await travel.to('2025-06-01T01:00Z');
    // As after a database's clock was set back and the schedule was changed to and fro.
    await travel.nextAt(job.id, '2025-06-01T01:00Z');
    const other = await travel.scheduled('0 * * * *');
    await travel.nextAt(other.id, '2025-06-01T01:00Z');
    await travel.to('2025-06-01T01:00Z');
    expect(await travel.ticksOf(job)).toEqual(['2025-06-01T01:00']);
    expect(await travel.ticksOf(other)).toEqual(['2025-06-01T01:00']);
    expect((await jobs.show(job.id)).nextRun).toBe('2025-06-01T02:00:00.000Z');
  });
});

it('a job that is changed while its tick is being fired goes on from the next one', async () => {
  const job = await travel.scheduled('0 * * * *', { overlap: 'queue' });
  await travel.nextAt(job.id, '2025-06-01T01:00Z');
  const firing = new pg.Client(jobs.connection);
  await firing.connect();
  await firing.query('BEGIN');
  await firing.query(`UPDATE job_state SET next_at = '2025-06-01T02:00Z' WHERE job_id = $1`, [job.id]);
  const changed = jobs.request<JobView>('PATCH', `/jobs/${job.id}`, { description: 'changed' });
  const waiting = `SELECT FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))`;
  await vi.waitUntil(async () => (await firing.query(waiting)).rowCount === 1, { timeout: 10_000 });
  await firing.query('COMMIT');
  await firing.end();
  expect((await changed).body).toMatchObject({ description: 'changed', nextRun: '2025-06-01T02:00:00.000Z' });
  await travel.nextAt(job.id, '3000-01-01T00:00Z');
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
    const job = await travel.scheduled('0 * * * *', { catchUp, catchUpMax, overlap: 'queue' });
    await travel.nextAt(job.id, '2025-06-01T01:00Z');
    await travel.to(`2025-06-01T${at}Z`);
    const runs = await jobs.history(job.id);
    expect(runs.map(({ tick, trigger }) => `${tick?.slice(11, 16)} ${trigger}`)).toEqual(made);
    expect((await jobs.show(job.id)).nextRun).toBe('2025-06-01T06:00:00.000Z');
  });
});

describe('a schedule that this server cannot read', () => {
  it('holds up no others, is shown as such, and goes on when somebody can read it', async () => {
    const lost = await travel.scheduled('0 * * * *', {
      timeZone: 'Europe/Berlin',
      mustFinishBy: '06:00',
      catchUp: 'all',
    });
    const other = await travel.scheduled('0 * * * *');
    // As when a later version of Node.js has a zone that this one has not, or has it no longer.
    const inZone = (zone: string) =>
      jobs.database.pool.query('UPDATE job SET time_zone = $2 WHERE id = $1', [lost.id, zone]);
    await inZone('Europe/Atlantis');
    for (const { id } of [lost, other]) await travel.nextAt(id, '2025-06-01T01:00Z');
    await travel.to('2025-06-01T01:00Z');
    expect(await travel.ticksOf(other)).toEqual(['2025-06-01T01:00']);
    expect(await travel.ticksOf(lost)).toEqual([]);

    const scheduleText =
      'Cannot be read. "Europe/Atlantis" is not a time zone: write the name of a place, such as Europe/Berlin, or UTC.';
    expect(await jobs.show(lost.id)).toMatchObject({ schedule: '0 * * * *', scheduleText, nextRun: null });
    expect(await jobs.list(`search=${lost.name}`)).toMatchObject([{ scheduleText }]);
    const ahead = await jobs.request<{ items: { jobId: string }[] }>('GET', '/jobs/upcoming');
    expect(ahead.body.items.filter(({ jobId }) => jobId === lost.id)).toEqual([]);
    expect(await jobs.run(lost.id)).toMatchObject({ status: 'queued', deadline: null });
    expect(await jobs.refused('PATCH', `/jobs/${lost.id}`, { retries: 1 })).toBe('200 ');
    expect(await jobs.refused('PATCH', `/jobs/${lost.id}`, { schedule: '5 * * * *' })).toBe(
      '400 validation_failed /timeZone',
    );

    await inZone('Europe/Berlin');
    await vi.waitFor(
      async () => {
        await travel.to('2025-06-01T02:00Z');
        expect(await travel.ticksOf(lost)).toEqual(['2025-06-01T01:00', '2025-06-01T02:00', 'none']);
      },
      { timeout: 20_000, interval: 250 },
    );
  });
});

describe('what many jobs have missed', () => {
  it('is caught up with bit by bit, in order, with nothing left out', async () => {
    const made = await Promise.all(
      [1, 2, 3].map(() => travel.scheduled('* * * * *', { catchUp: 'all', catchUpMax: 150, overlap: 'queue' })),
    );
    for (const { id } of made) await travel.nextAt(id, '2025-06-01T00:00Z');
    const rounds = await travel.to('2025-06-02T00:00Z');
    expect(Math.max(...rounds)).toBe(250);
    expect(rounds.length).toBeGreaterThan(1);
    const expected = minutesOf(instants('2025-06-01T21:30:00Z', '2025-06-02T00:00:00Z', 1));
    for (const job of made) expect(await travel.ticksOf(job)).toEqual(expected);
  });
});

describe('a job that is disabled', () => {
  // All jobs above would be due: this one travels beyond now.
  let alone: Travel;
  let app: JobsApp;
  beforeAll(async () => {
    alone = await startTravel(1);
    [app] = alone.apps;
  });
  afterAll(() => alone.close());

  it('does not fire, and begins anew when it is enabled', async () => {
    const job = await alone.scheduled('* * * * *', { catchUp: 'all' });
    const off = await app.request<JobView>('PATCH', `/jobs/${job.id}`, { enabled: false });
    expect(off.body).toMatchObject({ enabled: false, status: 'disabled', nextRun: null });
    await alone.to(new Date(Date.now() + 3_600_000).toISOString());
    expect(await app.history(job.id)).toEqual([]);
    const on = await app.request<JobView>('PATCH', `/jobs/${job.id}`, { enabled: true });
    const next = Date.parse(on.body.nextRun ?? '');
    expect(next - Date.now()).toBeGreaterThan(-5_000);
    expect(next - Date.now()).toBeLessThanOrEqual(60_000);
    await alone.to(new Date(next).toISOString());
    expect(await alone.ticksOf(job)).toEqual([on.body.nextRun?.slice(0, 16)]);
  });

  it('runs when it is asked to', async () => {
    const job = await alone.scheduled('* * * * *', { enabled: false });
    const { id } = await app.run(job.id);
    await app.work();
    expect((await app.read(id)).status).toBe('succeeded');
  });
});

it('a database’s clock that was years ahead keeps no job waiting when it is put right', async () => {
  const job = await travel.scheduled('0 0 * * *');
  const tomorrow = job.nextRun;
  await travel.to('2041-01-01T00:00Z');
  expect(await travel.ticksOf(job)).toEqual(['2041-01-01T00:00']);
  expect((await jobs.show(job.id)).nextRun).toBe('2041-01-02T00:00:00.000Z');
  await travel.to(job.createdAt);
  expect((await jobs.show(job.id)).nextRun).toBe(tomorrow);
});
