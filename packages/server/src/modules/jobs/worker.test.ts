import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { PermanentError, RunLostError, TicketQueue } from '../../platform/jobs/index.ts';
import { gate, NARROW, startWorkersApp, type Work, type WorkersApp } from './jobs.fixture.ts';
import { claim, type Held } from './run.claiming.ts';
import { settle } from './run.settling.ts';
import { TypeBook } from './type.book.ts';

let jobs: WorkersApp;
beforeAll(async () => {
  jobs = await startWorkersApp();
});
afterAll(() => jobs.close());
afterEach(() => jobs.clear());

describe('a worker that says nothing', () => {
  it('loses its run to another, without an attempt of it being used up, and writes nothing over it', async () => {
    const { work, begun, open, contexts } = gate();
    const id = await jobs.runOf(
      (context) => (contexts.length === 0 ? work(context) : Promise.resolve('of the second')),
      {
        retries: 0,
      },
    );
    const frozen = jobs.workerOf();
    const first = frozen.runOnce();
    await begun;
    await jobs.missHolders();
    expect(await jobs.workerOf().runOnce()).toBe(1);
    open('of the first');
    await first;
    expect(await jobs.read(id)).toMatchObject({ status: 'succeeded', result: 'of the second', attempt: 1 });
    expect(await jobs.outcomes(id)).toEqual(['lost', 'succeeded']);
    expect(frozen.busy).toBe(0);
  });

  it('has a run of a type that nobody else knows, which can be cancelled', async () => {
    const { work, begun, open } = gate();
    const failing: Work = (context) => (context.attempt === 1 ? Promise.reject(new Error('no')) : work(context));
    const id = await jobs.runOf(failing, { mustFinishBy: 'PT1H' });
    await jobs.workerOf().runOnce();
    const frozen = jobs.workerOf();
    const first = frozen.runOnce();
    await begun;
    await jobs.missHolders();
    expect(await jobs.workerOf({ types: new TypeBook([]) }).runOnce()).toBe(0);
    expect(await jobs.request('POST', `/runs/${id}/cancel`)).toMatchObject({
      status: 200,
      body: { status: 'cancelled', cancelRequestedBy: 'open', worker: null, deadlineState: 'missed' },
    });
    open('of the first');
    await first;
    expect(await jobs.read(id)).toMatchObject({ status: 'cancelled', result: null });
    expect(await jobs.outcomes(id)).toEqual(['failed', 'lost']);
    expect(await jobs.workerOf().runOnce()).toBe(0);
  });

  it('has a run that somebody cancels: whoever takes it up does not begin it', async () => {
    const { work, begun, open, contexts } = gate();
    const id = await jobs.runOf(work);
    const first = jobs.workerOf().runOnce();
    await begun;
    expect((await jobs.request('POST', `/runs/${id}/cancel`)).status).toBe(202);
    await jobs.missHolders();
    expect(await jobs.workerOf().runOnce()).toBe(1);
    expect(contexts).toHaveLength(1);
    expect(await jobs.outcomes(id)).toEqual(['lost', 'cancelled']);
    open();
    await first;
    expect(await jobs.read(id)).toMatchObject({ status: 'cancelled', result: null });
  });

  it('does not count as ended what another has ended', async () => {
    const { work, begun, open, contexts } = gate();
    await jobs.runOf((context) => (contexts.length === 0 ? work(context) : Promise.resolve('of the second')));
    const counted: string[] = [];
    const counting = (who: string) =>
      jobs.workerOf({ onEnded: ({ ending: { outcome } }) => counted.push(`${who}: ${outcome}`) });
    const first = counting('first').runOnce();
    await begun;
    await jobs.missHolders();
    await counting('second').runOnce();
    open('of the first');
    await first;
    expect(counted).toEqual(['second: succeeded']);
  });

  it('and wakes lets go of what is no longer its own', async () => {
    const { work, begun, open } = gate();
    await jobs.runOf(work);
    const frozen = jobs.workerOf();
    const first = frozen.runOnce();
    const { signal } = await begun;
    await jobs.missHolders();
    const [held] = await claim(jobs.deps(), 'another', 1);
    await frozen.tend();
    expect(signal.reason).toBeInstanceOf(RunLostError);
    await first;
    open();
    await settle({ ...jobs.deps(), random: Math.random }, [
      { held: held as Held, ending: { outcome: 'cancelled' }, endedMs: 0 },
    ]);
  });

  it('keeps its run where it does say that it is alive', async () => {
    const { work, begun, open } = gate();
    const id = await jobs.runOf(work);
    const worker = jobs.workerOf();
    const done = worker.runOnce();
    await begun;
    await jobs.sql(
      `UPDATE holdfast_queue.job_common SET heartbeat_on = heartbeat_on - interval '11 s' WHERE state = 'active'`,
    );
    await worker.tend();
    await jobs.lookForDead();
    expect(await jobs.workerOf().runOnce()).toBe(0);
    open('mine');
    await done;
    expect(await jobs.outcomes(id)).toEqual(['succeeded']);
  });

  it('may take its own run again: what it did before is left behind', async () => {
    const gates = [gate(), gate()] as const;
    let attempts = 0;
    const id = await jobs.runOf((context) => gates[attempts++ === 0 ? 0 : 1].work(context));
    const worker = jobs.workerOf();
    worker.start();
    worker.wake();
    const { signal } = await gates[0].begun;
    await jobs.missHolders();
    worker.wake();
    const second = await gates[1].begun;
    expect(signal.reason).toBeInstanceOf(RunLostError);
    expect(worker.busy).toBe(1);
    gates[0].open('of the first');
    await worker.tend();
    expect(second.signal.aborted).toBe(false);
    expect(worker.busy).toBe(1);
    gates[1].open('of the second');
    await vi.waitUntil(async () => (await jobs.read(id)).status === 'succeeded', 30_000);
    expect(await jobs.read(id)).toMatchObject({ result: 'of the second', attempt: 1 });
    expect(await jobs.outcomes(id)).toEqual(['lost', 'succeeded']);
  });

  it('six times over fails the run as worker_lost; it can be redriven', async () => {
    let fails = true;
    const work: Work = () => (fails ? Promise.reject(new Error('no')) : Promise.resolve('at last'));
    const job = await jobs.jobOf(work, { retries: 1, mustFinishBy: 'PT1H' });
    const after = await jobs.create({ name: 'after the lost', dependencies: [job] });
    const { id } = await jobs.run(job);
    await jobs.workerOf().runOnce();
    fails = false;
    for (let death = 1; death <= 6; death += 1) {
      const held = await claim(jobs.deps(), `dead ${death}`, 10);
      expect(held.map(({ run }) => [run.id, run.attempt])).toEqual([[id, 2]]);
      await jobs.missHolders();
    }
    expect(await claim(jobs.deps(), 'a seventh', 10)).toEqual([]);
    await jobs.server.jobs.scheduler.tend();
    const failed = { status: 'failed', worker: null, deadlineState: 'missed', error: { code: 'worker_lost' } };
    expect(await jobs.read(id)).toMatchObject(failed);
    expect(await jobs.show(job)).toMatchObject({ runCount: 1, failureCount: 1 });
    expect(await jobs.history(after.id)).toMatchObject([{ status: 'skipped', reason: 'dependency_failed' }]);
    expect(await jobs.outcomes(id)).toEqual(['failed', ...Array.from({ length: 6 }, () => 'lost')]);
    expect(await jobs.request('POST', `/runs/${id}/redrive`)).toMatchObject({ status: 200 });
    await jobs.workerOf().runOnce();
    expect(await jobs.read(id)).toMatchObject({ status: 'succeeded', result: 'at last' });
  });

  it('for its own stop hands over what does not end, and uses up no attempt', async () => {
    const { work, begun, open } = gate();
    const id = await jobs.runOf(work, { retries: 0 });
    const worker = jobs.workerOf();
    worker.start();
    const { signal } = await begun;
    await worker.stop();
    expect(signal.reason).toEqual(new Error('The worker is stopping.'));
    expect(await jobs.read(id)).toMatchObject({ status: 'queued', attempt: 0 });
    open('by the other');
    await jobs.workerOf().runOnce();
    expect(await jobs.read(id)).toMatchObject({ status: 'succeeded', attempt: 1, result: 'by the other' });
    expect(await jobs.outcomes(id)).toEqual(['handed_over', 'succeeded']);
  });
});

