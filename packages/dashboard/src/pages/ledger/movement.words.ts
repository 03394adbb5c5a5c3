import type { Item } from '../../api/queries.ts';

export type Entry = Item<'/api/v1/ledger'>;

export const TYPE_WORDS: Record<Entry['type'], string> = {
  receipt: 'Receipt',
  sale: 'Sale',
  return: 'Return',
  adjustment: 'Adjustment',
  transfer_out: 'Transfer out',
  transfer_in: 'Transfer in',
  damage: 'Damage',
  theft: 'Theft',
  spoilage: 'Spoilage',
  count: 'Count',
  opening: 'Opening',
  reserve: 'Reserve',
  release: 'Release',
  expire: 'Expire',
  commit: 'Commit',
  uncommit: 'Uncommit',
};

/** What it did, in a sentence, for who wonders where a number came from. */
export function storyOf({ type, sku, location, deltaOnHand, deltaReserved, deltaCommitted }: Entry): string {
  const parts = [
    changeOf('on hand', deltaOnHand),
    changeOf('reserved', deltaReserved),
    changeOf('committed', deltaCommitted),
  ].filter((part) => part !== null);
  const changed = parts.length === 0 ? 'nothing changed' : parts.join(', ');
  return `${TYPE_WORDS[type]} of ${sku} at ${location}: ${changed}.`;
}

function changeOf(what: string, delta: number): string | null {
  if (delta === 0) return null;
  return `${what} ${delta > 0 ? 'rose' : 'fell'} by ${Math.abs(delta).toLocaleString()}`;
}
