/** A tick of the timeline: one due run, or several that are too close to be told apart. */
export interface Tick {
  /** From the left, in percent of the axis. */
  at: number;
  count: number;
  firstMs: number;
}

/** A run that was, as a bar. */
export interface Bar<Run> {
  run: Run;
  at: number;
  width: number;
}

export interface Axis {
  fromMs: number;
  toMs: number;
}

/** How many ticks can be told apart on an axis. */
const TICKS_MAX = 240;
const BAR_MIN_PERCENT = 0.35;

/** A little of what was, and all of what comes within so many hours. */
export function axisOf(nowMs: number, hours: number): Axis {
  const ahead = hours * 3_600_000;
  return { fromMs: nowMs - ahead / 4, toMs: nowMs + ahead };
}

export function percentOf(atMs: number, { fromMs, toMs }: Axis): number {
  return ((atMs - fromMs) / (toMs - fromMs)) * 100;
}

/** Instants as ticks, those that would lie on one another as one. */
export function ticksOf(timesMs: readonly number[], axis: Axis): Tick[] {
  const step = (axis.toMs - axis.fromMs) / TICKS_MAX;
  const ticks = new Map<number, Tick>();
  for (const firstMs of timesMs.toSorted((left, right) => left - right)) {
    if (firstMs < axis.fromMs || firstMs > axis.toMs) continue;
    const slot = Math.floor((firstMs - axis.fromMs) / step);
    const known = ticks.get(slot);
    if (known === undefined) ticks.set(slot, { at: percentOf(firstMs, axis), count: 1, firstMs });
    else known.count += 1;
  }
  return [...ticks.values()];
}

/** Runs as bars, cut where the axis begins; without those that are over before it. */
export function barsOf<Run extends { startedAt: string | null; finishedAt: string | null }>(
  runs: readonly Run[],
  axis: Axis,
  nowMs: number,
): Bar<Run>[] {
  return runs.flatMap((run) => {
    if (run.startedAt === null) return [];
    const [from, to] = [Date.parse(run.startedAt), run.finishedAt === null ? nowMs : Date.parse(run.finishedAt)];
    if (to < axis.fromMs || from > axis.toMs) return [];
    const at = Math.max(0, percentOf(from, axis));
    return [{ run, at, width: Math.max(BAR_MIN_PERCENT, percentOf(to, axis) - at) }];
  });
}

const STEPS_MS = [
  300_000, 600_000, 900_000, 1_800_000, 3_600_000, 7_200_000, 10_800_000, 21_600_000, 43_200_000, 86_400_000,
  172_800_000,
];

/** Round times of the reader's day for the axis, about as many as are wanted. */
export function marksOf({ fromMs, toMs }: Axis, wanted: number, offsetMinutes: number): number[] {
  const step = STEPS_MS.find((size) => (toMs - fromMs) / size <= wanted) ?? 86_400_000 * 7;
  const offset = offsetMinutes * 60_000;
  const marks: number[] = [];
  for (let at = Math.ceil((fromMs - offset) / step) * step + offset; at <= toMs; at += step) marks.push(at);
  return marks;
}

export interface Due {
  at: string;
  jobId: string;
  name: string;
}

export interface TimelineRow<Run> {
  jobId: string;
  name: string;
  dueMs: number[];
  /** It is due again after the last of these, and nobody knows how often. */
  goesOn: boolean;
  runs: Run[];
}

/**
 * One row for each job that is due or has run, the soonest first; those that are not due last, by name.
 *
 * @param isCut what is due was cut off where there was too much of it
 */
export function rowsOf<Run extends { job: { id: string; name: string } }>(
  due: readonly Due[],
  runs: readonly Run[],
  isCut = false,
): TimelineRow<Run>[] {
  const rows = new Map<string, TimelineRow<Run>>();
  const rowOf = (jobId: string, name: string): TimelineRow<Run> => {
    const row = rows.get(jobId) ?? { jobId, name, dueMs: [], goesOn: false, runs: [] };
    rows.set(jobId, row);
    return row;
  };
  for (const { jobId, name, at } of due) {
    const row = rowOf(jobId, name);
    const atMs = Date.parse(at);
    if (!row.dueMs.includes(atMs)) row.dueMs.push(atMs);
    row.goesOn = isCut && row.dueMs.length > 1;
  }
  for (const run of runs) rowOf(run.job.id, run.job.name).runs.push(run);
  const soonest = ({ dueMs }: TimelineRow<Run>): number => Math.min(...dueMs);
  return [...rows.values()].toSorted((left, right) => {
    const [one, other] = [soonest(left), soonest(right)];
    return one === other ? left.name.localeCompare(right.name) : one - other;
  });
}
