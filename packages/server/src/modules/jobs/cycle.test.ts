import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { PermanentError } from '../../platform/jobs/index.ts';
import type { JobView } from './job.schema.ts';
import { startJobsApp, workType, type JobsApp, type Work } from './jobs.fixture.ts';
import type { RunSummary } from './run.schema.ts';

const works = new Map<string, Work>();
let jobs: JobsApp;
let names = 0;

beforeAll(async () => {
  jobs = await startJobsApp({ jobTypes: [workType(works)] });
});
afterAll(() => jobs.close());
beforeEach(() => works.clear());

/** A job that waits for others; its work is named as it is. */
function node(name: string, parents: readonly JobView[] = [], more: object = {}): Promise<JobView> {
  names += 1;
  const dependencies = parents.map(({ id }) => id);
  return jobs.create({ name: `${name} ${names}`, config: { name }, retries: 0, dependencies, ...more });
}

async function runsOf(cycleId: string): Promise<RunSummary[]> {
  const url = `/runs?cycleId=${cycleId}&sort=createdAt&limit=200`;
  return (await jobs.request<{ items: RunSummary[] }>('GET', url)).body.items;
}

/** How the runs of a cycle stand, by the first word of the name of their job. */
async function standing(cycleId: string): Promise<Record<string, string>> {
  const runs = await runsOf(cycleId);
  return Object.fromEntries(runs.map(({ job, status }) => [job.name.split(' ')[0], status]));
}

/** Runs a job and all that follows. */
async function pass(root: JobView): Promise<RunSummary> {
  const run = await jobs.run(root.id);
  await jobs.work();
  return run;
}

function failing(...which: string[]): void {
  for (const name of which) works.set(name, () => Promise.reject(new PermanentError(`${name} fails`)));
}

describe('jobs that wait for others', () => {
  it('run one after the other, each once, in one cycle', async () => {
    const order: string[] = [];
    for (const name of ['a', 'b', 'c']) works.set(name, async () => void order.push(name));
    const a = await node('a');
    const b = await node('b', [a]);
    const c = await node('c', [b]);
    const { cycleId } = await pass(a);
    expect(order).toEqual(['a', 'b', 'c']);
    expect(await standing(cycleId)).toEqual({ a: 'succeeded', b: 'succeeded', c: 'succeeded' });
    const [first, ...followers] = await runsOf(cycleId);
    expect(first).toMatchObject({ job: { id: a.id }, trigger: 'request', startedBy: 'open' });
    expect(followers.map(({ job, trigger, startedBy, tick }) => [job.id, trigger, startedBy, tick])).toEqual([
      [b.id, 'dependency', 'system:jobs', null],
      [c.id, 'dependency', 'system:jobs', null],
    ]);
  });

  it('fan out, and join when all have succeeded', async () => {
    const a = await node('a');
    const sides = [await node('b', [a]), await node('c', [a]), await node('d', [a])];
    const join = await node('join', sides);
    const seen: string[] = [];
    works.set('join', async () => void seen.push(...Object.values(await standing(cycleId))));
    const { cycleId } = await jobs.run(a.id);
    await jobs.work();
    // As the join saw them: those before it, and itself.
    expect(seen.toSorted()).toEqual(['running', 'succeeded', 'succeeded', 'succeeded', 'succeeded']);
    expect(await jobs.history(join.id)).toHaveLength(1);
  });

  it('begin another cycle with the next run of the first', async () => {
    const a = await node('a');
    const b = await node('b', [a]);
    const first = await pass(a);
    const second = await pass(a);
    expect(second.cycleId).not.toBe(first.cycleId);
    expect(await cyclesOf(b)).toEqual([first.cycleId, second.cycleId]);
  });

  it('follow at once a run that takes over an earlier result', async () => {
    const a = await node('a', [], { cacheForMs: 60_000 });
    const b = await node('b', [a]);
    await pass(a);
    const { cycleId } = await pass(a);
    expect((await runsOf(cycleId)).map(({ job, cachedFrom }) => [job.id, cachedFrom !== null])).toEqual([
      [a.id, true],
      [b.id, false],
    ]);
    expect(await standing(cycleId)).toEqual({ a: 'succeeded', b: 'succeeded' });
  });

  it('wait, with all that comes after them, for one that is disabled', async () => {
    const a = await node('a');
    const off = await node('off', [a], { enabled: false });
    const b = await node('b', [a]);
    const join = await node('join', [off, b]);
    const { cycleId } = await pass(a);
    expect(await standing(cycleId)).toEqual({ a: 'succeeded', b: 'succeeded' });
    // Asked for by hand it has its turn in the cycle, and the join after it.
    expect(await jobs.run(off.id)).toMatchObject({ cycleId });
    await jobs.work();
    expect(await standing(cycleId)).toEqual({ a: 'succeeded', b: 'succeeded', off: 'succeeded', join: 'succeeded' });
    expect(await jobs.history(join.id)).toHaveLength(1);
  });
});

