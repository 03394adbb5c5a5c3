import type { Transaction } from 'kysely';
import type { Engine } from '../../engine/index.ts';
import { systemClock, type Clock } from '../../kernel/clock.ts';
import { Latch } from '../../kernel/latch.ts';
import type { Database, Tables } from '../../platform/database/index.ts';
import type { TicketQueue } from '../../platform/jobs/index.ts';
import { racingRuns, raiseWaiting, setDeadlineStates, whoWaits } from './claim.sql.ts';
import { deadlineOutlook } from './deadline.rules.ts';
import { lockAllDue, lockDueJobs, nextDue, setNextDue } from './due.sql.ts';
import { findJobs, type Job } from './job.sql.ts';
import { failAbandoned } from './run.claiming.ts';
import { RunMaker, wantedBy, type Wanted } from './run.making.ts';
import { firedTicks } from './run.sql.ts';
import { runEntry } from './run.view.ts';
import { ScheduleError } from './schedule.error.ts';
import { readStored } from './schedule.rules.ts';
import { ticksOf } from './tick.rules.ts';

export interface JobSchedulerOptions {
  engine: Engine;
  database: Database;
  queue: TicketQueue;
  clock?: Clock;
  /** It looks at least so often. */
  pollMs?: number;
  /** Added to the database's clock; for tests that travel in time. */
  timeShiftMs?: () => number;
  /** Runs were made. */
  onMade?: () => void;
  onError?: (error: unknown) => void;
}

export interface ScheduleReport {
  /** Runs that were made. */
  made: number;
  /** There may be more that is due: look again at once. */
  more: boolean;
}

const META = { actor: 'system:jobs', requestId: 'system:jobs', idempotency: null };
const JOBS_AT_ONCE = 250;
/** What many jobs have missed together is caught up with in several transactions, none of which may take long. */
const RUNS_AT_ONCE = 250;
const TEND_EVERY_MS = 5_000;
/** A run that has waited so long rises by one priority, and again after as long. */
export const RAISE_AFTER_MS = 300_000;
const RAISED_AT_ONCE = 500;
const RACING_AT_ONCE = 500;
const AFTER_ERROR_MS = 1_000;
const OTHERS_AT_IT_MS = 50;
/** Another instance may read it, and somebody may set another: then it is still on time. */
const UNREADABLE_AGAIN_MS = 5_000;
/** A clock that goes back by more was wrong before; by less, what was fired is waited for (Vixie's cron has the same). */
const SET_BACK_MS = 3 * 3_600_000;

/**
 * Makes runs of the jobs whose time has come, and looks after those that wait: they rise by waiting, and are told of when
 * they will miss their deadline. Any number of instances may run one: a tick fires once.
 */
export class JobScheduler {
  readonly #options: Required<JobSchedulerOptions>;
  readonly #latch = new Latch();
  #running: Promise<void> = Promise.resolve();
  #isStopped = false;
  #tendedMs = -Infinity;
  /** The latest that the database's clock has shown. */
  #latestMs = 0;
  /** Jobs whose schedules cannot be read here, with the version that is known of. */
  readonly #unreadable = new Map<string, { version: number; untilMs: number }>();

