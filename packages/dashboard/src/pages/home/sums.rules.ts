import type { Answer } from '../../api/queries.ts';
import type { LevelNumbers } from '../../ui/level.bar.rules.ts';

type Summary = Answer<'/api/v1/summary'>;

/** The sums of a place as one level. What is neither promised nor available is safety stock, or at an inactive location. */
export function levelOfSums(units: Summary['units'], isInactive: boolean): LevelNumbers {
  return { ...units, safetyStock: isInactive ? 0 : withheld(units) };
}

/** The sums of all places as one level. */
export function levelOfAll({ units, locations }: Summary, inactive: ReadonlySet<string>): LevelNumbers {
  const open = locations.filter(({ location }) => !inactive.has(location));
  return { ...units, safetyStock: open.reduce((sum, place) => sum + withheld(place.units), 0) };
}

function withheld({ onHand, reserved, committed, available, shortage }: Summary['units']): number {
  return onHand - (reserved + committed - shortage) - available;
}