describe('after a job that failed', () => {
  it('each does as it is set, and what comes after it likewise', async () => {
    failing('a');
    const a = await node('a');
    const skips = await node('skips', [a]);
    await node('afterSkip', [skips]);
    await node('runsAfterSkip', [skips], { afterFailure: 'run' });
    const runs = await node('runs', [a], { afterFailure: 'run' });
    await node('afterRun', [runs]);
    const holds = await node('holds', [a], { afterFailure: 'hold' });
    await node('afterHold', [holds]);
    const { cycleId } = await pass(a);
    expect(await standing(cycleId)).toEqual({
      a: 'failed',
      skips: 'skipped',
      afterSkip: 'skipped',
      runsAfterSkip: 'succeeded',
      runs: 'succeeded',
      afterRun: 'succeeded',
      holds: 'held',
    });
    const reasons = (await runsOf(cycleId)).filter(({ status }) => status === 'skipped' || status === 'held');
    expect(new Set(reasons.map(({ reason }) => reason))).toEqual(new Set(['dependency_failed']));
  });

  it('a join waits until all are over before it decides', async () => {
    failing('bad');
    const [bad, good] = [await node('bad'), await node('good')];
    await node('join', [bad, good]);
    const { cycleId } = await pass(bad);
    expect(await standing(cycleId)).toEqual({ bad: 'failed' });
    expect(await pass(good)).toMatchObject({ cycleId });
    expect(await standing(cycleId)).toEqual({ bad: 'failed', good: 'succeeded', join: 'skipped' });
  });

  it('a run that is held goes when it is released, and what comes after it follows', async () => {
    failing('a');
    const a = await node('a');
    const held = await node('held', [a], { afterFailure: 'hold' });
    await node('after', [held]);
    const { cycleId } = await pass(a);
    const [run] = await jobs.history(held.id);
    expect(run).toMatchObject({ status: 'held', reason: 'dependency_failed', attempt: 0 });
    const released = await jobs.request('POST', `/runs/${run?.id}/release`);
    expect(released).toMatchObject({ status: 200, body: { status: 'queued', reason: null } });
    await jobs.work();
    expect(await standing(cycleId)).toEqual({ a: 'failed', held: 'succeeded', after: 'succeeded' });
    expect(await jobs.request('POST', `/runs/${run?.id}/release`)).toMatchObject({
      status: 409,
      body: { code: 'run_not_held', runStatus: 'succeeded' },
    });
  });

  it('a run that is held is in the way of none of the next cycle', async () => {
    failing('a');
    const a = await node('a');
    const held = await node('held', [a], { afterFailure: 'hold' });
    await pass(a);
    works.clear();
    const { cycleId } = await pass(a);
    expect(await standing(cycleId)).toEqual({ a: 'succeeded', held: 'succeeded' });
    expect((await jobs.history(held.id)).map(({ status }) => status)).toEqual(['held', 'succeeded']);
  });

  it('a run that is held can be cancelled, and what comes after it is skipped', async () => {
    failing('a');
    const a = await node('a');
    const held = await node('held', [a], { afterFailure: 'hold' });
    await node('after', [held]);
    const { cycleId } = await pass(a);
    const [run] = await jobs.history(held.id);
    expect(await jobs.request('POST', `/runs/${run?.id}/cancel`)).toMatchObject({ status: 200 });
    expect(await standing(cycleId)).toEqual({ a: 'failed', held: 'cancelled', after: 'skipped' });
  });

  it('what was skipped runs after all, down the chain, when the failed one is redriven', async () => {
    failing('a');
    const a = await node('a');
    const b = await node('b', [a]);
    const c = await node('c', [b]);
    const run = await pass(a);
    expect(await standing(run.cycleId)).toEqual({ a: 'failed', b: 'skipped', c: 'skipped' });
    works.clear();
    expect(await jobs.request('POST', `/runs/${run.id}/redrive`)).toMatchObject({ status: 200 });
    await jobs.work();
    expect(await standing(run.cycleId)).toEqual({ a: 'succeeded', b: 'succeeded', c: 'succeeded' });
    for (const { id } of [a, b, c]) expect(await jobs.history(id)).toHaveLength(1);
  });

  it('what was skipped stays so where another of its dependencies failed as well', async () => {
    failing('a', 'b');
    const [a, b] = [await node('a'), await node('b')];
    await node('join', [a, b]);
    const run = await pass(a);
    await pass(b);
    expect(await standing(run.cycleId)).toEqual({ a: 'failed', b: 'failed', join: 'skipped' });
    works.delete('a');
    await jobs.request('POST', `/runs/${run.id}/redrive`);
    await jobs.work();
    expect(await standing(run.cycleId)).toEqual({ a: 'succeeded', b: 'failed', join: 'skipped' });
  });

  it('a hundred in a row are skipped in the same moment', async () => {
    failing('root');
    const root = await node('root');
    const chain = [root];
    for (let at = 1; at <= 100; at += 1) chain.push(await node(`link${at}`, [chain[at - 1] as JobView]));
    const { cycleId } = await jobs.run(root.id);
    await jobs.work();
    const counted = await jobs.database.pool.query(
      `SELECT status, count(*)::int AS count FROM run WHERE cycle_id = $1 GROUP BY status ORDER BY status`,
      [cycleId],
    );
    expect(counted.rows).toEqual([
      { status: 'failed', count: 1 },
      { status: 'skipped', count: 100 },
    ]);
  });
});

