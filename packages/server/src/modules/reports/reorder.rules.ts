/** What a level says of the need to order for it. */
export interface ReorderFacts {
  onHand: number;
  /** Below zero where more is promised or withheld than is there. */
  available: number;
  incoming: number;
  reorderPoint: number | null;
  reorderQuantity: number | null;
  maxLevel: number | null;
  /** Units sold in the window. */
  sold: number;
}

export interface ReorderSpan {
  /** Days of the window in which sales were counted. */
  days: number;
  /** Days that what is there after the order should last. */
  coverDays: number;
}

export interface Reorder {
  /** Units, to the hundredth. */
  soldPerDay: number;
  /** How long what is available lasts, to the tenth; null where nothing was sold. */
  daysOfSupply: number | null;
  suggested: number;
}

/**
 * How much to order: what is available and incoming should come to cover the days that were asked for, and lie above the
 * reorder point. Not less than the reorder quantity, and no more than the maximum level has room for.
 */
export function reorderOf(level: ReorderFacts, { days, coverDays }: ReorderSpan): Reorder {
  const { onHand, available, incoming, reorderPoint, reorderQuantity, maxLevel, sold } = level;
  const covered = divideUp(sold, coverDays, days);
  const target = reorderPoint === null ? covered : Math.max(covered, reorderPoint + 1);
  const missing = target - (available + incoming);
  const wanted = missing <= 0 ? 0 : Math.max(missing, reorderQuantity ?? 0);
  const room = maxLevel === null ? wanted : Math.max(0, maxLevel - onHand - incoming);
  return {
    soldPerDay: Math.round((sold / days) * 100) / 100,
    daysOfSupply: sold === 0 ? null : Math.round((Math.max(0, available) / sold) * days * 10) / 10,
    suggested: Math.min(wanted, room),
  };
}

/** ⌈units × times ÷ by⌉, exact where the product is beyond what a number holds. */
function divideUp(units: number, times: number, by: number): number {
  const divisor = BigInt(by);
  return Number((BigInt(units) * BigInt(times) + divisor - 1n) / divisor);
}
