import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type pg from 'pg';
import { ApiClient, bodyOf, NoAnswer } from './api.client.ts';
import { checkInvariants, type Fault } from './checker.ts';
import { makeDatabase, numberOf, type PostgresServer, type TestDatabase, withClient } from './database.ts';
import { inParallel } from './fleet.ts';
import { type Holdfast, type HoldfastProcess, runHoldfast, startHoldfast, startWorker } from './holdfast.ts';
import { type AskedRun, checkRuns, type GoneWorker, rescuesOf, seeRuns, type SeenRuns } from './jobs.checks.ts';
import { type Random, seededRandom } from './random.ts';
import { faultUnless, lastLinesOf, type Report } from './scenario.ts';
import { openShop } from './shop.ts';

export interface JobsOptions {
  postgres: PostgresServer;
  /** Each adds one unit of a product, by a type of a user. */
  runs: number;
  /** kill -9 of workers, spread over the runs. */
  kills: number;
  /** Processes that do nothing but work. */
  workers: number;
  /** Runs at once in each of them. */
  slots: number;
  /** Runs at once in the server, which is killed as the workers are; 0: it has none, and lives. */
  serverSlots: number;
  seed: number;
  onKill?: (pid: number, finished: number) => void;
}

/** What any of these does: one unit of a product. A busy process sheds calls: they are repeated under the same key. */
const ADD_UNIT = `
const rest = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const ms = { type: 'integer', minimum: 0, default: 0, description: 'Milliseconds.' };
export default {
  name: 'add_unit', title: 'Add a unit', description: 'Adds one unit of a product.',
  config: {
    type: 'object', required: ['sku'],
    properties: { sku: { type: 'string', description: 'The product.' }, beforeMs: ms, afterMs: ms },
  },
  async run({ config: { sku, beforeMs, afterMs }, runId, call, log }) {
    await rest(beforeMs);
    const reference = { type: 'run', id: runId };
    const body = { location: 'LOC-1', type: 'add', quantity: 1, reference };
    const ask = () => call('POST', '/inventory/' + sku + '/adjust', body, { key: 'unit' });
    let answer = await ask();
    for (; answer.status === 503; answer = await ask()) await rest(200);
    if (answer.status >= 300) throw new Error(answer.status + ' ' + answer.body.code);
    log('info', 'one unit of ' + sku);
    await rest(afterMs);
    return { sku };
  },
};`;

const SKUS = 8;
/** Of a run in the load, before and after its effect. */
const WORK_MAX_MS = 40;
/** Much longer than a worker that is told to stop lets its runs go on, which is 5.5 s. */
const LONG_MS = 12_000;
/** Long enough to be caught in the middle of. */
const CAUGHT_MS = 3_000;
const STOPPED_WITHIN_MS = 10_000;
const OVER_WITHIN_MS = 120_000;
const CAUGHT_WITHIN_MS = 60_000;
const ASKED_AT_ONCE = 8;
const LINES_EACH = 8;

/** Workers are killed, one is frozen in mid-run until others have its runs, and one is told to stop in mid-run. */
export async function killWorkers(options: JobsOptions): Promise<Report> {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-torture-types-'));
  const database = await makeDatabase(options.postgres);
  try {
    await writeFile(join(directory, 'add_unit.mjs'), ADD_UNIT);
    return await withClient(database.connection, async (client) => {
      const ground = await Ground.open(options, { database, directory, client });
      try {
        return await ground.run();
      } finally {
        await ground.close();
      }
    });
  } finally {
    await database.drop();
    await rm(directory, { recursive: true, force: true });
  }
}

interface Surroundings {
  database: TestDatabase;
  directory: string;
  client: pg.Client;
}

/** A server and its workers, what was asked of them and what was done to them. */
class Ground {
  readonly #options: JobsOptions;
  readonly #surroundings: Surroundings;
  readonly #random: Random;
  readonly #api: ApiClient;
  readonly #asked: AskedRun[] = [];
  readonly #gone: GoneWorker[] = [];
  readonly #faults: Fault[] = [];
  readonly #skus = Array.from({ length: SKUS }, (_, index) => `SKU-${index + 1}`);
  #server: Holdfast;
  #workers: HoldfastProcess[] = [];
  readonly #started: HoldfastProcess[] = [];
  #jobs: string[] = [];

  static async open(options: JobsOptions, surroundings: Surroundings): Promise<Ground> {
    return new Ground(options, surroundings, await startHoldfast(serverEnv(options, surroundings)));
  }

  private constructor(options: JobsOptions, surroundings: Surroundings, server: Holdfast) {
    this.#options = options;
    this.#surroundings = surroundings;
    this.#random = seededRandom(options.seed);
    this.#server = server;
    this.#api = new ApiClient(() => this.#server.address);
  }