describe('several roots', () => {
  it('that fire at different times of a night are of one cycle, and the join runs once, every night', async () => {
    const schedule = '0 1 * * *';
    const [early, late] = [await node('early', [], { schedule }), await node('late', [], { schedule })];
    const join = await node('join', [early, late]);
    for (const night of [1, 2, 3]) {
      await fire(early, night);
      await jobs.work();
      expect(await jobs.history(join.id)).toHaveLength(night - 1);
      await fire(late, night);
      await jobs.work();
      expect(await jobs.history(join.id)).toHaveLength(night);
    }
    const [first, ...others] = await Promise.all([early, late, join].map(cyclesOf));
    expect(new Set(first)).toHaveLength(3);
    expect(others).toEqual([first, first]);
  });

  it('that are run by hand in between do not pair one night with another', async () => {
    const schedule = '0 1 * * *';
    const [early, late] = [await node('early', [], { schedule }), await node('late', [], { schedule })];
    const join = await node('join', [early, late]);
    const nightOf = async (night: number): Promise<void> => {
      for (const root of [early, late]) await fire(root, night).then(() => jobs.work());
    };
    await nightOf(11);
    // One of them alone: nothing follows, and the next night is as if it had not been.
    const alone = await pass(late);
    expect(await standing(alone.cycleId)).toEqual({ late: 'succeeded' });
    await nightOf(12);
    expect(await cyclesOf(join)).toHaveLength(2);
    // Both of them, and so what waits for them.
    const [first, second] = [await pass(early), await pass(late)];
    expect([first.cycleId, (await cyclesOf(join)).at(-1)]).toEqual([alone.cycleId, alone.cycleId]);
    expect(await standing(second.cycleId)).toEqual({ late: 'succeeded' });
    await nightOf(13);
    const [ofEarly, ofLate, ofJoin] = await Promise.all([early, late, join].map(cyclesOf));
    const nights = ofEarly?.filter((cycle) => cycle !== alone.cycleId);
    expect(nights).toHaveLength(3);
    for (const of of [ofLate, ofJoin]) expect(of?.filter((cycle) => nights?.includes(cycle))).toEqual(nights);
  });

  it('of which one was missed are made whole by hand', async () => {
    const early = await node('early', [], { schedule: '0 1 * * *' });
    const late = await node('late', [], { schedule: '0 1 * * *' });
    const join = await node('join', [early, late]);
    await fire(early, 21);
    await jobs.work();
    const { cycleId } = await pass(late);
    expect(await standing(cycleId)).toEqual({ early: 'succeeded', late: 'succeeded', join: 'succeeded' });
    expect(await jobs.history(join.id)).toHaveLength(1);
  });

  it('one that runs twice before the other opens another cycle, which the other joins', async () => {
    const [often, once] = [await node('often'), await node('once')];
    const join = await node('join', [often, once]);
    const first = await pass(often);
    const second = await pass(often);
    const third = await pass(once);
    expect([first, second, third].map(({ cycleId }) => cycleId)).toEqual([
      first.cycleId,
      second.cycleId,
      second.cycleId,
    ]);
    expect(await cyclesOf(join)).toEqual([second.cycleId]);
  });
});

