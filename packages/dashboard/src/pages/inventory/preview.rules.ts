import { formatNumber } from '../../ui/num.tsx';
import type { Preview, PreviewRow } from '../../ui/previewed.action.tsx';

/** What of a level the preview of a change looks at. */
export interface PreviewedLevel {
  onHand: number;
  reserved: number;
  committed: number;
  safetyStock: number;
  available: number;
  /** Whether its location is: elsewhere nothing is available. */
  isActive: boolean;
}

export type Way = 'add' | 'subtract' | 'set';

/** On hand at most, in the words of the API: 10^12. */
const ON_HAND_MAX = 1_000_000_000_000;

/** The level of a product at a location; one that nothing ever moved at is all zeros. */
export function levelAt(
  code: string | null,
  levels: readonly (Omit<PreviewedLevel, 'isActive'> & { location: string })[],
  locations: readonly { code: string; active: boolean }[],
): PreviewedLevel {
  const known = levels.find(({ location }) => location === code) ?? UNTOUCHED;
  return { ...known, isActive: locations.find((location) => location.code === code)?.active ?? true };
}

const UNTOUCHED = { onHand: 0, reserved: 0, committed: 0, safetyStock: 0, available: 0 };

/** `1 is`, `1,200 are`. */
function unitsAre(count: number): string {
  return `${formatNumber(count)} ${count === 1 ? 'is' : 'are'}`;
}

/** How an adjustment would leave a level; the same rules that the server decides by, so that its refusals are no surprise. */
export function previewAdjustment(
  level: PreviewedLevel,
  { way, quantity, force }: { way: Way; quantity: number; force: boolean },
): Preview {
  const after = way === 'add' ? level.onHand + quantity : way === 'subtract' ? level.onHand - quantity : quantity;
  const shown = previewOnHand(level, after);
  const promised = level.reserved + level.committed;
  if (after < 0) return { ...shown, refusal: `Only ${unitsAre(level.onHand)} on hand.` };
  if (after > ON_HAND_MAX) return { ...shown, refusal: 'That is more than a level can hold.' };
  if (after < level.onHand && after < promised && !force) {
    const refusal = `${unitsAre(promised)} promised: this would leave it short by ${formatNumber(promised - after)}.`;
    return { ...shown, refusal };
  }
  return shown;
}

function previewOnHand(level: PreviewedLevel, after: number): Preview {
  const promised = level.reserved + level.committed;
  const availableAfter = level.isActive ? Math.max(0, after - promised - level.safetyStock) : 0;
  const rows = [
    { label: 'On hand', before: level.onHand, after },
    { label: 'Available', before: level.available, after: availableAfter },
  ];
  const warnings: string[] = [];
  if (after >= 0 && after < promised) warnings.push(`It would be short by ${formatNumber(promised - after)}.`);
  else if (availableAfter === 0 && level.available > 0) warnings.push('Nothing would be left to sell.');
  return { rows, warnings, refusal: null };
}

/** How a transfer would leave both levels. It takes available units only. */
export function previewTransfer(from: PreviewedLevel, to: PreviewedLevel, quantity: number): Preview {
  const left = previewOnHand(from, from.onHand - quantity);
  const arrived = previewOnHand(to, to.onHand + quantity);
  return {
    rows: [...named('from', left), ...named('to', arrived)],
    warnings: left.warnings,
    refusal: quantity > from.available ? `Only ${unitsAre(from.available)} available there.` : null,
  };
}

function named(side: string, { rows }: Preview): PreviewRow[] {
  return rows.map((row) => ({ ...row, label: `${row.label}, ${side}` }));
}

/** How a hold would leave a level. It takes available units only. */
export function previewHold(level: Pick<PreviewedLevel, 'reserved' | 'available'>, quantity: number): Preview {
  const left = level.available - quantity;
  return {
    rows: [
      { label: 'Reserved', before: level.reserved, after: level.reserved + quantity },
      { label: 'Available', before: level.available, after: Math.max(0, left) },
    ],
    warnings: left === 0 ? ['Nothing would be left to sell.'] : [],
    refusal: left < 0 ? `Only ${unitsAre(level.available)} available there.` : null,
  };
}

/** A movement that takes another one back. Null for one that changed nothing on hand. */
export function compensate(deltaOnHand: number): { type: 'add' | 'subtract'; quantity: number } | null {
  if (deltaOnHand === 0) return null;
  return { type: deltaOnHand > 0 ? 'subtract' : 'add', quantity: Math.abs(deltaOnHand) };
}
