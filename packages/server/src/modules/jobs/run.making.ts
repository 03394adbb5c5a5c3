import type { Transaction } from 'kysely';
import { append } from '../../kernel/grouping.ts';
import { newId } from '../../kernel/ids.ts';
import type { Tables } from '../../platform/database/index.ts';
import type { TicketQueue } from '../../platform/jobs/index.ts';
import { JobGraph, turnOf } from './cycle.rules.ts';
import { deadlineOf } from './deadline.rules.ts';
import { edgesOf, findJobs, lockGraph, type Job } from './job.sql.ts';
import {
  askToStop,
  countRuns,
  endUntaken,
  findReusable,
  insertRuns,
  lastCycleOf,
  lockStates,
  openRunsOf,
  requeue,
  runsInCycle,
  type Delta,
  type NamedRun,
  type NewRun,
  type OpenRun,
  type Run,
  type RunTrigger,
} from './run.sql.ts';
import { eventOf, runEntry } from './run.view.ts';

/** A run that somebody, or a schedule, asks for. */
export interface Wanted {
  job: Job;
  trigger: RunTrigger;
  startedBy: string;
  dueAtMs: number;
  tickMs: number | null;
  priority: number;
  config: Record<string, unknown>;
  /** Takes over no earlier result. */
  fresh: boolean;
  /** Given: it is part of this cycle. */
  cycleId?: string;
}

type Entry = ReturnType<typeof runEntry>;

/** Runs of one job that wait, at most; those that were asked for one by one may be more. */
const WAITING_MAX = 1_000;
export const REQUESTED_MAX = 100_000;
/** How deep a chain of jobs may pass on that it was skipped in one transaction. */
const STEPS_MAX = 10_000;

/**
 * Makes runs, in one transaction, which it is made for: decides about overlap, cycles and results that can be taken over,
 * puts runs into the queue, and passes on to the jobs that come after what is over.
 */
export class RunMaker {
  readonly #tx: Transaction<Tables>;
  readonly #queue: TicketQueue;
  readonly #nowMs: number;
  #graph: JobGraph | null = null;
  #isGraphLocked = false;
  /** What the journal is to say of it. */
  readonly entries: Entry[] = [];
  /** Runs that were written and not yet handed back. */
  readonly #made: NamedRun[] = [];
  /** Runs that made room for newer ones, and were not yet passed on. */
  readonly #cancelled: NamedRun[] = [];

  constructor(tx: Transaction<Tables>, queue: TicketQueue, nowMs: number) {
    this.#tx = tx;
    this.#queue = queue;
    this.#nowMs = nowMs;
  }

