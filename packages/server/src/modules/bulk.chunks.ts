import type { Command, Engine } from '../engine/index.ts';
import type { Answer, CommandMeta } from '../kernel/command.ts';

/** What a chunk's answer is a list of; the rest of it is not looked at. */
interface Result {
  ok: boolean;
}

/**
 * Many independent items, chunk by chunk: each is one commit with its slice of the answer under the idempotency key, so
 * that a repeat goes on at the first chunk that is missing; other commands run in between.
 */
export async function submitInChunks<Item>(
  engine: Engine,
  chunks: Item[][],
  meta: CommandMeta,
  toCommand: (chunk: Item[], offset: number) => Command,
): Promise<Answer> {
  const slices: string[] = [];
  let succeeded = 0;
  let count = 0;
  let replayed = true;
  for (const [index, chunk] of chunks.entries()) {
    const idempotency = meta.idempotency === null ? null : { ...meta.idempotency, chunk: index };
    const answer = await engine.submit(toCommand(chunk, count), { ...meta, idempotency });
    const slice = answer.body ?? '[]';
    succeeded += (JSON.parse(slice) as Result[]).filter(({ ok }) => ok).length;
    count += chunk.length;
    if (slice.length > 2) slices.push(slice.slice(1, -1));
    replayed &&= answer.replayed === true;
  }
  const body = `{"succeeded":${succeeded},"failed":${count - succeeded},"results":[${slices.join(',')}]}`;
  return { status: 200, body, replayed };
}
