import type { Engine } from '../../engine/index.ts';
import type { TakenTicket, TicketQueue } from '../../platform/jobs/index.ts';
import {
  claimRuns,
  endAbandoned,
  insertAttempts,
  jobBounds,
  jobsOfTickets,
  lockClaims,
  type ClaimedRun,
} from './claim.sql.ts';
import { deltasOf, RunMaker } from './run.making.ts';
import { countRuns, lockStates } from './run.sql.ts';
import { runEntry } from './run.view.ts';
import type { TypeBook } from './type.book.ts';

/** A run that this worker holds, with the ticket that says so. */
export interface Held {
  run: ClaimedRun;
  ticket: TakenTicket;
}

interface ClaimDeps {
  engine: Engine;
  queue: TicketQueue;
  types: TypeBook;
}

const META = { actor: 'system:jobs', requestId: 'system:jobs', idempotency: null };
const ABANDONED_AT_ONCE = 100;

/**
 * Takes runs that are due: of higher priority first, then the oldest, as many as there is room for in the worker, the type
 * and the job. All of them in one transaction, so that many small runs cost little each.
 */
export async function claim({ engine, queue, types }: ClaimDeps, worker: string, max: number): Promise<Held[]> {
  let held: Held[] = [];
  if (!(await queue.hasReady(types.names))) return held;
  await engine.transact(META, async (tx, nowMs) => {
    held = [];
    if (!(await lockClaims(tx))) return NOTHING;
    const ready = await queue.ready(tx, types.names);
    if (ready.length === 0) return NOTHING;
    const boundOf = await jobBounds(tx, [...new Set(ready.map((one) => one.queue))]);
    const tickets: TakenTicket[] = [];
    for (const { queue: name, priority, taken } of ready) {
      const already = taken + tickets.filter((ticket) => ticket.queue === name).length;
      const room = Math.min(max - tickets.length, (types.bounds[name] ?? Infinity) - already);
      if (room > 0) tickets.push(...(await queue.take(tx, { queue: name, priority }, { max: room, boundOf })));
    }
    if (tickets.length === 0) return NOTHING;
    const runs = await claimRuns(
      tx,
      tickets.map(({ id }) => id),
      worker,
      nowMs,
    );
    await insertAttempts(tx, runs, worker, nowMs);
    const ticketOf = new Map(tickets.map((ticket) => [ticket.id, ticket]));
    held = runs.map((run) => {
      // Its type may have got members since the job was made.
      const config = types.withDefaults(run.type, run.config);
      return { run: { ...run, config }, ticket: ticketOf.get(run.ticket_id ?? '') as TakenTicket };
    });
    // Of runs that are gone, such as those of a job that was deleted.
    const stray = tickets.filter(({ id }) => !runs.some((run) => run.ticket_id === id));
    await queue.settle(tx, stray);
    return { status: 204, body: null, journal: runs.map((run) => runEntry('run.started', run)) };
  });
  return held;
}

/** Fails the runs whose workers have died each time. @returns how many there were */
export async function failAbandoned({ engine, queue }: Pick<ClaimDeps, 'engine' | 'queue'>): Promise<number> {
  let count = 0;
  if (!(await queue.hasAbandoned())) return count;
  await engine.transact(META, async (tx, nowMs) => {
    const tickets = await queue.takeAbandoned(tx, ABANDONED_AT_ONCE);
    count = tickets.length;
    if (count === 0) return NOTHING;
    const maker = new RunMaker(tx, queue, nowMs);
    const jobIds = await jobsOfTickets(tx, tickets);
    // As whoever makes or settles runs does: first the graph, then jobs, then runs.
    await maker.lockGraphOf(jobIds);
    await lockStates(tx, jobIds);
    const runs = await endAbandoned(tx, tickets, nowMs);
    await countRuns(tx, deltasOf(runs));
    await maker.passOn(runs);
    const journal = [...runs.map((run) => runEntry('run.failed', run)), ...maker.entries];
    return { status: 204, body: null, journal };
  });
  return count;
}

const NOTHING = { status: 204, body: null, journal: [] };
