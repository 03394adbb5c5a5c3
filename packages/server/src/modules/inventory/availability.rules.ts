import type { AvailabilityAnswer } from './level.schema.ts';

export interface AvailabilityLine {
  sku: string;
  quantity: number;
  /** null: anywhere. */
  location: string | null;
}

/** What is free at one location. */
export interface FreeAt {
  location: string;
  available: number;
}

/**
 * Which lines can be had, all of one sku judged together: those that name a location take theirs first, those that
 * name none share what is left, over several locations where no single one has it all.
 *
 * @param freeBySku locations with free units, in the order in which they are shown
 */
export function judgeAvailability(
  lines: readonly AvailabilityLine[],
  freeBySku: ReadonlyMap<string, readonly FreeAt[]>,
): AvailabilityAnswer['lines'] {
  const asked = sumOfLines(lines);
  return lines.map(({ sku, quantity, location }) => {
    const free = freeBySku.get(sku) ?? [];
    const byLocation = location === null ? free : free.filter((at) => at.location === location);
    const available = byLocation.reduce((sum, at) => sum + at.available, 0);
    const placed = asked.get(sku);
    const fulfillable =
      location === null
        ? (placed?.get(null) ?? 0) <= leftForAnywhere(free, placed)
        : (placed?.get(location) ?? 0) <= available;
    return { sku, quantity, location, available, fulfillable, byLocation: byLocation.map((at) => ({ ...at })) };
  });
}

type Asked = ReadonlyMap<string | null, number>;

/** By sku and location, what the lines ask for together. */
function sumOfLines(lines: readonly AvailabilityLine[]): Map<string, Asked> {
  const asked = new Map<string, Map<string | null, number>>();
  for (const { sku, quantity, location } of lines) {
    const ofSku = asked.get(sku) ?? new Map<string | null, number>();
    asked.set(sku, ofSku.set(location, (ofSku.get(location) ?? 0) + quantity));
  }
  return asked;
}

function leftForAnywhere(free: readonly FreeAt[], asked: Asked | undefined): number {
  return free.reduce((sum, at) => sum + Math.max(0, at.available - (asked?.get(at.location) ?? 0)), 0);
}