  /** In the order in which they are given. */
  async make(wanted: readonly Wanted[]): Promise<NamedRun[]> {
    if (wanted.length === 0) return [];
    const graph = await this.lockGraphOf(wanted.map(({ job }) => job.id));
    // Whoever asks for a run gets it, whatever else is under way: that has no need to be decided by one at a time.
    const open = await this.#openRunsOf(wanted.filter(({ trigger }) => trigger !== 'request').map(({ job }) => job.id));
    const rows: NewRun[] = [];
    for (const one of wanted) {
      const row = await this.#plan(one, open, graph);
      rows.push(row);
      // Of a graph, each run may decide about the cycle of the next; a newer run may cancel an older one.
      const isLookedAt = graph.isConnected(one.job.id) || one.job.overlap === 'cancel';
      if (isLookedAt) await this.#write(rows.splice(0), wanted);
    }
    await this.#write(rows, wanted);
    const made = this.#made.splice(0);
    await this.passOn([...this.#cancelled.splice(0), ...made.filter(({ finished_at }) => finished_at !== null)]);
    return made;
  }

  async #write(rows: readonly NewRun[], wanted: readonly Wanted[]): Promise<void> {
    if (rows.length === 0) return;
    const names = new Map(wanted.map(({ job }) => [job.id, job.name]));
    const runs = (await insertRuns(this.#tx, rows, this.#nowMs)).map((run) => named(run, names));
    await this.#enqueue(runs);
    await countRuns(this.#tx, deltasOf(runs.filter(({ finished_at }) => finished_at !== null)));
    this.#tell(runs);
    this.#made.push(...runs);
  }

  /** What follows from runs being over: the jobs that waited for them. */
  async passOn(over: readonly NamedRun[]): Promise<void> {
    const graph = await this.lockGraphOf(over.map(({ job_id }) => job_id));
    const open = over.filter(({ job_id }) => graph.dependentsOf(job_id).length > 0);
    for (let steps = 0; open.length > 0 && steps < STEPS_MAX; steps += 1) {
      const { job_id, cycle_id } = open.shift() as NamedRun;
      for (const job of await findJobs(this.#tx, graph.dependentsOf(job_id))) {
        if (job.enabled) open.push(...(await this.#follow(job, cycle_id, graph)));
      }
    }
  }

  /** @returns runs that were over at once, for those that come after them */
  async #follow(job: Job, cycleId: string, graph: JobGraph): Promise<NamedRun[]> {
    const dependencies = graph.dependenciesOf(job.id);
    const ran = await runsInCycle(this.#tx, cycleId, [job.id, ...dependencies]);
    const statusOf = new Map(ran.map((run) => [run.job_id, run.status]));
    const turn = turnOf(
      dependencies.map((id) => statusOf.get(id)),
      job.after_failure,
    );
    if (turn === 'wait') return [];
    const own = ran.find((run) => run.job_id === job.id);
    if (own !== undefined) {
      // What was skipped because something failed runs after all, now that it was redriven.
      if (turn === 'run' && own.status === 'skipped' && own.reason === DEPENDENCY_FAILED)
        await this.requeue([{ id: own.id, job_name: job.name }]);
      return [];
    }
    const wanted = wantedBy(job, { trigger: 'dependency', startedBy: 'system:jobs', dueAtMs: this.#nowMs, cycleId });
    if (turn === 'run') {
      const open = await this.#openRunsOf([job.id]);
      await this.#write([await this.#plan(wanted, open, graph)], [wanted]);
    } else {
      const status = turn === 'skip' ? 'skipped' : 'held';
      await this.#write(
        [{ ...newRun(wanted, cycleId, this.#nowMs), status, ticketId: null, reason: DEPENDENCY_FAILED }],
        [wanted],
      );
    }
    const run = this.#made.pop();
    return [...this.#cancelled.splice(0), ...(run === undefined || run.finished_at === null ? [] : [run])];
  }

  /** Runs that are over or held wait again, as new. */
  async requeue(runs: readonly Pick<NamedRun, 'id' | 'job_name'>[]): Promise<NamedRun[]> {
    const nameOf = new Map(runs.map(({ id, job_name }) => [id, job_name]));
    const rows = runs.map(({ id }) => ({ id, ticketId: newId(this.#nowMs) }));
    const queued = await requeue(this.#tx, rows, this.#nowMs);
    const waiting = queued.map((run) => ({ ...run, job_name: nameOf.get(run.id) ?? '' }));
    await this.#enqueue(waiting);
    this.#tell(waiting);
    return waiting;
  }

  async #openRunsOf(jobIds: readonly string[]): Promise<Map<string, OpenRun[]>> {
    const open = new Map<string, OpenRun[]>();
    if (jobIds.length === 0) return open;
    const distinct = [...new Set(jobIds)];
    await lockStates(this.#tx, distinct);
    for (const run of await openRunsOf(this.#tx, distinct, WAITING_MAX)) append(open, run.job_id, run);
    return open;
  }

  async #plan(one: Wanted, openByJob: Map<string, OpenRun[]>, graph: JobGraph): Promise<NewRun> {
    const { job } = one;
    const run = newRun(one, one.cycleId ?? (await this.#cycleOf(one, graph)), this.#nowMs);
    if (job.cache_for_ms > 0 && !one.fresh) {
      const sinceMs = Math.max(this.#nowMs, one.dueAtMs) - job.cache_for_ms;
      const earlier = await findReusable(this.#tx, job.id, one.config, sinceMs);
      if (earlier !== undefined) {
        return { ...run, status: 'succeeded', ticketId: null, cachedFrom: earlier.id, result: earlier.result };
      }
    }
    const open = openByJob.get(job.id) ?? [];
    if (open.length >= WAITING_MAX) return skipped(run, 'queue_full');
    if (one.trigger !== 'request' && open.length >= job.concurrency) {
      if (job.overlap === 'skip') return skipped(run, 'overlap');
      if (job.overlap === 'cancel') await this.#cancel(job, open.splice(0, open.length - job.concurrency + 1));
    }
    append(openByJob, job.id, { ...OPEN, id: run.id, job_id: job.id, type: job.type, ticket_id: run.ticketId });
    return run;
  }

  /** Makes room for a newer run. */
  async #cancel(job: Job, runs: readonly OpenRun[]): Promise<void> {
    const ids = runs.map(({ id }) => id);
    const ended = (await endUntaken(this.#tx, ids, 'system:overlap', this.#nowMs)).map((run) => ({
      ...run,
      job_name: job.name,
    }));
    for (const { type, ticket_id } of runs.filter(({ id }) => ended.some((run) => run.id === id))) {
      if (ticket_id !== null) await this.#queue.withdraw(this.#tx, type, [ticket_id]);
    }
    await askToStop(this.#tx, ids, 'system:overlap');
    await countRuns(this.#tx, deltasOf(ended));
    this.#tell(ended);
    this.#cancelled.push(...ended);
  }

  /**
   * A run joins the last cycle of its graph, unless its job, or what comes after it, has had its turn there: then it opens
   * the next. So jobs that start a graph at different times of a night are of one cycle.
   *
   * One that somebody asks for out of its turn completes a cycle or opens one aside, which only its like join: else a job
   * that was run by hand at noon would be what the other ones of the next night are paired with, and so on every night.
   */
  async #cycleOf({ job, trigger }: Wanted, graph: JobGraph): Promise<string> {
    if (!graph.isConnected(job.id)) return newId(this.#nowMs);
    const hasTurn = job.schedule !== null || graph.dependenciesOf(job.id).length > 0;
    const jobIds = [...graph.graphOf(job.id)];
    for (const isAside of trigger === 'request' && hasTurn ? [false, true] : [false]) {
      const last = await lastCycleOf(this.#tx, jobIds, isAside);
      if (last === undefined) continue;
      const passed = await runsInCycle(this.#tx, last, [job.id, ...graph.descendantsOf(job.id)]);
      if (passed.length === 0) return last;
    }
    return newId(this.#nowMs);
  }

  async #enqueue(runs: readonly Run[]): Promise<void> {
    const tickets = runs.flatMap((run) => (run.ticket_id === null ? [] : [ticketOf(run, run.ticket_id)]));
    await this.#queue.send(this.#tx, tickets);
  }

  #tell(runs: readonly NamedRun[]): void {
    this.entries.push(...runs.map((run) => runEntry(eventOf(run), run)));
  }

  /** Held first by whoever will hold jobs whose place in the graph it does not know yet. */
  async lockAnyGraph(): Promise<void> {
    const edges = await edgesOf(this.#tx);
    await this.lockGraphOf(edges.slice(0, 1).map(({ job }) => job));
  }

  /** Who waits for whom, held where any of these jobs is part of it. */
  async lockGraphOf(jobIds: readonly string[]): Promise<JobGraph> {
    this.#graph ??= new JobGraph(await edgesOf(this.#tx));
    const graph = this.#graph;
    if (this.#isGraphLocked || !jobIds.some((id) => graph.isConnected(id))) return graph;
    await lockGraph(this.#tx);
    this.#isGraphLocked = true;
    this.#graph = new JobGraph(await edgesOf(this.#tx));
    return this.#graph;
  }
}

const DEPENDENCY_FAILED = 'dependency_failed';
const OPEN = { status: 'queued' } as const;

/** A run of a job as the job says. */
export function wantedBy(job: Job, asked: Pick<Wanted, 'trigger' | 'startedBy' | 'dueAtMs'> & Partial<Wanted>): Wanted {
  return { job, tickMs: null, priority: job.priority, config: job.config, fresh: false, ...asked };
}

/** A place in the queue for a run. */
export function ticketOf(run: Run, id: string) {
  return { id, queue: run.type, priority: run.priority, dueAtMs: run.due_at, group: run.job_id };
}

/** What runs that are over add to their jobs' counts. */
export function deltasOf(over: readonly Run[]): Map<string, Delta> {
  const deltas = new Map<string, Delta>();
  for (const { job_id, status } of over) {
    if (status === 'skipped') continue;
    const delta = deltas.get(job_id) ?? { runs: 0, succeeded: 0, failed: 0 };
    delta.runs += 1;
    if (status === 'succeeded') delta.succeeded += 1;
    if (status === 'failed') delta.failed += 1;
    deltas.set(job_id, delta);
  }
  return deltas;
}

function newRun(one: Wanted, cycleId: string, nowMs: number): NewRun {
  const { job } = one;
  return {
    id: newId(nowMs),
    jobId: job.id,
    type: job.type,
    cycleId,
    status: 'queued',
    priority: one.priority,
    trigger: one.trigger,
    startedBy: one.startedBy,
    tickMs: one.tickMs,
    config: one.config,
    attemptsMax: job.retries + 1,
    timeoutMs: job.timeout_ms,
    dueAtMs: one.dueAtMs,
    ticketId: newId(nowMs),
    deadlineMs: deadlineOf(job.must_finish_by, job.time_zone, one.dueAtMs),
    reason: null,
    cachedFrom: null,
    result: null,
  };
}

function skipped(run: NewRun, reason: 'overlap' | 'queue_full'): NewRun {
  return { ...run, status: 'skipped', ticketId: null, reason };
}

function named(run: Run, names: ReadonlyMap<string, string>): NamedRun {
  return { ...run, job_name: names.get(run.job_id) ?? '' };
}
