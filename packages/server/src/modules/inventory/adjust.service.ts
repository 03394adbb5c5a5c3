import type { AdjustRequest, Engine } from '../../engine/index.ts';
import type { Answer, CommandMeta } from '../../kernel/command.ts';
import { validationFailed, type FieldError } from '../../kernel/problem.ts';
import { chunksOf, commitInChunks } from '../bulk.chunks.ts';
import { ATOMIC_MAX, type AdjustBody, type AdjustmentsBody } from './adjust.schema.ts';

/** Items of one commit, at most. */
const CHUNK_MAX = 500;

/** Which type each movement goes with. */
const TYPE_OF_MOVEMENT = {
  adjustment: null,
  receipt: 'add',
  return: 'add',
  damage: 'subtract',
  theft: 'subtract',
  spoilage: 'subtract',
  count: 'set',
} as const satisfies Record<NonNullable<AdjustBody['movement']>, AdjustBody['type'] | null>;

export async function adjust(engine: Engine, sku: string, body: AdjustBody, meta: CommandMeta): Promise<Answer> {
  const errors = contradictions(body, '');
  if (errors.length > 0) throw validationFailed(errors);
  return engine.submit({ kind: 'adjust', request: { sku, ...body } }, meta);
}

/** Many at once: `atomic` in one commit, else chunk by chunk, each item on its own. */
export async function adjustMany(engine: Engine, body: AdjustmentsBody, meta: CommandMeta): Promise<Answer> {
  const { adjustments, atomic = false } = body;
  const errors = adjustments.flatMap((item, index) => contradictions(item, `/adjustments/${index}`));
  if (atomic && adjustments.length > ATOMIC_MAX) {
    errors.push({ path: '/adjustments', message: `must have at most ${ATOMIC_MAX} items to be atomic` });
  }
  if (errors.length > 0) throw validationFailed(errors.slice(0, 100));
  const chunks: AdjustRequest[][] = atomic ? [adjustments] : chunksOf(adjustments, CHUNK_MAX);
  return commitInChunks(chunks, meta, (requests, offset, chunkMeta) =>
    engine.submit({ kind: 'adjustMany', requests, atomic, offset }, chunkMeta),
  );
}

/** What the shape alone cannot say. */
function contradictions({ type, quantity, movement = 'adjustment' }: AdjustBody, at: string): FieldError[] {
  const errors: FieldError[] = [];
  const needed = TYPE_OF_MOVEMENT[movement];
  if (needed !== null && needed !== type) {
    errors.push({ path: `${at}/movement`, message: `${movement} goes with type ${needed}` });
  }
  if (type !== 'set' && quantity < 1) errors.push({ path: `${at}/quantity`, message: `must be at least 1 to ${type}` });
  return errors;
}
