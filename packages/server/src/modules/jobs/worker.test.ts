import pg from 'pg';
import { createHash } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { PermanentError, RunLostError, type RunContext } from '../../platform/jobs/index.ts';
import { startJobsApp, workType, type JobsApp, type Work } from './jobs.fixture.ts';
import { claim, type Held } from './run.claiming.ts';
import { settle } from './run.settling.ts';
import { RunWorker, type RunWorkerOptions } from './run.worker.ts';
import { TypeBook } from './type.book.ts';

type Context = RunContext<{ name: string }>;

const works = new Map<string, Work>();
const NARROW = 4;
const TYPES = [workType(works), workType(works, { name: 'narrow', concurrency: NARROW })];
const AT_ONCE = { kind: 'fixed', delayMs: 0, maxDelayMs: 0 };

let jobs: JobsApp;
let workers: RunWorker[];
let count = 0;

beforeAll(async () => {
  jobs = await startJobsApp({ jobTypes: TYPES });
  await sql('CREATE TABLE probe (note text); GRANT ALL ON probe TO PUBLIC');
});
afterAll(() => jobs.close());
beforeEach(async () => {
  workers = [];
  await sql('DELETE FROM probe; DELETE FROM holdfast_queue.job_common');
});
afterEach(() => Promise.all(workers.map((worker) => worker.stop())));

/** As the owner of the schema. */
async function sql<Row extends pg.QueryResultRow>(text: string, values: unknown[] = []): Promise<Row[]> {
  const client = new pg.Client(jobs.connection);
  await client.connect();
  try {
    return (await client.query<Row>(values.length === 0 ? text : { text, values })).rows;
  } finally {
    await client.end();
  }
}

function workerOf(more: Partial<RunWorkerOptions> = {}): RunWorker {
  const worker = new RunWorker({
    ...deps(),
    database: jobs.database,
    name: `test:${(count += 1)}:aa`,
    slots: 10,
    graceMs: 30,
    drainMs: 0,
    pollMs: 10,
    ...more,
  });
  workers.push(worker);
  return worker;
}

function deps() {
  const { engine, jobs: own } = jobs.server;
  return { engine, queue: own.queue, types: new TypeBook(TYPES) };
}

/** A job whose runs do this. */
async function jobOf(work: Work, more: Record<string, unknown> = {}): Promise<string> {
  const name = `job ${(count += 1)}`;
  works.set(name, work);
  const { id } = await jobs.create({ name, config: { name }, backoff: AT_ONCE, ...more });
  return id;
}

async function runOf(work: Work, more: Record<string, unknown> = {}): Promise<string> {
  return (await jobs.run(await jobOf(work, more))).id;
}

/** Work that begins, and goes on until it is let. */
function gate(): { work: Work; begun: Promise<Context>; contexts: Context[]; open: (result?: unknown) => void } {
  let open: (result?: unknown) => void = () => undefined;
  let begin: (context: Context) => void = () => undefined;
  const opened = new Promise<unknown>((resolve) => (open = resolve));
  const begun = new Promise<Context>((resolve) => (begin = resolve));
  const contexts: Context[] = [];
  const work: Work = (context) => {
    contexts.push(context);
    begin(context);
    return opened;
  };
  return { work, begun, contexts, open };
}

/** Nobody has said for long that it is alive; the queue looks, and looks now. */
async function missHolders(): Promise<void> {
  await sql(
    `UPDATE holdfast_queue.job_common SET heartbeat_on = heartbeat_on - interval '11 s' WHERE state = 'active'`,
  );
  await lookForDead();
}

async function lookForDead(): Promise<void> {
  await sql('UPDATE holdfast_queue.queue SET monitor_on = NULL, monitor_claim_on = NULL');
  await jobs.server.jobs.queue.supervise();
}

const outcomes = async (id: string): Promise<unknown[]> => (await jobs.read(id)).attempts.map(({ outcome }) => outcome);
const probe = async (): Promise<string[]> =>
  (await sql<{ note: string }>('SELECT note FROM probe')).map((row) => row.note);
