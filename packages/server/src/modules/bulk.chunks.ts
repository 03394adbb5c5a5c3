import type { Answer, CommandMeta } from '../kernel/command.ts';

/** What a chunk's answer is a list of; the rest of it is not looked at. */
interface Result {
  ok: boolean;
}

/** Commits one chunk. `offset` is the index of its first item in the whole request. */
type Commit<Item> = (chunk: Item[], offset: number, meta: CommandMeta) => Promise<Answer>;

/**
 * Many independent items, chunk by chunk: each is one commit with its slice of the results under the idempotency key, so
 * that a repeat goes on at the first chunk that is missing; other commands run in between.
 */
export async function commitInChunks<Item>(chunks: Item[][], meta: CommandMeta, commit: Commit<Item>): Promise<Answer> {
  const slices: string[] = [];
  let succeeded = 0;
  let count = 0;
  let replayed = true;
  for (const [index, chunk] of chunks.entries()) {
    const idempotency = meta.idempotency === null ? null : { ...meta.idempotency, chunk: index };
    const answer = await commit(chunk, count, { ...meta, idempotency });
    const slice = answer.body ?? '[]';
    succeeded += (JSON.parse(slice) as Result[]).filter(({ ok }) => ok).length;
    count += chunk.length;
    if (slice.length > 2) slices.push(slice.slice(1, -1));
    replayed &&= answer.replayed === true;
  }
  const body = `{"succeeded":${succeeded},"failed":${count - succeeded},"results":[${slices.join(',')}]}`;
  return { status: 200, body, replayed };
}

/** Items in their order, so many a chunk. */
export function chunksOf<Item>(items: readonly Item[], most: number): Item[][] {
  const chunks: Item[][] = [];
  for (let from = 0; from < items.length; from += most) chunks.push(items.slice(from, from + most));
  return chunks;
}
