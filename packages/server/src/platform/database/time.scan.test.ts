import { expect, test } from 'vitest';
import { scanTime, type TimeScan, type TimeSpan } from './time.scan.ts';

const HOUR_MS = 3_600_000;

/**
 * A table with a row at each of the given instants, on a clock that is moved by hand: reading costs `msPerHour` for each
 * hour of the span, and what would take longer than its timeout is canceled as PostgreSQL would.
 */
function table(instants: number[], msPerHour: number) {
  let now = 0;
  const reads: TimeSpan[] = [];
  const scan = (wanted: Partial<TimeScan<number>>) =>
    scanTime<number>({
      span: { fromMs: 0, toMs: 1000 * HOUR_MS },
      descending: true,
      limit: 10,
      clock: { now: () => now, monotonic: () => now },
      read: async ({ fromMs, toMs }, limit, timeoutMs) => {
        await Promise.resolve();
        reads.push({ fromMs, toMs });
        const tookMs = ((toMs - fromMs) / HOUR_MS) * msPerHour;
        now += Math.min(tookMs, timeoutMs);
        if (tookMs > timeoutMs) throw Object.assign(new Error('canceled'), { code: '57014' });
        const found = instants.filter((at) => at >= fromMs && at < toMs).sort((left, right) => left - right);
        return (wanted.descending === false ? found : found.toReversed()).slice(0, limit);
      },
      ...wanted,
    });
  return { scan, reads };
}

test('what answers in time is read once, whole', async () => {
  const { scan, reads } = table([1, 2, 3], 0.01);
  expect(await scan({})).toEqual({ rows: [3, 2, 1], resumeMs: null });
  expect(reads).toEqual([{ fromMs: 0, toMs: 1000 * HOUR_MS }]);
});

test('what takes too long is read in steps, and ends where nothing is left', async () => {
  const { scan, reads } = table([5 * HOUR_MS, 900 * HOUR_MS], 0.5);
  expect(await scan({ budgetMs: 10_000 })).toEqual({ rows: [900 * HOUR_MS, 5 * HOUR_MS], resumeMs: null });
  const steps = reads.slice(1);
  expect(steps.length).toBeLessThan(30);
  expect(steps[0]?.toMs).toBe(1000 * HOUR_MS);
  expect(steps.at(-1)?.fromMs).toBe(0);
});

test('steps meet one another: nothing between them is missed or read twice', async () => {
  const instants = Array.from({ length: 1000 }, (_, hour) => hour * HOUR_MS);
  const descending = await table(instants, 0.5).scan({ limit: 2_000, budgetMs: 10_000 });
  expect(descending.rows).toEqual(instants.toReversed());
  const ascending = await table(instants, 0.5).scan({ limit: 2_000, budgetMs: 10_000, descending: false });
  expect(ascending.rows).toEqual(instants);
});

test('it stops at the limit', async () => {
  const instants = Array.from({ length: 1000 }, (_, hour) => hour * HOUR_MS);
  const { scan, reads } = table(instants, 0.5);
  const { rows, resumeMs } = await scan({ limit: 3 });
  expect(rows).toEqual([999 * HOUR_MS, 998 * HOUR_MS, 997 * HOUR_MS]);
  expect(resumeMs).toBeNull();
  expect(reads.at(-1)?.fromMs).toBeGreaterThan(900 * HOUR_MS);
});

test('when the budget is spent it answers what it has, and where to look on', async () => {
  for (const descending of [true, false]) {
    const { scan } = table([HOUR_MS, 999 * HOUR_MS], 50);
    const found: number[] = [];
    let span: TimeSpan = { fromMs: 0, toMs: 1000 * HOUR_MS };
    let pages = 0;
    for (let resumeMs: number | null = 0; resumeMs !== null; pages += 1) {
      const page: { rows: number[]; resumeMs: number | null } = await scan({ span, descending, budgetMs: 1_000 });
      found.push(...page.rows);
      resumeMs = page.resumeMs;
      if (resumeMs !== null) span = descending ? { ...span, toMs: resumeMs } : { ...span, fromMs: resumeMs };
    }
    expect(found).toEqual(descending ? [999 * HOUR_MS, HOUR_MS] : [HOUR_MS, 999 * HOUR_MS]);
    // 50 seconds of work, about a second per page.
    expect(pages).toBeGreaterThan(20);
    expect(pages).toBeLessThan(60);
  }
});

test('empty ends are cut off before the first step', async () => {
  const { scan, reads } = table([500 * HOUR_MS], 0.5);
  const narrow = () => Promise.resolve({ fromMs: 500 * HOUR_MS, toMs: 500 * HOUR_MS + 1 });
  expect(await scan({ narrow })).toEqual({ rows: [500 * HOUR_MS], resumeMs: null });
  expect(reads.slice(1)).toEqual([{ fromMs: 500 * HOUR_MS, toMs: 500 * HOUR_MS + 1 }]);
});

test('another failure is not a timeout', async () => {
  const read = () => Promise.reject(new Error('the database is away'));
  await expect(table([], 1).scan({ read })).rejects.toThrow('the database is away');
});

test('a millisecond that cannot be read in time fails instead of being tried for ever', async () => {
  const canceled = Object.assign(new Error('canceled'), { code: '57014' });
  const read = () => Promise.reject(canceled);
  await expect(table([], 1).scan({ read })).rejects.toBe(canceled);
});