const note =
  (text: string) =>
  async (tx: Parameters<Parameters<Context['once']>[1]>[0]): Promise<string> => {
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
    const id = await runOf(stubborn, { timeoutMs: 100, retries: 0 });
    const worker = workerOf();
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
    const id = await runOf(heeding, { timeoutMs: 100, retries: 1 });
    const worker = workerOf({ graceMs: 60_000 });
    await worker.runOnce();
    expect(await jobs.read(id)).toMatchObject({ status: 'retrying', attempt: 1 });
    await worker.runOnce();
    expect(await jobs.read(id)).toMatchObject({ status: 'succeeded', attempt: 2, result: 'in time' });
    expect(await outcomes(id)).toEqual(['timed_out', 'succeeded']);
  });
});

describe('a run that is cancelled', () => {
  it('while it waits is never taken', async () => {
    const work = vi.fn<Work>(() => Promise.resolve(null));
    const id = await runOf(work);
    expect(await jobs.request('POST', `/runs/${id}/cancel`)).toMatchObject({
      status: 200,
      body: { status: 'cancelled' },
    });
    expect(await workerOf().runOnce()).toBe(0);
    expect(work).not.toHaveBeenCalled();
    expect(await jobs.read(id)).toMatchObject({ status: 'cancelled', attempt: 0, attempts: [] });
    expect(await sql('SELECT state FROM holdfast_queue.job_common')).toEqual([{ state: 'cancelled' }]);
  });

  it('while it runs is stopped, and not tried again', async () => {
    const { work, begun, open } = gate();
    const id = await runOf(work, { retries: 3 });
    const worker = workerOf();
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
    expect(await outcomes(id)).toEqual(['cancelled']);
    expect(await workerOf().runOnce()).toBe(0);
    expect(await jobs.request('POST', `/runs/${id}/cancel`)).toMatchObject({
      status: 409,
      body: { code: 'run_is_over' },
    });
  });
});

describe('once', () => {
  it('happens once over attempts that fail, and gives what it gave', async () => {
    const given: unknown[] = [];
    const id = await runOf(async ({ once, attempt }) => {
      given.push(await once('first', note(`first of attempt ${attempt}`)));
      const twice = [once('both', note(`both of attempt ${attempt}`)), once('both', note('the other'))];
      given.push(new Set(await Promise.all(twice)).size);
      if (attempt < 3) throw new Error('behind its effects');
      return 'done';
    });
    const worker = workerOf();
    while ((await worker.runOnce()) > 0);
    expect(await outcomes(id)).toEqual(['failed', 'failed', 'succeeded']);
    expect(given).toEqual(['first of attempt 1', 1, 'first of attempt 1', 1, 'first of attempt 1', 1]);
    expect((await probe()).map((text) => text.replace('the other', 'both of attempt 1'))).toEqual([
      'first of attempt 1',
      'both of attempt 1',
    ]);
  });

  it('that fails has no effect, and happens in the next attempt', async () => {
    await runOf(({ once, attempt }) =>
      once('key', async (tx) => {
        await note(`attempt ${attempt}`)(tx);
        if (attempt === 1) throw new Error('in the middle');
      }),
    );
    const worker = workerOf();
    while ((await worker.runOnce()) > 0);
    expect(await probe()).toEqual(['attempt 2']);
  });

  it('is refused once another worker has the run, and that one does it', async () => {
    const { work, begun, open, contexts } = gate();
    const id = await runOf(async (context) => {
      if (contexts.length === 0) await work(context);
      return context.once('key', note(`attempt of ${contexts.length === 1 ? 'the second' : 'the first'} worker`));
    });
    const first = workerOf().runOnce();
    const context = await begun;
    await missHolders();
    expect(await workerOf().runOnce()).toBe(1);
    await expect(context.once('other', note('of one that has lost its run'))).rejects.toThrow(RunLostError);
    open();
    await first;
    expect(await probe()).toEqual(['attempt of the second worker']);
    expect(await outcomes(id)).toEqual(['lost', 'succeeded']);
  });
});