describe('two that finish at the same moment', () => {
  it('in two workers have the one after them run once, forty times', async () => {
    const options = { jobTypes: [workType(works)], env: { HOLDFAST_JOB_SLOTS: '1' } };
    const one = await startJobsApp(options);
    const other = await startJobsApp({ ...options, connection: one.connection });
    const before = jobs;
    jobs = one;
    try {
      const [left, right] = [await node('left'), await node('right')];
      const join = await node('join', [left, right]);
      for (let round = 1; round <= 40; round += 1) {
        const both = meeting(2);
        works.set('left', both);
        works.set('right', both);
        const [first, second] = [await one.run(left.id), await one.run(right.id)];
        expect(second.cycleId).toBe(first.cycleId);
        expect(await Promise.all([one.server.jobs.worker.runOnce(), other.server.jobs.worker.runOnce()])).toEqual([
          1, 1,
        ]);
        await one.work();
        expect(await standing(first.cycleId)).toEqual({ left: 'succeeded', right: 'succeeded', join: 'succeeded' });
      }
      expect((await one.request<JobView>('GET', `/jobs/${join.id}`)).body).toMatchObject({ runCount: 40 });
    } finally {
      jobs = before;
      await other.close();
      await one.close();
    }
  }, 60_000);
});

/** Has a schedule's tick come, one for each night, in real time: what a worker makes of it is younger. */
async function fire({ id }: JobView, night: number): Promise<void> {
  const { pool } = jobs.database;
  await pool.query('UPDATE job SET schedule = $2 WHERE id = $1', [id, `${night} 1 * * *`]);
  await pool.query(`UPDATE job_state SET next_at = now() - interval '2 days' WHERE job_id = $1`, [id]);
  await jobs.server.jobs.scheduler.runOnce();
}

async function cyclesOf({ id }: JobView): Promise<string[]> {
  return (await jobs.history(id)).map(({ cycleId }) => cycleId);
}

/** Work that ends when as many as that do it. */
function meeting(size: number): Work {
  let open = (): void => undefined;
  let there = 0;
  const all = new Promise<void>((resolve) => (open = resolve));
  return () => {
    there += 1;
    if (there === size) open();
    return all;
  };
}
