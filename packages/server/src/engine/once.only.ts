import type { Answer, CommandMeta } from '../kernel/command.ts';
import type { Engine } from './stock.engine.ts';
import type { Work } from './transact.ts';

const NOT_YET = new Error('not answered yet');

/**
 * A command with a part that no transaction can hold: that is done only where its key has no answer yet.
 *
 * @param prepare does that part, and answers what is left for the transaction
 */
export async function onceOnly(
  engine: Pick<Engine, 'transact'>,
  meta: CommandMeta,
  prepare: () => Promise<Work>,
): Promise<Answer> {
  if (meta.idempotency !== null) {
    try {
      return await engine.transact(meta, () => Promise.reject(NOT_YET));
    } catch (error) {
      if (error !== NOT_YET) throw error;
    }
  }
  return engine.transact(meta, await prepare());
}