describe('a worker that says nothing', () => {
  it('loses its run to another, without an attempt of it being used up, and writes nothing over it', async () => {
    const { work, begun, open, contexts } = gate();
    const id = await runOf((context) => (contexts.length === 0 ? work(context) : Promise.resolve('of the second')), {
      retries: 0,
    });
    const frozen = workerOf();
    const first = frozen.runOnce();
    await begun;
    await missHolders();
    expect(await workerOf().runOnce()).toBe(1);
    open('of the first');
    await first;
    expect(await jobs.read(id)).toMatchObject({ status: 'succeeded', result: 'of the second', attempt: 1 });
    expect(await outcomes(id)).toEqual(['lost', 'succeeded']);
    expect(frozen.busy).toBe(0);
  });

  it('and wakes lets go of what is no longer its own', async () => {
    const { work, begun, open } = gate();
    await runOf(work);
    const frozen = workerOf();
    const first = frozen.runOnce();
    const { signal } = await begun;
    await missHolders();
    const [held] = await claim(deps(), 'another', 1);
    await frozen.tend();
    expect(signal.reason).toBeInstanceOf(RunLostError);
    await first;
    open();
    await settle({ ...deps(), random: Math.random }, [{ held: held as Held, ending: { outcome: 'cancelled' } }]);
  });

  it('keeps its run where it does say that it is alive', async () => {
    const { work, begun, open } = gate();
    const id = await runOf(work);
    const worker = workerOf();
    const done = worker.runOnce();
    await begun;
    await sql(
      `UPDATE holdfast_queue.job_common SET heartbeat_on = heartbeat_on - interval '11 s' WHERE state = 'active'`,
    );
    await worker.tend();
    await lookForDead();
    expect(await workerOf().runOnce()).toBe(0);
    open('mine');
    await done;
    expect(await outcomes(id)).toEqual(['succeeded']);
  });

  it('may take its own run again: what it did before is left behind', async () => {
    const gates = [gate(), gate()] as const;
    let attempts = 0;
    const id = await runOf((context) => gates[attempts++ === 0 ? 0 : 1].work(context));
    const worker = workerOf();
    worker.start();
    worker.wake();
    const { signal } = await gates[0].begun;
    await missHolders();
    worker.wake();
    const second = await gates[1].begun;
    expect(signal.reason).toBeInstanceOf(RunLostError);
    expect(worker.busy).toBe(1);
    gates[0].open('of the first');
    await worker.tend();
    expect(second.signal.aborted).toBe(false);
    expect(worker.busy).toBe(1);
    gates[1].open('of the second');
    await vi.waitUntil(async () => (await jobs.read(id)).status === 'succeeded');
    expect(await jobs.read(id)).toMatchObject({ result: 'of the second', attempt: 1 });
    expect(await outcomes(id)).toEqual(['lost', 'succeeded']);
  });

  it('six times over fails the run as worker_lost; it can be redriven', async () => {
    const id = await runOf(() => Promise.resolve('at last'), { retries: 0 });
    for (let death = 1; death <= 6; death += 1) {
      const held = await claim(deps(), `dead ${death}`, 10);
      expect(held.map(({ run }) => [run.id, run.attempt])).toEqual([[id, 1]]);
      await missHolders();
    }
    expect(await claim(deps(), 'a seventh', 10)).toEqual([]);
    await jobs.server.jobs.scheduler.tend();
    expect(await jobs.read(id)).toMatchObject({ status: 'failed', worker: null, error: { code: 'worker_lost' } });
    expect(await outcomes(id)).toEqual(Array.from({ length: 6 }, () => 'lost'));
    expect(await jobs.request('POST', `/runs/${id}/redrive`)).toMatchObject({ status: 200 });
    await workerOf().runOnce();
    expect(await jobs.read(id)).toMatchObject({ status: 'succeeded', result: 'at last' });
  });

  it('for its own stop hands over what does not end, and uses up no attempt', async () => {
    const { work, begun, open } = gate();
    const id = await runOf(work, { retries: 0 });
    const worker = workerOf();
    worker.start();
    const { signal } = await begun;
    await worker.stop();
    expect(signal.reason).toEqual(new Error('The worker is stopping.'));
    expect(await jobs.read(id)).toMatchObject({ status: 'queued', attempt: 0 });
    open('by the other');
    await workerOf().runOnce();
    expect(await jobs.read(id)).toMatchObject({ status: 'succeeded', attempt: 1, result: 'by the other' });
    expect(await outcomes(id)).toEqual(['handed_over', 'succeeded']);
  });
});

