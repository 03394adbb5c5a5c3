/** Days are numbered from 1970-01-01, in UTC. */
const DAY_MS = 86_400_000;

export const WEEKDAYS = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'] as const;
export type Weekday = (typeof WEEKDAYS)[number];

export function dayOf(epochMs: number): number {
  return Math.floor(epochMs / DAY_MS);
}

/** Such as 2026-11-20. */
export function dateOf(day: number): string {
  return new Date(day * DAY_MS).toISOString().slice(0, 10);
}

export function weekdayOf(day: number): Weekday {
  // 1970-01-01 was a Thursday.
  return WEEKDAYS[(day + 4) % 7] ?? 'sunday';
}

export interface CountCalendar {
  firstDay: number;
  days: number;
  perDay: number;
  /** Those on which there is counting. */
  weekdays: ReadonlySet<Weekday>;
}

/**
 * Gives each level that comes, soonest due first, the first day with room on which it is due. Nothing is counted before
 * it is due: a day may have room left.
 */
export class CountPlanner {
  readonly #calendar: CountCalendar;
  #day: number;
  #placed = 0;

  constructor(calendar: CountCalendar) {
    this.#calendar = calendar;
    this.#day = this.#workingDay(calendar.firstDay);
  }

  get lastDay(): number {
    return this.#calendar.firstDay + this.#calendar.days - 1;
  }

  /** @param dueDay never less than that of the level before @returns null where the days are full */
  place(dueDay: number): number | null {
    if (dueDay > this.#day) this.#goTo(dueDay);
    if (this.#placed === this.#calendar.perDay) this.#goTo(this.#day + 1);
    if (this.#day > this.lastDay) return null;
    this.#placed += 1;
    return this.#day;
  }

  #goTo(day: number): void {
    this.#day = this.#workingDay(day);
    this.#placed = 0;
  }

  #workingDay(day: number): number {
    let working = day;
    while (working <= this.lastDay && !this.#calendar.weekdays.has(weekdayOf(working))) working += 1;
    return working;
  }
}
