import { failureCode, isConflict } from '../../platform/database/index.ts';

/**
 * Writes all at once; what the database refuses so it is given by halves, down to those that it refuses by themselves. Of a
 * hundred, one bad one costs about fourteen more transactions, and holds up none of the others.
 *
 * @param onRefused what becomes of one that is refused by itself
 * @throws what is the fault of none of them, such as a lost connection: some may be written by then
 */
export async function writeByHalves<Item>(
  items: readonly Item[],
  write: (some: readonly Item[]) => Promise<void>,
  onRefused: (item: Item, error: unknown) => Promise<void>,
): Promise<void> {
  try {
    await write(items);
  } catch (error) {
    if (!isRefused(error)) throw error;
    const [first] = items;
    if (items.length === 1 && first !== undefined) return onRefused(first, error);
    const middle = Math.ceil(items.length / 2);
    await writeByHalves(items.slice(0, middle), write, onRefused);
    await writeByHalves(items.slice(middle), write, onRefused);
  }
}

/**
 * Whether something is refused for what it is, and would be again: by its value (SQLSTATE class 22), a constraint (23) or a
 * limit such as that of nesting (54), or because it is too large or too deep for a statement.
 */
export function isRefused(error: unknown): boolean {
  if (error instanceof RangeError) return true;
  return /^(?:22|23|54)/.test(failureCode(error)) && !isConflict(error);
}

/** Why, for people. */
export function refusalOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.slice(0, REFUSAL_MAX).toWellFormed().replace(/\.$/, '');
}

const REFUSAL_MAX = 500;
