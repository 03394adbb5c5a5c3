import type { Alert } from '../../ui/alert.words.ts';

/** Why it was opened, in a sentence. */
export function reasonOf({ type, value, threshold }: Alert): string {
  const units = `${value.toLocaleString()} ${value === 1 ? 'unit' : 'units'}`;
  const bound = threshold === null ? '' : threshold.toLocaleString();
  if (type === 'low_stock') return `${units} available, and ${bound} is where to reorder`;
  if (type === 'out_of_stock') return 'Nothing is left to sell';
  if (type === 'overstock') return `${units} on hand, above the maximum of ${bound}`;
  return `${units} more are promised than are on hand`;
}
