import type { Answer, CommandMeta } from '../kernel/command.ts';
import { Problem, problems } from '../kernel/problem.ts';
import { toDatabaseProblem } from '../platform/database/index.ts';

/** A chunk's answer is `{"succeeded":2,"results":[…]}`: its count is read without reading the results. */
const CHUNK_HEAD = /^\{"succeeded":(\d+),"results":\[/;

/** Commits one chunk. `offset` is the index of its first item in the whole request. */
type Commit<Item> = (chunk: Item[], offset: number, meta: CommandMeta) => Promise<Answer>;

/**
 * Many independent items, chunk by chunk: each is one commit with its slice of the results under the idempotency key, so
 * that a repeat goes on at the first chunk that is missing; other commands run in between.
 *
 * @throws Problem `outcome_unknown`, with the results so far, where a chunk is refused after others were committed, or
 *   the server ends
 */
export async function commitInChunks<Item>(chunks: Item[][], meta: CommandMeta, commit: Commit<Item>): Promise<Answer> {
  const slices: string[] = [];
  let succeeded = 0;
  let count = 0;
  let replayed = true;
  for (const [index, chunk] of chunks.entries()) {
    const idempotency = meta.idempotency === null ? null : { ...meta.idempotency, chunk: index };
    if (index > 0 && meta.hasTimeForMore?.() === false) throw brokenOff(serverEnds(), succeeded, slices);
    const answer = await commit(chunk, count, { ...meta, idempotency }).catch((error: unknown) => {
      throw index === 0 ? error : brokenOff(error, succeeded, slices);
    });
    const [head, chunkSucceeded] = CHUNK_HEAD.exec(answer.body ?? '') ?? [];
    if (head === undefined) throw new Error('a chunk was answered in another form');
    succeeded += Number(chunkSucceeded);
    count += chunk.length;
    slices.push((answer.body ?? '').slice(head.length, -2));
    replayed &&= answer.replayed === true;
  }
  const body = `{"succeeded":${succeeded},"failed":${count - succeeded},"results":[${slices.join(',')}]}`;
  return { status: 200, body, replayed };
}

function serverEnds(): Problem {
  return new Problem(problems.shuttingDown, 'This server ends, and another one serves.');
}

/** The refusal of one chunk says that nothing was done; of the whole request it would not be true. */
function brokenOff(error: unknown, succeeded: number, slices: readonly string[]): unknown {
  const problem = error instanceof Problem ? error : toDatabaseProblem(error);
  if (problem === null) return error;
  const results = JSON.parse(`[${slices.join(',')}]`) as unknown[];
  const detail = `The first ${results.length} items were dealt with, as results says; then: ${problem.detail} Repeat the request with the same Idempotency-Key to go on. Without one, send the items that are missing.`;
  return new Problem(problems.outcomeUnknown, detail, { succeeded, failed: results.length - succeeded, results });
}

/** Items in their order, so many a chunk. */
export function chunksOf<Item>(items: readonly Item[], most: number): Item[][] {
  const chunks: Item[][] = [];
  for (let from = 0; from < items.length; from += most) chunks.push(items.slice(from, from + most));
  return chunks;
}
