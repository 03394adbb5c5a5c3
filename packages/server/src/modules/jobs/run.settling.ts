import type { Engine } from '../../engine/index.ts';
import { newId } from '../../kernel/ids.ts';
import type { Random } from '../../kernel/random.ts';
import type { TicketQueue } from '../../platform/jobs/index.ts';
import { askedToStop, settleRuns, type SettledRun, type Settlement } from './claim.sql.ts';
import { backoffMs, type Backoff } from './job.rules.ts';
import type { Held } from './run.claiming.ts';
import { deltasOf, RunMaker, ticketOf } from './run.making.ts';
import { countRuns, lockStates, type RunFault } from './run.sql.ts';
import { eventOf, runEntry } from './run.view.ts';
import { isRefused, refusalOf, writeByHalves } from './write.halves.ts';

/** How an attempt came to its end. */
export type Ending =
  | { outcome: 'succeeded'; result: unknown }
  | { outcome: 'failed'; fault: RunFault; isPermanent: boolean; retryAfterMs?: number | undefined }
  | { outcome: 'timed_out'; fault: RunFault }
  | { outcome: 'cancelled' }
  | { outcome: 'handed_over' };

export interface Ended {
  held: Held;
  ending: Ending;
  /** When it did, by the worker's clock. */
  endedMs: number;
}

const META = { actor: 'system:jobs', requestId: 'system:jobs', idempotency: null };

interface SettleDeps {
  engine: Engine;
  queue: TicketQueue;
  random: Random;
  /** Told of endings that are written, of runs that were still the worker's. */
  onWritten?: (ended: Ended) => void;
  /** Told of endings that are refused, which hold up no others. */
  onError?: (error: unknown) => void;
}

/**
 * Writes how attempts have ended, many in one transaction: what is over, what waits for another attempt, what follows in
 * the graph. A run that another worker has taken up meanwhile stays as it is. One whose ending the database refuses has
 * failed.
 */
export async function settle(deps: SettleDeps, ended: readonly Ended[]): Promise<void> {
  const { onError = () => undefined } = deps;
  await writeByHalves(
    ended,
    (some) => settleTogether(deps, some),
    async (one, error) => {
      onError(error);
      try {
        await settleTogether(deps, [{ ...one, ending: endingRefused(error) }]);
      } catch (again) {
        if (!isRefused(again)) throw again;
        // Nothing can be written of it: the queue misses its holder, and in the end gives it up.
        onError(again);
      }
    },
  );
}

function endingRefused(error: unknown): Ending {
  const message = `Its end could not be written: ${refusalOf(error)}.`;
  return { outcome: 'failed', fault: { code: 'permanent', message }, isPermanent: true };
}

async function settleTogether(deps: SettleDeps, ended: readonly Ended[]): Promise<void> {
  const { engine, queue, random, onWritten = () => undefined } = deps;
  let written: Ended[] = [];
  await engine.transact(META, async (tx, nowMs) => {
    const maker = new RunMaker(tx, queue, nowMs);
    const jobIds = [...new Set(ended.map(({ held }) => held.run.job_id))];
    await maker.lockGraphOf(jobIds);
    // As whoever makes runs does: first the graph, then jobs, then runs.
    await lockStates(tx, jobIds);
    const unwanted = await askedToStop(
      tx,
      ended.map(({ held }) => held.run.id),
    );
    const settlements = ended.map((one) => {
      const settlement = settlementOf(one, nowMs, random);
      return unwanted.has(one.held.run.id) ? withoutNext(settlement) : settlement;
    });
    const settled = await settleRuns(tx, settlements, nowMs);
    const ours = new Set(settled.map(({ id }) => id));
    written = ended.filter(({ held }) => ours.has(held.run.id));
    await queue.settle(
      tx,
      written.map(({ held }) => held.ticket),
    );
    const again = settled.flatMap((run) => (run.ticket_id === null ? [] : [ticketOf(run, run.ticket_id)]));
    await queue.send(tx, again);
    const over = settled.filter(({ finished_at }) => finished_at !== null);
    await countRuns(tx, deltasOf(over));
    await maker.passOn(over);
    const journal = [...settled.flatMap((run) => entriesOf(run, nowMs)), ...maker.entries];
    return { status: 204, body: null, journal };
  });
  written.forEach(onWritten);
}

/** Nobody may have looked at its deadline between that and its end. */
function entriesOf(run: SettledRun, nowMs: number) {
  const isPassed = run.deadline !== null && run.finished_at !== null && nowMs >= run.deadline;
  const isUntold = isPassed && run.deadline_state === 'missed' && run.deadline_state_before !== 'missed';
  return [...(isUntold ? [runEntry('run.deadline_missed', run)] : []), runEntry(eventOf(run), run)];
}

function settlementOf({ held: { run }, ending }: Ended, nowMs: number, random: Random): Settlement {
  const base = { id: run.id, fence: run.fence, outcome: ending.outcome, result: null, error: null, next: null };
  switch (ending.outcome) {
    case 'succeeded':
      return { ...base, status: 'succeeded', result: ending.result };
    case 'cancelled':
      return { ...base, status: 'cancelled' };
    case 'handed_over':
      return { ...base, status: 'queued', next: { ticketId: newId(nowMs), dueAtMs: run.due_at } };
    default: {
      const { fault } = ending;
      const isLast = run.attempt >= run.attempts_max || (ending.outcome === 'failed' && ending.isPermanent);
      if (isLast) return { ...base, status: 'failed', error: fault };
      const asked = ending.outcome === 'failed' ? (ending.retryAfterMs ?? 0) : 0;
      const delayMs = Math.max(asked, backoffMs(run.backoff as Backoff, run.attempt, random()));
      return { ...base, status: 'retrying', error: fault, next: { ticketId: newId(nowMs), dueAtMs: nowMs + delayMs } };
    }
  }
}

/** Told to stop, and not in time for the attempt to hear of it: there is no other, be it only in an hour. */
function withoutNext(settlement: Settlement): Settlement {
  if (settlement.next === null) return settlement;
  const outcome = settlement.outcome === 'handed_over' ? 'cancelled' : settlement.outcome;
  return { ...settlement, status: 'cancelled', outcome, next: null };
}
