import { formatNumber } from './num.tsx';

/** What a bar shows of a level: the numbers of the API. */
export interface LevelNumbers {
  onHand: number;
  reserved: number;
  committed: number;
  safetyStock: number;
  available: number;
  incoming?: number;
  shortage: number;
}

export const PARTS = ['committed', 'reserved', 'safety', 'inactive', 'available'] as const;
export type Part = (typeof PARTS)[number];

export interface Segment {
  part: Part;
  units: number;
  /** Of the bar's whole length, in percent. */
  percent: number;
}

export interface BarLayout {
  /** Left of zero: what was promised and is not there. */
  shortage: { units: number; percent: number };
  /** In this order, without those that are zero; together they are what is on hand. */
  segments: Segment[];
  /** Right of them. */
  incoming: { units: number; percent: number };
}

/** Something that is there is seen, however small its share. */
const PERCENT_MIN = 1.5;

/**
 * How a level is drawn: committed, reserved, safety, what is free at an inactive location, and available fill what is on
 * hand, in this order. Where more is promised than there is, the promised parts end where the units do, and the shortage
 * stands left of zero.
 *
 * @param scale the units that the whole length stands for; bars of one table share it
 */
export function layOutBar(level: LevelNumbers, scale: number): BarLayout {
  // Of sums the promised units of one level may be missing while others have theirs.
  const promised = level.reserved + level.committed - level.shortage;
  const committed = Math.min(level.committed, promised);
  let left = level.onHand;
  const take = (units: number): number => {
    const taken = Math.min(left, Math.max(0, units));
    left -= taken;
    return taken;
  };
  const units: Record<Part, number> = {
    committed: take(committed),
    reserved: take(promised - committed),
    safety: take(level.safetyStock),
    available: take(level.available),
    inactive: left,
  };
  const whole = Math.max(scale, 1);
  const percentOf = (count: number): number =>
    count === 0 ? 0 : Math.max(PERCENT_MIN, Math.round((count / whole) * 1_000) / 10);
  const incoming = level.incoming ?? 0;
  return {
    shortage: { units: level.shortage, percent: percentOf(level.shortage) },
    segments: PARTS.filter((part) => units[part] > 0).map((part) => {
      return { part, units: units[part], percent: percentOf(units[part]) };
    }),
    incoming: { units: incoming, percent: percentOf(incoming) },
  };
}

/** What is neither promised nor withheld as safety stock, and yet not available: units at an inactive location. */
export function inactiveUnits(level: LevelNumbers): number {
  const { onHand, reserved, committed, shortage, safetyStock, available } = level;
  return Math.max(0, onHand - (reserved + committed - shortage) - safetyStock - available);
}

/** What one level needs for its whole length. */
export function scaleOf(level: LevelNumbers): number {
  return level.onHand + level.shortage + (level.incoming ?? 0);
}

export function describeBar(level: LevelNumbers): string {
  const { onHand, committed, reserved, safetyStock, available, incoming = 0, shortage } = level;
  const inactive = inactiveUnits(level);
  const parts = [
    `on hand ${formatNumber(onHand)}`,
    `committed ${formatNumber(committed)}`,
    `reserved ${formatNumber(reserved)}`,
    `safety ${formatNumber(safetyStock)}`,
    `available ${formatNumber(available)}`,
    ...(inactive > 0 ? [`at inactive locations ${formatNumber(inactive)}`] : []),
    ...(incoming > 0 ? [`incoming ${formatNumber(incoming)}`] : []),
    ...(shortage > 0 ? [`short by ${formatNumber(shortage)}`] : []),
  ];
  return parts.join(', ');
}
