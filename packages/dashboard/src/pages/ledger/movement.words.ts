import type { Item } from '../../api/queries.ts';
import { wordOf } from '../../ui/movement.rules.ts';

export type Entry = Item<'/api/v1/ledger'>;

/** What it did, in a sentence, for who wonders where a number came from. */
export function storyOf({ type, sku, location, deltaOnHand, deltaReserved, deltaCommitted }: Entry): string {
  const parts = [
    changeOf('on hand', deltaOnHand),
    changeOf('reserved', deltaReserved),
    changeOf('committed', deltaCommitted),
  ].filter((part) => part !== null);
  const changed = parts.length === 0 ? 'nothing changed' : parts.join(', ');
  return `${wordOf(type)}, ${sku} at ${location}: ${changed}.`;
}

function changeOf(what: string, delta: number): string | null {
  if (delta === 0) return null;
  return `${what} ${delta > 0 ? 'rose' : 'fell'} by ${Math.abs(delta).toLocaleString()}`;
}
