import type { Answer } from '../../api/queries.ts';
import type { LevelNumbers } from '../../ui/level.bar.rules.ts';

/** A level now, or as it was: then its settings and what was available are not known. */
export type ThenLevel = Answer<'/api/v1/inventory/{sku}'>['levels'][number];

export interface ShownLevel extends LevelNumbers {
  sku: string;
  location: string;
  incoming: number;
  reorderPoint: number | null;
  version: number;
}

/** With zeros for what was not kept; what was not promised then counts as available, so that the bar is whole. */
export function asLevel(level: ThenLevel): ShownLevel {
  const { sku, location, onHand, reserved, committed, shortage } = level;
  const free = Math.max(0, onHand - reserved - committed);
  return {
    sku,
    location,
    onHand,
    reserved,
    committed,
    shortage,
    safetyStock: level.safetyStock ?? 0,
    available: level.available ?? free,
    incoming: level.incoming ?? 0,
    reorderPoint: level.reorderPoint ?? null,
    version: level.version ?? 0,
  };
}

/** All of them as one: safety stock counts as far as there are units for it. */
export function levelTotals(levels: readonly ShownLevel[]): Required<LevelNumbers> {
  const sum = (pick: (level: ShownLevel) => number): number => levels.reduce((total, level) => total + pick(level), 0);
  return {
    onHand: sum(({ onHand }) => onHand),
    reserved: sum(({ reserved }) => reserved),
    committed: sum(({ committed }) => committed),
    safetyStock: sum((level) =>
      Math.min(level.safetyStock, Math.max(0, level.onHand - level.reserved - level.committed)),
    ),
    available: sum(({ available }) => available),
    incoming: sum(({ incoming }) => incoming),
    shortage: sum(({ shortage }) => shortage),
  };
}
