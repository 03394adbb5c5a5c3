import type { Engine } from '../../engine/index.ts';
import { systemClock } from '../../kernel/clock.ts';
import { Latch } from '../../kernel/latch.ts';
import type { Database } from '../../platform/database/index.ts';
import type { Routes } from '../../platform/http/index.ts';
import { TicketQueue, type JobType } from '../../platform/jobs/index.ts';
import { DutyReports } from './duty.reports.ts';
import { changingJobRoutes, lookingJobRoutes, readingJobRoutes } from './job.routes.ts';
import { JobScheduler } from './job.scheduler.ts';
import type { JobDeps } from './job.service.ts';
import { readingRunRoutes, runFileRoutes, startingRunRoutes, steeringRunRoutes } from './run.routes.ts';
import type { Ended, Ending } from './run.settling.ts';
import { RunWorker } from './run.worker.ts';
import { ensureSystemJobs } from './system.jobs.ts';
import { TypeBook } from './type.book.ts';

export { EVENT_RETENTION_JOB, EXPIRY_JOB, HOUSEKEEPING_JOB, ownJobTypes } from './own.types.ts';
export { RunSummarySchema } from './run.schema.ts';
export { countOpen, type OpenCounts } from './stats.sql.ts';

export interface JobsOptions {
  engine: Engine;
  database: Database;
  types: readonly JobType[];
  /** Who takes runs here, unlike any other worker. */
  worker: string;
  /** Runs at once, here; 0: they are left to other workers. */
  slots: number;
  /** Runs that are under way when it stops have so long. */
  drainMs: number;
  /** Tells the schedulers and workers of every instance, this one too, that there may be something to do. */
  announce: () => void;
  /** Added to the database's clock by the scheduler; for tests that travel in time. */
  timeShiftMs?: () => number;
  onEnded: (ended: EndedRun) => void;
  onError: (error: unknown) => void;
}

/** An attempt that ended here. */
export interface EndedRun {
  type: string;
  outcome: Ending['outcome'];
  /** From when it was due to its start, of a first attempt. */
  latenessMs: number | null;
  durationMs: number;
}

/** Jobs: their routes, the duty that makes runs, and the one that does them. */
export interface Jobs {
  routes: Routes;
  scheduler: JobScheduler;
  worker: RunWorker;
  duties: DutyReports;
  queue: TicketQueue;
  /** Looks at once. */
  wake(): void;
  /** The database is there. @param isDuty false: it answers requests, and does nothing by itself */
  start(isDuty: boolean): void;
  /** Once it was started: the queue and Holdfast's own jobs are there. */
  ready(): Promise<void>;
  stop(): Promise<void>;
}

const OPEN_AGAIN_MS = 1_000;

export function createJobs(options: JobsOptions): Jobs {
  const { engine, database, worker: name, slots, drainMs, announce, onEnded, onError } = options;
  const types = new TypeBook(options.types);
  const queue = new TicketQueue({ database, queues: types.names, onError });
  const deps: JobDeps = { engine, database, queue, types, changed: announce };
  const reading = { ...deps, clock: systemClock };
  const scheduler = new JobScheduler({
    engine,
    database,
    queue,
    onMade: announce,
    onError,
    ...(options.timeShiftMs === undefined ? {} : { timeShiftMs: options.timeShiftMs }),
  });
  const worker = new RunWorker({
    engine,
    database,
    queue,
    types,
    name,
    slots,
    drainMs,
    onError,
    onEnded: (ended) => onEnded(endedRun(ended)),
  });
  const duties = new DutyReports({ database, onError });
  const opener = new Opener(async () => {
    await queue.open();
    await ensureSystemJobs({ engine, types });
  }, onError);
  return {
    routes: (app) => {
      changingJobRoutes(app, deps);
      readingJobRoutes(app, reading);
      lookingJobRoutes(app, reading);
      startingRunRoutes(app, deps);
      steeringRunRoutes(app, deps);
      readingRunRoutes(app, reading);
      runFileRoutes(app, deps);
    },
    scheduler,
    worker,
    duties,
    queue,
    wake: () => {
      scheduler.wake();
      worker.wake();
    },
    start: (isDuty) => {
      opener.start(() => {
        if (!isDuty) return;
        scheduler.start();
        worker.start();
        duties.start();
      });
    },
    ready: () => opener.done,
    stop: async () => {
      await opener.stop();
      await scheduler.stop();
      await worker.stop();
      await duties.stop();
      await queue.close();
    },
  };
}

/** The database may go away the moment it has come: it is tried until it is done. */
class Opener {
  readonly #open: () => Promise<void>;
  readonly #onError: (error: unknown) => void;
  readonly #latch = new Latch();
  #opening: Promise<void> = Promise.resolve();
  #isStopped = false;

  constructor(open: () => Promise<void>, onError: (error: unknown) => void) {
    this.#open = open;
    this.#onError = onError;
  }

  get done(): Promise<void> {
    return this.#opening;
  }

  start(onOpen: () => void): void {
    this.#opening = this.#try(onOpen);
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#latch.set();
    await this.#opening;
  }

  async #try(onOpen: () => void): Promise<void> {
    while (!this.#isStopped) {
      try {
        await this.#open();
        if (!this.#isStopped) onOpen();
        return;
      } catch (error) {
        this.#onError(error);
        await this.#latch.wait(OPEN_AGAIN_MS);
      }
    }
  }
}

function endedRun({ held: { run }, ending, endedMs }: Ended): EndedRun {
  const startedMs = run.attempt_started_at ?? run.due_at;
  return {
    type: run.type,
    outcome: ending.outcome,
    latenessMs: run.attempt === 1 && !run.was_running ? Math.max(0, startedMs - run.due_at) : null,
    durationMs: Math.max(0, endedMs - startedMs),
  };
}