describe('a run that fails while its worker stops', () => {
  it('is handed over; one that would fail again fails', async () => {
    const gates = [gate(), gate()] as const;
    const failing = await jobs.runOf(
      (context) => gates[0].work(context).then(() => Promise.reject(new Error('no API'))),
      {
        retries: 0,
      },
    );
    const permanent = await jobs.runOf((context) =>
      gates[1].work(context).then(() => Promise.reject(new PermanentError('for good'))),
    );
    const worker = jobs.workerOf({ drainMs: 20_000 });
    worker.start();
    await Promise.all(gates.map(({ begun }) => begun));
    const stopped = worker.stop();
    gates.forEach(({ open }) => open());
    await stopped;
    expect(await jobs.read(failing)).toMatchObject({ status: 'queued', attempt: 0, error: null });
    expect(await jobs.read(permanent)).toMatchObject({ status: 'failed', error: { code: 'permanent' } });
  });
});

describe('several workers', () => {
  it('do each run once', async () => {
    const done: string[] = [];
    const job = await jobs.jobOf(({ runId }) => Promise.resolve(done.push(runId)), { concurrency: 100 });
    const ids: string[] = [];
    while (ids.length < 60) ids.push((await jobs.run(job)).id);
    const crew = Array.from({ length: 4 }, () => jobs.workerOf({ slots: 5 }));
    for (let left = 1; left > 0;) {
      left = (await Promise.all(crew.map((worker) => worker.runOnce()))).reduce((sum, taken) => sum + taken, 0);
    }
    expect(done.toSorted()).toEqual(ids.toSorted());
  });

  it('that claim at the same time never pass the bounds of a job or of a type, and reach them', async () => {
    const work: Work = () => Promise.resolve(null);
    const wide = await jobs.jobOf(work, { concurrency: 3 });
    const single = await jobs.jobOf(work);
    const narrow = [
      await jobs.jobOf(work, { type: 'narrow', concurrency: 3 }),
      await jobs.jobOf(work, { type: 'narrow', concurrency: 3 }),
    ];
    for (const job of [wide, single, ...narrow]) await Promise.all(Array.from({ length: 9 }, () => jobs.run(job)));
    // Nobody here says that he is alive, nor is to be missed, however long it takes.
    await jobs.sql('UPDATE holdfast_queue.job_common SET heartbeat_seconds = 3600');
    const held: Held[] = [];
    const claimAtOnce = async (): Promise<void> => {
      const taken = await Promise.all(['a', 'b', 'c', 'd'].map((name) => claim(jobs.deps(), `claims ${name}`, 10)));
      held.push(...taken.flat());
    };
    const countsOf = (): number[] =>
      [wide, single, ...narrow].map((job) => held.filter(({ run }) => run.job_id === job).length);
    for (let done = 0; done < 36; done += 8) {
      // What a batch of a queue leaves behind at a bound is taken by the next.
      for (let turn = 0; turn < 3; turn += 1) await claimAtOnce();
      const [ofWide, ofSingle, ofFirst = 0, ofSecond = 0] = countsOf();
      if (done < 24)
        expect([ofWide, ofSingle, ofFirst + ofSecond]).toEqual([Math.min(3, 9 - (done / 8) * 3), 1, NARROW]);
      expect(Math.max(ofFirst, ofSecond)).toBeLessThanOrEqual(3);
      const ended = held
        .splice(0)
        .map((one) => ({ held: one, ending: { outcome: 'succeeded', result: null } as const, endedMs: 0 }));
      await settle({ ...jobs.deps(), random: Math.random }, ended);
    }
    while ((await jobs.workerOf().runOnce()) > 0);
  });

  it('pass over the runs of a job that is at its bound, and take those of others behind them at once', async () => {
    const [first, second] = [gate(), gate()];
    const before = await jobs.jobOf(first.work);
    for (let count = 0; count < 4; count += 1) await jobs.run(before);
    await jobs.runOf(second.work);
    // By itself it looks again when the test has long failed.
    const worker = jobs.workerOf({ slots: 2, pollMs: 600_000 });
    worker.start();
    await Promise.all([first.begun, second.begun]);
    expect(first.contexts).toHaveLength(1);
    first.open();
    second.open();
  });

  it('are not held up by runs that waited of a job that is deleted', async () => {
    const { work, begun, open } = gate();
    const gone = await jobs.jobOf(work);
    for (let count = 0; count < 4; count += 1) await jobs.run(gone);
    expect((await jobs.request('DELETE', `/jobs/${gone}`)).status).toBe(204);
    await jobs.runOf(work);
    const worker = jobs.workerOf({ slots: 2, pollMs: 600_000 });
    worker.start();
    await begun;
    open();
  });

  it('give a run the defaults of members that its type has got since the job was made', async () => {
    const { id } = await jobs.create({ name: 'made before' });
    await jobs.sql(`UPDATE job SET config = '{}' WHERE id = $1`, [id]);
    const run = await jobs.run(id);
    await jobs.workerOf().runOnce();
    expect(await jobs.read(run.id)).toMatchObject({ status: 'succeeded', result: { name: 'nothing' } });
  });

  it('take what is more important first, and what has waited long before it', async () => {
    const order: string[] = [];
    const job = await jobs.jobOf(({ runId }) => Promise.resolve(order.push(runId)), { concurrency: 100 });
    const ask = async (priority: string): Promise<string> => (await jobs.run(job, { priority })).id;
    const [low, normal, high, critical] = [
      await ask('low'),
      await ask('normal'),
      await ask('high'),
      await ask('critical'),
    ];
    const worker = jobs.workerOf({ slots: 1 });
    while ((await worker.runOnce()) > 0);
    expect(order).toEqual([critical, high, normal, low]);

    order.length = 0;
    const patient = await ask('low');
    const scheduler = jobs.server.jobs.scheduler;
    await scheduler.raise(0);
    await scheduler.raise(0);
    const later = [await ask('normal'), await ask('high'), await ask('critical')];
    while ((await worker.runOnce()) > 0);
    expect(order).toEqual([later[2], patient, later[1], later[0]]);
    expect(await jobs.read(patient)).toMatchObject({ priority: 'low' });
  });
});

it('a queue that could not be opened asks for nothing more', async () => {
  const { database } = jobs;
  let asked = 0;
  const query = ({ text, values }: { text: string; values: unknown[] }) => {
    asked += 1;
    // What it begins with is answered, and the making of a queue that is not there is not.
    return text.includes('create_queue') ? Promise.reject(new Error('away')) : database.pool.query({ text, values });
  };
  const failing = { kysely: database.kysely, pool: { query } } as unknown as typeof database;
  const queue = new TicketQueue({ database: failing, queues: ['not_there'], onError: () => undefined });
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] });
  try {
    await expect(queue.open()).rejects.toThrow('away');
    asked = 0;
    await vi.advanceTimersByTimeAsync(120_000);
    expect(asked).toBe(0);
  } finally {
    vi.useRealTimers();
    await queue.close();
  }
});
