import type { Answer } from '../../api/queries.ts';
import type { LevelNumbers } from '../../ui/level.bar.rules.ts';

/** The sums as one level: what is there, and neither promised nor available, is withheld as safety stock. */
export function levelOfSums(units: Answer<'/api/v1/summary'>['units']): LevelNumbers {
  const { onHand, reserved, committed, available, shortage } = units;
  return { ...units, safetyStock: onHand - (reserved + committed - shortage) - available };
}
