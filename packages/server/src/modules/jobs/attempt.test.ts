import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { RunLostError } from '../../platform/jobs/index.ts';
import { gate, startWorkersApp, type Work, type WorkContext, type WorkersApp } from './jobs.fixture.ts';

let jobs: WorkersApp;
beforeAll(async () => {
  jobs = await startWorkersApp();
  await jobs.sql('CREATE TABLE probe (note text); GRANT ALL ON probe TO PUBLIC');
});
afterAll(() => jobs.close());
beforeEach(() => jobs.sql('DELETE FROM probe'));
afterEach(() => jobs.clear());

const probe = async (): Promise<string[]> =>
  (await jobs.sql<{ note: string }>('SELECT note FROM probe')).map((row) => row.note);
const note =
  (text: string) =>
  async (tx: Parameters<Parameters<WorkContext['once']>[1]>[0]): Promise<string> => {
    await tx
      .insertInto('probe' as 'run_log')
      .values({ note: text } as never)
      .execute();
    return text;
  };

describe('an attempt that takes too long', () => {
  it('is stopped and left behind; its slot is free, and what it still writes is refused', async () => {
    const { work, begun, open } = gate();
    const stubborn: Work = async (context) => {
      await work(context);
      await context.once('late', note('late'));
      return 'late';
    };
    const id = await jobs.runOf(stubborn, { timeoutMs: 100, retries: 0 });
    const worker = jobs.workerOf();
    const done = worker.runOnce();
    const { signal, once } = await begun;
    expect(worker.busy).toBe(1);
    await done;
    expect(worker.busy).toBe(0);
    expect(signal.reason).toEqual(new Error('It took longer than the 100 ms that it has.'));
    const error = { code: 'timed_out', message: 'It took longer than the 100 ms that it has.' };
    expect(await jobs.read(id)).toMatchObject({ status: 'failed', error, attempts: [{ outcome: 'timed_out', error }] });
    open();
    await expect(once('late', note('late'))).rejects.toThrow(RunLostError);
    expect(await probe()).toEqual([]);
    expect(await jobs.read(id)).toMatchObject({ status: 'failed', result: null });
  });

  it('that heeds its signal ends at once, and is tried again', async () => {
    const heeding: Work = ({ signal, attempt }) =>
      attempt === 2
        ? Promise.resolve('in time')
        : new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
    const id = await jobs.runOf(heeding, { timeoutMs: 100, retries: 1 });
    const worker = jobs.workerOf({ graceMs: 60_000 });
    await worker.runOnce();
    expect(await jobs.read(id)).toMatchObject({ status: 'retrying', attempt: 1 });
    await worker.runOnce();
    expect(await jobs.read(id)).toMatchObject({ status: 'succeeded', attempt: 2, result: 'in time' });
    expect(await jobs.outcomes(id)).toEqual(['timed_out', 'succeeded']);
  });
});

describe('a run that is cancelled', () => {
  it('while it waits is never taken', async () => {
    const work = vi.fn<Work>(() => Promise.resolve(null));
    const id = await jobs.runOf(work);
    expect(await jobs.request('POST', `/runs/${id}/cancel`)).toMatchObject({
      status: 200,
      body: { status: 'cancelled' },
    });
    expect(await jobs.workerOf().runOnce()).toBe(0);
    expect(work).not.toHaveBeenCalled();
    expect(await jobs.read(id)).toMatchObject({ status: 'cancelled', attempt: 0, attempts: [] });
    expect(await jobs.sql('SELECT state FROM holdfast_queue.job_common')).toEqual([{ state: 'cancelled' }]);
  });

  it('while it runs is stopped, and not tried again', async () => {
    const { work, begun, open } = gate();
    const id = await jobs.runOf(work, { retries: 3 });
    const worker = jobs.workerOf();
    const done = worker.runOnce();
    const { signal } = await begun;
    expect(await jobs.request('POST', `/runs/${id}/cancel`)).toMatchObject({
      status: 202,
      body: { status: 'running' },
    });
    expect(signal.aborted).toBe(false);
    await worker.tend();
    expect(signal.reason).toEqual(new Error('The run was cancelled.'));
    open('too late');
    await done;
    expect(await jobs.read(id)).toMatchObject({ status: 'cancelled', result: null, cancelRequestedBy: 'open' });
    expect(await jobs.outcomes(id)).toEqual(['cancelled']);
    expect(await jobs.workerOf().runOnce()).toBe(0);
    expect(await jobs.request('POST', `/runs/${id}/cancel`)).toMatchObject({
      status: 409,
      body: { code: 'run_is_over' },
    });
  });
});