  async run(): Promise<Report> {
    await openShop(this.#api, SKUS, 1, 0);
    for (const sku of this.#skus) {
      const backoff = { kind: 'fixed', delayMs: 100, maxDelayMs: 100 };
      const body = {
        name: `Add ${sku}`,
        type: 'add_unit',
        config: { sku },
        concurrency: 100,
        timeoutMs: 60_000,
        backoff,
      };
      this.#jobs.push(String((await this.#api.must({ method: 'POST', path: '/api/v1/jobs', body }))['id']));
    }
    this.#workers = await Promise.all(Array.from({ length: this.#options.workers }, () => this.#startWorker()));
    const [frozen, stopped] = await this.#catchTwo();
    const freezing = this.#keepFrozen(frozen);
    const stopping = this.#stop(stopped);
    const startedMs = Date.now();
    const asking = inParallel(this.#options.runs, ASKED_AT_ONCE, (index) => this.#ask(index));
    await this.#killOneByOne();
    await Promise.all([asking, freezing, stopping]);
    await this.#allOver();
    const tookMs = Date.now() - startedMs;
    return this.#judge(tookMs);
  }

  async close(): Promise<void> {
    this.#api.close();
    await Promise.all([...this.#workers, this.#server].map((one) => one.stop()));
  }

  async #startWorker(): Promise<HoldfastProcess> {
    const { slots } = this.#options;
    const worker = await startWorker({
      ...serverEnv(this.#options, this.#surroundings),
      HOLDFAST_JOB_SLOTS: String(slots),
    });
    this.#started.push(worker);
    return worker;
  }

  /** Asks until it is told; the server may be killed meanwhile. */
  async #ask(index: number, times?: { beforeMs: number; afterMs: number }): Promise<void> {
    const job = index % SKUS;
    const { beforeMs, afterMs } = times ?? {
      beforeMs: this.#random.below(WORK_MAX_MS),
      afterMs: this.#random.below(WORK_MAX_MS),
    };
    const path = `/api/v1/jobs/${this.#jobs[job]}/run`;
    const key = `run-${index}-${beforeMs}-${this.#options.seed}`;
    for (;;) {
      try {
        const answer = await this.#api.call({ method: 'POST', path, body: { config: { beforeMs, afterMs } }, key });
        if (answer.status === 202) {
          this.#asked.push({ id: String(bodyOf(answer)['id']), sku: this.#skus[job] ?? '' });
          return;
        }
        if (answer.status < 500) throw new Error(`${path}: ${answer.status} ${answer.text}`);
      } catch (error) {
        if (!(error instanceof NoAnswer)) throw error;
      }
      await delay(100);
    }
  }

  /** Freezes one worker in the middle of a short run, and finds another in the middle of a long one. */
  async #catchTwo(): Promise<[HoldfastProcess, HoldfastProcess]> {
    const untilMs = Date.now() + CAUGHT_WITHIN_MS;
    for (let turn = 0; Date.now() < untilMs; turn += 1) {
      await this.#ask(-2 * turn - 2 + 1_000_000 * SKUS, { beforeMs: CAUGHT_MS, afterMs: 0 });
      await this.#ask(-2 * turn - 1 + 1_000_000 * SKUS, { beforeMs: LONG_MS, afterMs: 0 });
      await delay(200);
      const frozen = await this.#workersAt(CAUGHT_MS);
      const stopped = await this.#workersAt(LONG_MS);
      for (const first of frozen) {
        const second = stopped.find((one) => one !== first);
        if (second === undefined) continue;
        first.signal('SIGSTOP');
        // Its run may have ended since it was looked for.
        if ((await this.#runsOf(first)) > 0) return [first, second];
        first.signal('SIGCONT');
      }
    }
    throw new Error('no two workers took runs');
  }

  async #workersAt(beforeMs: number): Promise<HoldfastProcess[]> {
    const { rows } = await this.#surroundings.client.query<{ pid: number }>(
      `SELECT split_part(worker, ':', -2)::int AS pid FROM run
       WHERE status = 'running' AND config ->> 'beforeMs' = $1 AND attempt_started_at > clock_timestamp() - interval '2 s'`,
      [String(beforeMs)],
    );
    const pids = new Set(rows.map(({ pid }) => pid));
    return this.#workers.filter(({ pid }) => pids.has(pid));
  }

  #runsOf({ pid }: HoldfastProcess): Promise<number> {
    const had = `SELECT count(*) FROM run WHERE status = 'running' AND split_part(worker, ':', -2)::int = $1`;
    return numberOf(this.#surroundings.client, had, [pid]);
  }

  /** Stands still until others have taken all that it had; then it may try to write. */
  async #keepFrozen(worker: HoldfastProcess): Promise<void> {
    this.#workers = this.#workers.filter((one) => one !== worker);
    this.#gone.push({ pid: worker.pid, how: 'frozen', atMs: Date.now() });
    const untilMs = Date.now() + OVER_WITHIN_MS;
    while ((await this.#runsOf(worker)) > 0 && Date.now() < untilMs) await delay(100);
    worker.signal('SIGCONT');
    this.#workers.push(worker);
  }

  /** SIGTERM in the middle of a run that is longer than it waits. */
  async #stop(worker: HoldfastProcess): Promise<void> {
    this.#workers = this.#workers.filter((one) => one !== worker);
    const atMs = Date.now();
    this.#gone.push({ pid: worker.pid, how: 'stopped', atMs });
    const code = await worker.stop();
    const tookMs = Date.now() - atMs;
    this.#faults.push(
      ...faultUnless(code === 0, 'SIGTERM ends a worker with 0', { code, tookMs }),
      ...faultUnless(tookMs < STOPPED_WITHIN_MS, 'SIGTERM ends a worker within 10 s', tookMs),
    );
    this.#workers.push(await this.#startWorker());
  }

  /** One after each share of the runs, and then at any moment. */
  async #killOneByOne(): Promise<void> {
    const { kills, runs, serverSlots, onKill } = this.#options;
    for (let kill = 0; kill < kills; kill += 1) {
      while ((await this.#finished()) < (runs * (kill + 0.5)) / (kills + 0.5)) await delay(20);
      await delay(this.#random.below(200));
      const killsServer = serverSlots > 0 && kill % 3 === 1;
      const victim = killsServer ? this.#server : this.#random.pick(this.#workers);
      onKill?.(victim.pid, await this.#finished());
      this.#gone.push({ pid: victim.pid, how: 'killed', atMs: Date.now() });
      await victim.kill();
      if (killsServer) this.#server = await startHoldfast(serverEnv(this.#options, this.#surroundings));
      else this.#workers[this.#workers.indexOf(victim)] = await this.#startWorker();
    }
  }

  #finished(): Promise<number> {
    return numberOf(this.#surroundings.client, `SELECT sum(run_count) FROM job_state`);
  }

  async #allOver(): Promise<void> {
    const open = `SELECT count(*) FROM run WHERE finished_at IS NULL AND type = 'add_unit'`;
    const untilMs = Date.now() + OVER_WITHIN_MS;
    while ((await numberOf(this.#surroundings.client, open)) > 0 && Date.now() < untilMs) await delay(50);
  }

  async #judge(tookMs: number): Promise<Report> {
    const { client, database } = this.#surroundings;
    // What they still wanted to write is written or refused.
    const codes = await Promise.all(this.#workers.splice(0).map((one) => one.stop()));
    const seen = await seeRuns(client, this.#api, this.#skus);
    const verified = await runHoldfast(['verify'], { DATABASE_URL: database.url });
    const ends = endsOf(seen);
    return {
      faults: [
        ...this.#faults,
        ...checkRuns(this.#asked, seen, this.#gone),
        ...(await checkInvariants(client)),
        ...faultUnless(
          codes.every((code) => code === 0),
          'workers without work stop with 0',
          codes,
        ),
        ...faultUnless(verified.code === 0, 'holdfast verify is clean', verified.output),
        ...faultUnless((ends['lost'] ?? 0) > 0, 'kills met runs, or they prove nothing'),
        ...faultUnless((ends['handed_over'] ?? 0) > 0, 'the stopped worker had runs, or it proves nothing'),
      ],
      log: [this.#server, ...this.#started].flatMap((one) => lastLinesOf(one.output()).slice(-LINES_EACH)),
      facts: {
        runs: this.#asked.length,
        kills: this.#gone.filter(({ how }) => how === 'killed').length,
        seconds: Math.round(tookMs / 1_000),
        runsPerSecond: Math.round((this.#asked.length * 1_000) / tookMs),
        ...ends,
        worstRescueMs: Math.round(Math.max(0, ...rescuesOf(seen, this.#gone).map(({ afterMs }) => afterMs))),
      },
    };
  }
}

function endsOf({ attempts }: SeenRuns): Record<string, number> {
  const ends: Record<string, number> = {};
  for (const { outcome } of attempts) ends[outcome ?? 'open'] = (ends[outcome ?? 'open'] ?? 0) + 1;
  return ends;
}

function serverEnv({ serverSlots }: JobsOptions, { database, directory }: Surroundings): Record<string, string> {
  return { DATABASE_URL: database.url, HOLDFAST_JOB_TYPES: directory, HOLDFAST_JOB_SLOTS: String(serverSlots) };
}
