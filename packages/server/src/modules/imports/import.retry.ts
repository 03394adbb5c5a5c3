import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '../../kernel/clock.ts';
import { Problem } from '../../kernel/problem.ts';
import { toDatabaseProblem } from '../../platform/database/index.ts';

const PAUSE_MS = 500;
const WITHIN_MS = 60_000;

/**
 * Does the work again while the database is away or busy, for a minute. Only for work that may be done twice: under an
 * idempotency key, or that looks first.
 *
 * @param signal aborted: it is not done again
 */
export async function withRetries<Value>(
  clock: Clock,
  signal: AbortSignal | undefined,
  work: () => Promise<Value>,
): Promise<Value> {
  const startedMs = clock.monotonic();
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!mayPass(error) || signal?.aborted === true || clock.monotonic() - startedMs > WITHIN_MS) throw error;
      await sleep(PAUSE_MS);
    }
  }
}

function mayPass(error: unknown): boolean {
  const problem = error instanceof Problem ? error : toDatabaseProblem(error);
  return problem?.status === 503;
}