describe('a run that is told to stop as its attempt ends by itself', () => {
  it.each([
    ['fails', 'failed'],
    ['is handed over', 'cancelled'],
  ])('and %s has no other attempt', async (how, outcome) => {
    const { work, begun, open } = gate();
    const failing: Work = async (context) => {
      await work(context);
      throw new Error('no');
    };
    const id = await jobs.runOf(failing, { retries: 3, backoff: { kind: 'fixed', delayMs: 1, maxDelayMs: 1 } });
    const worker = jobs.workerOf();
    const done = worker.runOnce();
    await begun;
    expect((await jobs.request('POST', `/runs/${id}/cancel`)).status).toBe(202);
    // The worker has not looked since.
    const stopped = how === 'fails' ? done : worker.stop();
    if (how === 'fails') open();
    await Promise.all([done, stopped]);
    expect(await jobs.read(id)).toMatchObject({ status: 'cancelled', cancelRequestedBy: 'open', attempt: 1 });
    expect(await jobs.outcomes(id)).toEqual([outcome]);
    expect(await jobs.workerOf().runOnce()).toBe(0);
  });
});

it('a run that failed as it was told to stop runs when it is redriven', async () => {
  const { work, begun, open, contexts } = gate();
  const failing: Work = async (context) => {
    await work(context);
    if (contexts.length === 1) throw new Error('no');
  };
  const id = await jobs.runOf(failing, { retries: 0 });
  const done = jobs.workerOf().runOnce();
  await begun;
  expect((await jobs.request('POST', `/runs/${id}/cancel`)).status).toBe(202);
  open();
  await done;
  expect(await jobs.read(id)).toMatchObject({ status: 'failed', cancelRequestedBy: 'open' });
  expect((await jobs.request('POST', `/runs/${id}/redrive`)).status).toBe(200);
  await jobs.workerOf().runOnce();
  expect(await jobs.read(id)).toMatchObject({ status: 'succeeded', cancelRequestedBy: null });
});

describe('once', () => {
  it('happens once over attempts that fail, and gives what it gave', async () => {
    const given: unknown[] = [];
    const id = await jobs.runOf(async ({ once, attempt }) => {
      given.push(await once('first', note(`first of attempt ${attempt}`)));
      const twice = [once('both', note(`both of attempt ${attempt}`)), once('both', note('the other'))];
      given.push(new Set(await Promise.all(twice)).size);
      if (attempt < 3) throw new Error('behind its effects');
      return 'done';
    });
    const worker = jobs.workerOf();
    while ((await worker.runOnce()) > 0);
    expect(await jobs.outcomes(id)).toEqual(['failed', 'failed', 'succeeded']);
    expect(given).toEqual(['first of attempt 1', 1, 'first of attempt 1', 1, 'first of attempt 1', 1]);
    expect((await probe()).map((text) => text.replace('the other', 'both of attempt 1'))).toEqual([
      'first of attempt 1',
      'both of attempt 1',
    ]);
  });

  it('that fails has no effect, and happens in the next attempt', async () => {
    await jobs.runOf(({ once, attempt }) =>
      once('key', async (tx) => {
        await note(`attempt ${attempt}`)(tx);
        if (attempt === 1) throw new Error('in the middle');
      }),
    );
    const worker = jobs.workerOf();
    while ((await worker.runOnce()) > 0);
    expect(await probe()).toEqual(['attempt 2']);
  });

  it('is refused once another worker has the run, and that one does it', async () => {
    const { work, begun, open, contexts } = gate();
    const id = await jobs.runOf(async (context) => {
      if (contexts.length === 0) await work(context);
      return context.once('key', note(`attempt of ${contexts.length === 1 ? 'the second' : 'the first'} worker`));
    });
    const first = jobs.workerOf().runOnce();
    const context = await begun;
    await jobs.missHolders();
    expect(await jobs.workerOf().runOnce()).toBe(1);
    await expect(context.once('other', note('of one that has lost its run'))).rejects.toThrow(RunLostError);
    open();
    await first;
    expect(await probe()).toEqual(['attempt of the second worker']);
    expect(await jobs.outcomes(id)).toEqual(['lost', 'succeeded']);
  });
});