describe('a run that fails while its worker stops', () => {
  it('is handed over; one that would fail again fails', async () => {
    const gates = [gate(), gate()] as const;
    const failing = await runOf((context) => gates[0].work(context).then(() => Promise.reject(new Error('no API'))), {
      retries: 0,
    });
    const permanent = await runOf((context) =>
      gates[1].work(context).then(() => Promise.reject(new PermanentError('for good'))),
    );
    const worker = workerOf({ drainMs: 20_000 });
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
    const job = await jobOf(({ runId }) => Promise.resolve(done.push(runId)), { concurrency: 100 });
    const ids = (await Promise.all(Array.from({ length: 60 }, () => jobs.run(job)))).map(({ id }) => id);
    const crew = Array.from({ length: 4 }, () => workerOf({ slots: 5 }));
    for (let left = 1; left > 0;) {
      left = (await Promise.all(crew.map((worker) => worker.runOnce()))).reduce((sum, taken) => sum + taken, 0);
    }
    expect(done.toSorted()).toEqual(ids.toSorted());
  });

  it('that claim at the same time never pass the bounds of a job or of a type, and reach them', async () => {
    const work: Work = () => Promise.resolve(null);
    const wide = await jobOf(work, { concurrency: 3 });
    const single = await jobOf(work);
    const narrow = [
      await jobOf(work, { type: 'narrow', concurrency: 3 }),
      await jobOf(work, { type: 'narrow', concurrency: 3 }),
    ];
    for (const job of [wide, single, ...narrow]) await Promise.all(Array.from({ length: 9 }, () => jobs.run(job)));
    const held: Held[] = [];
    const claimAtOnce = async (): Promise<void> => {
      const taken = await Promise.all(['a', 'b', 'c', 'd'].map((name) => claim(deps(), `claims ${name}`, 10)));
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
        .map((one) => ({ held: one, ending: { outcome: 'succeeded', result: null } as const }));
      await settle({ ...deps(), random: Math.random }, ended);
    }
    while ((await workerOf().runOnce()) > 0);
  });

  it('take what is more important first, and what has waited long before it', async () => {
    const order: string[] = [];
    const job = await jobOf(({ runId }) => Promise.resolve(order.push(runId)), { concurrency: 100 });
    const ask = async (priority: string): Promise<string> => (await jobs.run(job, { priority })).id;
    const [low, normal, high, critical] = [
      await ask('low'),
      await ask('normal'),
      await ask('high'),
      await ask('critical'),
    ];
    const worker = workerOf({ slots: 1 });
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

describe('a run that fails', () => {
  it('waits as its backoff says, or as long as it was told', async () => {
    const asked = [undefined, undefined, undefined, 60_000];
    const work: Work = ({ attempt }) =>
      attempt === 5
        ? Promise.resolve(null)
        : Promise.reject(Object.assign(new Error('no'), { retryAfterMs: asked[attempt - 1] }));
    const backoff = { kind: 'exponential', delayMs: 1_000, maxDelayMs: 3_000 };
    const id = await runOf(work, { backoff, retries: 4 });
    const longest = workerOf({ random: () => 1 });
    const waits: number[] = [];
    while ((await longest.runOnce()) > 0) {
      const { attempts, dueAt, status } = await jobs.read(id);
      if (status !== 'retrying') break;
      waits.push(Date.parse(dueAt) - Date.parse(attempts.at(-1)?.finishedAt ?? ''));
      expect(await longest.runOnce()).toBe(0);
      await sql(
        `UPDATE holdfast_queue.job_common SET start_after = clock_timestamp() WHERE data ->> 'ticket' IN
        (SELECT ticket_id::text FROM run WHERE id = $1)`,
        [id],
      );
    }
    expect(waits).toEqual([1_000, 2_000, 3_000, 60_000]);
    expect(await jobs.read(id)).toMatchObject({ status: 'succeeded', attempt: 5 });
  });
});

describe('the log of a run', () => {
  it('has every line, be one on its way when the run ends', async () => {
    const { work, begun, open } = gate();
    const id = await runOf(work);
    const worker = workerOf();
    worker.start();
    const { log } = await begun;
    const lock = new pg.Client(jobs.connection);
    await lock.connect();
    await lock.query('BEGIN');
    await lock.query('SELECT FROM run WHERE id = $1 FOR UPDATE', [id]);
    log('info', 'on its way');
    await vi.waitUntil(async () => (await waitingForLocks()) > 0, { timeout: 5_000 });
    open();
    await lock.query('ROLLBACK');
    await lock.end();
    await vi.waitUntil(async () => (await jobs.read(id)).status === 'succeeded', { timeout: 5_000 });
    expect(await jobs.read(id)).toMatchObject({ logLines: 1 });
  });
});

async function waitingForLocks(): Promise<number> {
  const waiting = `SELECT count(*)::int AS count FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`;
  return (await sql<{ count: number }>(waiting))[0]?.count ?? 0;
}

describe('what the database cannot keep', () => {
  it('is replaced in a result, and those that end with it are written', async () => {
    const other = await runOf(() => Promise.resolve('other'));
    const id = await runOf(() => Promise.resolve({ 'a\0': ['b\0', 'c\ud800', '\\u0000', 1, null, { d: true }] }));
    await workerOf().runOnce();
    expect(await jobs.read(id)).toMatchObject({
      status: 'succeeded',
      result: { 'a\ufffd': ['b\ufffd', 'c\ufffd', '\\u0000', 1, null, { d: true }] },
    });
    expect(await jobs.read(other)).toMatchObject({ status: 'succeeded', result: 'other' });
  });

  it('is replaced in messages, where they are cut, too', async () => {
    const id = await runOf(
      ({ progress, log }) => {
        progress(10, `${'p'.repeat(498)}😀 and more`);
        log('info', `${'l'.repeat(1_998)}😀 and more`);
        return Promise.reject(new Error(`${'e'.repeat(1_998)}😀 and more`));
      },
      { retries: 0 },
    );
    await workerOf().runOnce();
    expect(await jobs.read(id)).toMatchObject({
      status: 'failed',
      message: `${'p'.repeat(498)}\ufffd…`,
      error: { message: `${'e'.repeat(1_998)}\ufffd…` },
    });
  });
});

describe('files of a run', () => {
  it('are as they were written last, however large', async () => {
    const bytes = Buffer.alloc(3 * 1_048_576, 'thirty-one bytes, so no boundary');
    const pieces = function* (): Generator<Buffer> {
      for (let at = 0; at < bytes.length; at += 100_001) yield bytes.subarray(at, at + 100_001);
    };
    const id = await runOf(async ({ writeFile, attempt }) => {
      await writeFile({ name: 'report.txt', mediaType: 'text/plain' }, [`attempt ${attempt}, `, 'ä'.repeat(attempt)]);
      await writeFile(
        { name: 'large.bin', mediaType: 'application/octet-stream' },
        attempt === 1 ? ['small'] : pieces(),
      );
      if (attempt === 1) throw new Error('behind its files');
    });
    const worker = workerOf();
    await worker.runOnce();
    const fetch = async (name: string) => jobs.app.inject({ url: `/api/v1/runs/${id}/files/${name}` });
    expect((await fetch('report.txt')).body).toBe('attempt 1, ä');
    expect((await fetch('large.bin')).body).toBe('small');
    await worker.runOnce();
    expect((await jobs.read(id)).files).toEqual([
      { name: 'large.bin', mediaType: 'application/octet-stream', size: bytes.length },
      { name: 'report.txt', mediaType: 'text/plain', size: 15 },
    ]);
    expect((await fetch('report.txt')).body).toBe('attempt 2, ää');
    const large = await fetch('large.bin');
    expect(large.headers['content-type']).toBe('application/octet-stream');
    expect(sha256(large.rawPayload)).toBe(sha256(bytes));
    const kept = await sql<{ pieces: number; fences: number }>(
      `SELECT count(*)::int AS pieces, count(DISTINCT fence)::int AS fences FROM run_file_piece WHERE run_id = $1 AND name = 'large.bin'`,
      [id],
    );
    expect(kept).toEqual([{ pieces: 12, fences: 1 }]);
  });

  it('of an attempt that has lost its run are refused', async () => {
    const { work, begun, open, contexts } = gate();
    const id = await runOf(async (context) => {
      if (contexts.length === 0) await work(context);
      else await context.writeFile({ name: 'whose.txt', mediaType: 'text/plain' }, ['of the second']);
    });
    const first = workerOf().runOnce();
    const context = await begun;
    await missHolders();
    await workerOf().runOnce();
    const late = context.writeFile({ name: 'whose.txt', mediaType: 'text/plain' }, ['of the first']);
    await expect(late).rejects.toThrow(RunLostError);
    open();
    await first;
    expect((await jobs.app.inject({ url: `/api/v1/runs/${id}/files/whose.txt` })).body).toBe('of the second');
  });
});

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
