import type { Answer } from '../kernel/command.ts';
import { Problem, problems } from '../kernel/problem.ts';
import type { Routed } from './batch.choice.ts';
import type { Outcome } from './decide.ts';
import { touchOf, weightOf } from './footprint.ts';
import type { Asked } from './stock.command.ts';

/** A command of which somebody awaits the answer. */
export interface Pending extends Asked, Routed {
  /** Its place in the order of arrival. */
  place: number;
  /** By then it is answered, on the monotonic clock. */
  deadlineMs: number;
  resolve: (answer: Answer) => void;
  reject: (error: unknown) => void;
}

/** "An answer within 5 s": a moment is left for the way back. */
export const ANSWER_WITHIN_MS = 4_300;
const ATTEMPTS_MAX = 40;
/** So long a command that needs no locks waits for levels that others of this process have locked. */
const PATIENCE_MS = 25;

/**
 * @param place in the order of arrival
 * @param knownAt see {@link Routed}
 */
export function pendingOf(
  { command, meta }: Asked,
  place: number,
  knownAt: number | null,
  { resolve, reject }: Pick<Pending, 'resolve' | 'reject'>,
): Pending {
  const { holds, asks } = touchOf(command);
  const deadlineMs = performance.now() + ANSWER_WITHIN_MS;
  const weight = weightOf(command);
  return { command, meta, place, weight, holds, asks, deadlineMs, attempts: 0, knownAt, resolve, reject };
}

/** Levels that are locked here without a pause would keep who knows them waiting: it gets in line for the locks. */
export function endPatience(queue: readonly Pending[], isFree: (pending: Pending) => boolean): void {
  const cameBeforeMs = performance.now() - PATIENCE_MS;
  for (const pending of queue) {
    if (pending.deadlineMs - ANSWER_WITHIN_MS > cameBeforeMs) return;
    if (pending.knownAt !== null && !isFree(pending)) pending.knownAt = null;
  }
}

/** Turns away who has waited too long or too often; nothing of theirs was done. */
export function stillInTime(batch: Pending[], problem = databaseAway, marginMs = 50): Pending[] {
  const nowMs = performance.now();
  return batch.filter((pending) => {
    if (pending.deadlineMs > nowMs + marginMs && pending.attempts < ATTEMPTS_MAX) return true;
    pending.reject(problem());
    return false;
  });
}

/**
 * Those who go to the side lane, of commands whose levels are held. A sweep does not: it comes again, and would stand in
 * line by the hundred before those who want to sell.
 */
export function patientOf(aside: Pending[]): Pending[] {
  for (const pending of aside) pending.attempts = 0;
  return aside.filter(({ command, reject }) => {
    if (command.kind !== 'expire') return true;
    reject(levelBusy());
    return false;
  });
}

export function answerAll(batch: Pending[], outcomes: Outcome[]): void {
  for (const [index, pending] of batch.entries()) {
    const outcome = outcomes[index];
    if (outcome === undefined) pending.reject(new Error('a command was not decided'));
    else if ('answer' in outcome) pending.resolve(outcome.answer);
    else pending.reject(outcome.problem);
  }
}

function databaseAway(): Problem {
  return new Problem(problems.databaseUnavailable, 'The database is away. Nothing was changed; try again shortly.');
}

export function levelBusy(): Problem {
  return new Problem(problems.levelBusy, 'Another writer holds this stock. Nothing was changed; try again shortly.');
}
