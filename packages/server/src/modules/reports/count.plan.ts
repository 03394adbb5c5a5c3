import { csvRows, type Columns } from '../run.files.ts';
import { CountPlanner, dateOf, type CountCalendar } from './count.rules.ts';
import { byPlace, type PlannedCount } from './count.sheet.ts';
import type { CountClass, CountRow } from './count.sql.ts';

/** Takes levels as they come, soonest due first, and gives the lines of the days that are full. */
export class CountPlan {
  readonly #calendar: CountCalendar;
  readonly #columns: Columns<PlannedCount>;
  readonly #planner: CountPlanner;
  readonly #classes: Record<CountClass, { levels: number; planned: number }> = {
    A: { levels: 0, planned: 0 },
    B: { levels: 0, planned: 0 },
    C: { levels: 0, planned: 0 },
  };
  readonly #byDay: { day: string; levels: number }[] = [];
  /** Of one day: no more than are counted in it. */
  #today: PlannedCount[] = [];
  #planned = 0;
  #due = 0;
  #neverCounted = 0;

  constructor(calendar: CountCalendar, columns: Columns<PlannedCount>) {
    this.#calendar = calendar;
    this.#columns = columns;
    this.#planner = new CountPlanner(calendar);
  }

  get levels(): number {
    const { A, B, C } = this.#classes;
    return A.levels + B.levels + C.levels;
  }

  take(rows: readonly CountRow[]): string {
    let lines = '';
    for (const row of rows) {
      const counts = this.#classes[row.class];
      counts.levels += 1;
      if (row.lastCountAt === null) this.#neverCounted += 1;
      if (row.dueDay > this.#planner.lastDay) continue;
      this.#due += 1;
      const day = this.#planner.place(row.dueDay);
      if (day === null) continue;
      counts.planned += 1;
      if (this.#today[0] !== undefined && this.#today[0].day !== day) lines += this.end();
      this.#today.push({ ...row, day });
    }
    return lines;
  }

  /** The lines of the last day. */
  end(): string {
    const counts = this.#today.sort(byPlace);
    const [first] = counts;
    if (first === undefined) return '';
    this.#today = [];
    this.#planned += counts.length;
    this.#byDay.push({ day: dateOf(first.day), levels: counts.length });
    return csvRows(this.#columns, counts);
  }

  view(): object {
    const { firstDay } = this.#calendar;
    return {
      firstDay: dateOf(firstDay),
      lastDay: dateOf(this.#planner.lastDay),
      levels: this.levels,
      neverCounted: this.#neverCounted,
      /** In these days. */
      due: this.#due,
      planned: this.#planned,
      /** Due, and no day had room. */
      leftOver: this.#due - this.#planned,
      classes: this.#classes,
      byDay: this.#byDay,
    };
  }
}