  constructor(options: JobSchedulerOptions) {
    this.#options = {
      clock: systemClock,
      pollMs: 500,
      timeShiftMs: () => 0,
      onMade: () => undefined,
      onError: () => undefined,
      ...options,
    };
  }

  /** Fires what is due by the database's clock. */
  async runOnce(): Promise<ScheduleReport> {
    const { engine, queue, timeShiftMs, onMade } = this.#options;
    let report: ScheduleReport = { made: 0, more: false };
    let unreadable: Unreadable[] = [];
    let seenMs = 0;
    await engine.transact(META, async (tx, databaseMs) => {
      unreadable = [];
      const nowMs = databaseMs + timeShiftMs();
      const maker = new RunMaker(tx, queue, nowMs);
      await maker.lockAnyGraph();
      if (this.#isSetBack(nowMs)) await reckonAnew(tx, nowMs);
      seenMs = nowMs;
      const due = await lockDueJobs(tx, nowMs, { max: JOBS_AT_ONCE, except: this.#passedOver() });
      if (due.length === 0) {
        report = { made: 0, more: false };
        return { status: 204, body: null, journal: [] };
      }
      const ids = due.map(({ id }) => id);
      const jobs = new Map((await findJobs(tx, ids)).map((job) => [job.id, job]));
      const fired: Fired[] = [];
      let room = RUNS_AT_ONCE;
      for (const { id, nextAtMs } of due) {
        if (room === 0) break;
        const job = jobs.get(id) as Job;
        const one = firedBy(job, nextAtMs, nowMs, room);
        if (one instanceof ScheduleError) {
          unreadable.push({ job, error: one });
          continue;
        }
        fired.push(one);
        room -= one.wanted.length;
      }
      const ticks = fired.flatMap(({ wanted }) => wanted);
      const made = await maker.make(await withoutRuns(tx, ticks));
      await setNextDue(tx, fired);
      report = { made: made.length, more: room === 0 || due.length === JOBS_AT_ONCE };
      return { status: 204, body: null, journal: maker.entries };
    });
    this.#latestMs = seenMs;
    for (const one of unreadable) this.#passOver(one);
    if (report.made > 0) onMade();
    return report;
  }

  #isSetBack(nowMs: number): boolean {
    return nowMs < this.#latestMs - SET_BACK_MS;
  }

  /** It stays due, for whoever can read it, and holds up no others. */
  #passOver({ job: { id, name, version }, error }: Unreadable): void {
    const { clock, onError } = this.#options;
    const isNew = this.#unreadable.get(id)?.version !== version;
    this.#unreadable.set(id, { version, untilMs: clock.monotonic() + UNREADABLE_AGAIN_MS });
    if (isNew) onError(new Error(`the job ${JSON.stringify(name)} does not fire: ${error.message}`));
  }

  #passedOver(): string[] {
    const nowMs = this.#options.clock.monotonic();
    return [...this.#unreadable].flatMap(([id, { untilMs }]) => (untilMs > nowMs ? [id] : []));
  }

  /** Looks after the runs that wait. */
  async tend(): Promise<void> {
    const { engine, database, queue } = this.#options;
    await failAbandoned({ engine, queue });
    const { some_rise, some_race } = await whoWaits(database.kysely, RAISE_AFTER_MS);
    if (some_rise) await this.raise();
    if (some_race) await this.watchDeadlines();
  }

  /** So that nothing waits for ever behind what is more important. */
  async raise(afterMs = RAISE_AFTER_MS): Promise<void> {
    const { engine, queue } = this.#options;
    await engine.transact(META, async (tx) => {
      for (const { type, ticket_id, priority } of await raiseWaiting(tx, afterMs, RAISED_AT_ONCE)) {
        await queue.raise(tx, type, ticket_id, priority);
      }
      return { status: 204, body: null, journal: [] };
    });
  }

  async watchDeadlines(): Promise<void> {
    await this.#options.engine.transact(META, async (tx, nowMs) => {
      const changed = (await racingRuns(tx, RACING_AT_ONCE)).flatMap((run) => {
        const racing = {
          deadlineMs: run.deadline,
          beginsAtMs: run.begins_at,
          percent: run.percent,
          usualMs: run.usual_ms,
        };
        const state = deadlineOutlook(racing, nowMs);
        return state === run.deadline_state ? [] : [{ id: run.id, state }];
      });
      if (changed.length === 0) return { status: 204, body: null, journal: [] };
      const journal = (await setDeadlineStates(tx, changed)).flatMap((run) =>
        run.deadline_state === 'at_risk' || run.deadline_state === 'missed'
          ? [runEntry(`run.deadline_${run.deadline_state}`, run)]
          : [],
      );
      return { status: 204, body: null, journal };
    });
  }

  start(): void {
    this.#running = this.#run();
  }

  /** A job was made or changed: its time may come sooner. */
  wake(): void {
    this.#latch.set();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#latch.set();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { clock, onError } = this.#options;
    while (!this.#isStopped) {
      let restMs = AFTER_ERROR_MS;
      try {
        restMs = await this.#fire();
        if (clock.monotonic() - this.#tendedMs >= TEND_EVERY_MS) {
          this.#tendedMs = clock.monotonic();
          await this.tend();
        }
      } catch (error) {
        onError(error);
      }
      if (!this.#isStopped) await this.#latch.wait(restMs);
    }
  }

  /**
   * Fires all that is due. A look comes first, which writes nothing: most looks find nothing.
   *
   * @returns how long to rest: until the next job is due, but no longer than a poll, since others may make jobs, too
   */
  async #fire(): Promise<number> {
    const { database, timeShiftMs, pollMs } = this.#options;
    for (;;) {
      const due = await nextDue(database.kysely, this.#passedOver());
      if (due === undefined) return pollMs;
      const nowMs = due.now + timeShiftMs();
      if (due.next_at > nowMs && !this.#isSetBack(nowMs)) {
        this.#latestMs = Math.max(this.#latestMs, nowMs);
        return Math.min(pollMs, Math.ceil(due.next_at - nowMs));
      }
      // What is due and not to be had is another instance's, which is at it.
      const { made, more } = await this.runOnce();
      if (this.#isStopped || (made === 0 && !more)) return OTHERS_AT_IT_MS;
    }
  }
}

type Tick = Wanted & { tickMs: number };

interface Fired {
  id: string;
  nextAtMs: number | null;
  wanted: Tick[];
}

/**
 * The database's clock was far ahead for a while, and jobs have fired by it: they would wait until that time has come.
 * Ticks that were fired then have their runs, and make no others.
 */
async function reckonAnew(tx: Transaction<Tables>, nowMs: number): Promise<void> {
  const due = await lockAllDue(tx);
  const jobs = new Map(
    (
      await findJobs(
        tx,
        due.map(({ id }) => id),
      )
    ).map((job) => [job.id, job]),
  );
  const sooner = due.flatMap(({ id, nextAtMs }) => {
    const { schedule, time_zone } = jobs.get(id) as Job;
    const stored = schedule === null ? null : readStored(schedule, time_zone);
    const next = stored === null || stored instanceof ScheduleError ? null : stored.next(nowMs);
    return next === null || next >= nextAtMs ? [] : [{ id, nextAtMs: next }];
  });
  await setNextDue(tx, sooner);
}

interface Unreadable {
  job: Job;
  error: ScheduleError;
}

/** Those that have none yet: what was fired before is passed over, and makes no room for itself. */
async function withoutRuns(tx: Transaction<Tables>, wanted: readonly Tick[]): Promise<Tick[]> {
  const fired = await firedTicks(
    tx,
    wanted.map(({ job, tickMs }) => ({ jobId: job.id, tickMs })),
  );
  return wanted.filter(({ job, tickMs }) => !fired.some(({ job_id, tick }) => job_id === job.id && tick === tickMs));
}

/** The runs that are to be made of a job whose time has come, and when it comes next: at once, where there are more. */
function firedBy(job: Job, nextAtMs: number, nowMs: number, room: number): Fired | ScheduleError {
  if (job.schedule === null || !job.enabled) return { id: job.id, nextAtMs: null, wanted: [] };
  const schedule = readStored(job.schedule, job.time_zone);
  if (schedule instanceof ScheduleError) return schedule;
  const policy = { catchUp: job.catch_up, catchUpMax: job.catch_up_max };
  const ticks = ticksOf(schedule, nextAtMs, nowMs, policy);
  const wanted = ticks.slice(0, room).map(({ atMs, isLate }) => {
    const trigger = isLate ? 'catch_up' : 'schedule';
    return { ...wantedBy(job, { trigger, startedBy: META.actor, dueAtMs: atMs }), tickMs: atMs };
  });
  return { id: job.id, nextAtMs: ticks[room]?.atMs ?? schedule.next(nowMs), wanted };
}
