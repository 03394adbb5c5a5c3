import { toRfc3339 } from '../../kernel/clock.ts';
import { Problem, type ProblemKind } from '../../kernel/problem.ts';

export const eventProblems = {
  positionGone: { code: 'position_gone', status: 410, title: 'The stream does not have this position' },
} as const satisfies Record<string, ProblemKind>;

/** Why a live connection is not made, or ends. */
export const liveProblems = {
  tooManyConnections: {
    code: 'too_many_connections',
    status: 503,
    title: 'This instance has as many live connections as it takes',
    headers: { 'retry-after': '5' },
  },
  tooManyOfCaller: {
    code: 'too_many_of_caller',
    status: 429,
    title: 'The caller has as many live connections as one may have',
    headers: { 'retry-after': '5' },
  },
  upgradeRequired: {
    code: 'upgrade_required',
    status: 426,
    title: 'This route speaks WebSocket',
    // Without `close`, Node would keep the connection of a caller that asked for its end.
    headers: { upgrade: 'websocket', connection: 'Upgrade, close' },
  },
  tooManyMessages: { code: 'too_many_messages', status: 429, title: 'The client says too much' },
  slowReader: { code: 'slow_reader', status: 503, title: 'The reader takes events more slowly than they come' },
} as const satisfies Record<string, ProblemKind>;

export function positionGone(after: number, forgotten: number): Problem {
  return new Problem(
    eventProblems.positionGone,
    `Events up to position ${forgotten} are kept no longer, and ${after} was asked for. Read the present state anew, then follow the stream from now on.`,
    { earliest: forgotten },
  );
}

/** Of another database, or of this one before it was put back to an earlier state: what follows would be nothing of theirs. */
export function positionUnknown(after: number, { head, forgotten }: { head: number; forgotten: number }): Problem {
  return new Problem(
    eventProblems.positionGone,
    `The stream ends at position ${head}, and ${after} was asked for, which it never gave. Read the present state anew, then follow the stream from now on.`,
    { earliest: forgotten },
  );
}

export function instantGone(firstMs: number, forgotten: number): Problem {
  return new Problem(
    eventProblems.positionGone,
    `The stream is kept from ${toRfc3339(firstMs)} on. Take a later instant, or read the present state anew.`,
    { earliest: forgotten },
  );
}
