import { systemClock, type Clock } from '../../kernel/clock.ts';
import { failureCode } from './failures.ts';

/** A span of time, milliseconds since the epoch. */
export interface TimeSpan {
  /** Inclusive. */
  fromMs: number;
  /** Exclusive. */
  toMs: number;
}

export interface TimeScan<Row> {
  span: TimeSpan;
  descending: boolean;
  /** Rows wanted. */
  limit: number;
  /** The first rows of a span, in the scan's order. Rejects with SQLSTATE 57014 when it took longer than the timeout. */
  read: (span: TimeSpan, limit: number, timeoutMs: number) => Promise<Row[]>;
  /** Cuts empty ends off the span, where it is going to be read in steps. */
  narrow?: (span: TimeSpan) => Promise<TimeSpan>;
  /** How long to go on looking; what was found until then is answered. */
  budgetMs?: number;
  clock?: Clock;
}

export interface TimeScanResult<Row> {
  rows: Row[];
  /** Where to look on, when the budget was spent before the limit was reached or the span was read through. */
  resumeMs: number | null;
}

const BUDGET_MS = 1_000;
/** Most filters find their page at once, or the whole span is short. */
const FIRST_TRY_MS = 250;
const STEP_TIMEOUT_MS = 500;
const STEP_SPAN_MS = 60_000;
const QUICK_STEP_MS = 20;
const SLOW_STEP_MS = 80;
const QUERY_CANCELED = '57014';

/**
 * Reads a list in time's order through a filter that no index serves, at a bounded cost: at first all at once, and when
 * that takes too long, in steps of time whose length follows from how long the last one took. A filter that matches
 * nothing among a hundred million rows then costs a second per page and gets through them page by page, instead of
 * failing each time after the same ten seconds.
 */
export async function scanTime<Row>(scan: TimeScan<Row>): Promise<TimeScanResult<Row>> {
  if (scan.span.fromMs >= scan.span.toMs) return { rows: [], resumeMs: null };
  const rows = await unlessCanceled(scan.read(scan.span, scan.limit, FIRST_TRY_MS));
  if (rows !== null) return { rows, resumeMs: null };
  return scanInSteps({ ...scan, span: (await scan.narrow?.(scan.span)) ?? scan.span });
}

async function scanInSteps<Row>(scan: TimeScan<Row>): Promise<TimeScanResult<Row>> {
  const clock = scan.clock ?? systemClock;
  const deadline = clock.monotonic() + (scan.budgetMs ?? BUDGET_MS);
  const rows: Row[] = [];
  let rest = scan.span;
  let stepMs = STEP_SPAN_MS;
  while (rest.fromMs < rest.toMs && rows.length < scan.limit) {
    if (clock.monotonic() >= deadline) return { rows, resumeMs: scan.descending ? rest.toMs : rest.fromMs };
    const step = nextStep(rest, stepMs, scan.descending);
    const began = clock.monotonic();
    const found = await unlessCanceled(scan.read(step, scan.limit - rows.length, STEP_TIMEOUT_MS), stepMs === 1);
    if (found !== null) {
      rows.push(...found);
      rest = scan.descending ? { ...rest, toMs: step.fromMs } : { ...rest, fromMs: step.toMs };
    }
    stepMs = Math.max(1, Math.round(stepMs * growth(found === null, clock.monotonic() - began)));
  }
  return { rows, resumeMs: null };
}

function nextStep(rest: TimeSpan, stepMs: number, descending: boolean): TimeSpan {
  return descending
    ? { fromMs: Math.max(rest.fromMs, rest.toMs - stepMs), toMs: rest.toMs }
    : { fromMs: rest.fromMs, toMs: Math.min(rest.toMs, rest.fromMs + stepMs) };
}

function growth(canceled: boolean, tookMs: number): number {
  if (canceled) return 1 / 16;
  if (tookMs < QUICK_STEP_MS) return 4;
  return tookMs > SLOW_STEP_MS ? 1 / 2 : 1;
}

/** null when it took too long. A step that cannot be made shorter fails as it is. */
async function unlessCanceled<Row>(reading: Promise<Row[]>, isShortest = false): Promise<Row[] | null> {
  try {
    return await reading;
  } catch (error) {
    if (isShortest || failureCode(error) !== QUERY_CANCELED) throw error;
    return null;
  }
}
