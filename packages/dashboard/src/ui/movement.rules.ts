import type { Movement } from '../live/live.rules.ts';

/** What a movement is, in a word that a person would use. */
const WORDS = {
  receipt: 'Received',
  sale: 'Shipped',
  return: 'Returned',
  adjustment: 'Adjusted',
  transfer_out: 'Sent elsewhere',
  transfer_in: 'Came from elsewhere',
  damage: 'Damaged',
  theft: 'Stolen',
  spoilage: 'Spoiled',
  count: 'Counted',
  opening: 'Opening balance',
  reserve: 'Reserved',
  release: 'Released',
  expire: 'Hold lapsed',
  commit: 'Committed',
  uncommit: 'No longer committed',
} as const satisfies Record<string, string>;

/** Every kind, to choose from. */
export const MOVEMENT_OPTIONS = Object.entries(WORDS).map(([value, label]) => ({ value, label }));

export function wordOf(type: string): string {
  return (WORDS as Readonly<Record<string, string>>)[type] ?? type;
}

export interface Delta {
  of: 'on hand' | 'reserved' | 'committed';
  by: number;
}

/** What it changed, without what it did not. */
export function deltasOf(movement: Pick<Movement, 'deltaOnHand' | 'deltaReserved' | 'deltaCommitted'>): Delta[] {
  const all: Delta[] = [
    { of: 'on hand', by: movement.deltaOnHand },
    { of: 'reserved', by: movement.deltaReserved },
    { of: 'committed', by: movement.deltaCommitted },
  ];
  return all.filter(({ by }) => by !== 0);
}
