import type { Answer, CommandMeta } from '../kernel/command.ts';

/** A chunk's answer is `{"succeeded":2,"results":[…]}`: its count is read without reading the results. */
const CHUNK_HEAD = /^\{"succeeded":(\d+),"results":\[/;

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

/** Items in their order, so many a chunk. */
export function chunksOf<Item>(items: readonly Item[], most: number): Item[][] {
  const chunks: Item[][] = [];
  for (let from = 0; from < items.length; from += most) chunks.push(items.slice(from, from + most));
  return chunks;
}
