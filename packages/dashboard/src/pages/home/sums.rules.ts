import type { Answer } from '../../api/queries.ts';
import type { LevelNumbers } from '../../ui/level.bar.rules.ts';

type Summary = Answer<'/api/v1/summary'>;
type Place = Summary['locations'][number];

/** The sums of a place as one level. What is neither promised nor available is safety stock, or at an inactive location. */
export function levelOfPlace({ units, active }: Pick<Place, 'units' | 'active'>): LevelNumbers {
  return { ...units, safetyStock: active ? withheld(units) : 0 };
}

/** The sums of all places as one level. */
export function levelOfAll({ units, locations }: Pick<Summary, 'units' | 'locations'>): LevelNumbers {
  return { ...units, safetyStock: locations.reduce((sum, place) => sum + levelOfPlace(place).safetyStock, 0) };
}

function withheld({ onHand, reserved, committed, available, shortage }: Summary['units']): number {
  return onHand - (reserved + committed - shortage) - available;
}
