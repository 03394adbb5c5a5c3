import { toRfc3339 } from '../kernel/clock.ts';

/** What a level's row says, times in milliseconds since the epoch. */
export interface LevelFacts {
  onHand: number;
  reserved: number;
  committed: number;
  incoming: number;
  safetyStock: number;
  reorderPoint: number | null;
  reorderQuantity: number | null;
  maxLevel: number | null;
  zone: string | null;
  aisle: string | null;
  shelf: string | null;
  version: number;
  lastMovementAt: number | null;
  lastCountAt: number | null;
}

/** A level as the API shows it. */
export interface LevelView {
  sku: string;
  location: string;
  onHand: number;
  reserved: number;
  committed: number;
  safetyStock: number;
  available: number;
  incoming: number;
  shortage: number;
  reorderPoint: number | null;
  reorderQuantity: number | null;
  maxLevel: number | null;
  bin: { zone: string | null; aisle: string | null; shelf: string | null };
  version: number;
  lastMovementAt: string | null;
  lastCountAt: string | null;
}

/** What a new reservation may take, as it is shown: never below 0, and 0 at an inactive location. */
export function shownAvailable(
  level: Pick<LevelFacts, 'onHand' | 'reserved' | 'committed' | 'safetyStock'>,
  locationActive: boolean,
): number {
  if (!locationActive) return 0;
  const available = level.onHand - level.reserved - level.committed - level.safetyStock;
  return available > 0 ? available : 0;
}

/** What was promised and is not there. */
export function shortageOf(level: Pick<LevelFacts, 'onHand' | 'reserved' | 'committed'>): number {
  const shortage = level.reserved + level.committed - level.onHand;
  return shortage > 0 ? shortage : 0;
}

export function levelView(level: LevelFacts, sku: string, location: string, locationActive: boolean): LevelView {
  return {
    sku,
    location,
    onHand: level.onHand,
    reserved: level.reserved,
    committed: level.committed,
    safetyStock: level.safetyStock,
    available: shownAvailable(level, locationActive),
    incoming: level.incoming,
    shortage: shortageOf(level),
    reorderPoint: level.reorderPoint,
    reorderQuantity: level.reorderQuantity,
    maxLevel: level.maxLevel,
    bin: { zone: level.zone, aisle: level.aisle, shelf: level.shelf },
    version: level.version,
    lastMovementAt: level.lastMovementAt === null ? null : toRfc3339(level.lastMovementAt),
    lastCountAt: level.lastCountAt === null ? null : toRfc3339(level.lastCountAt),
  };
}
