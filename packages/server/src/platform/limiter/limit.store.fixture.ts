import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { counterOf, KIND, LOG_LIMIT_MAX, NEVER, newCharge, type Charge, type Kind, type LimitStore } from './limit.ts';

/** A store whose clock the suite sets. */
export interface StoreRig {
  store: LimitStore;
  setTime(ms: number): void;
  close(): Promise<void>;
}

const DAY_MS = 86_400_000;
/** A round number for no window. */
const START_MS = 1_795_000_000_123;

interface Rule {
  kind: Kind;
  limit: number;
  windowMs: number;
  burst: number;
}

interface Step {
  afterMs: number;
  cost: number;
  isRefunded: boolean;
}

/** What every store of counters promises; within a `describe`. `runs`: how many random histories each property tries. */
export function limitStoreSuite(open: () => Promise<StoreRig>, runs: number): void {
  let rig: StoreRig;
  let nowMs = START_MS;
  let rules = 0;

  beforeAll(async () => {
    rig = await open();
    rig.setTime(nowMs);
  });
  afterAll(() => rig.close());

  const pass = (ms: number): void => {
    nowMs += ms;
    rig.setTime(nowMs);
  };
  /** Charges to a rule of its own. */
  const chargesTo = (rule: Partial<Rule> & { kind: Kind }) => {
    const { kind, limit = 5, windowMs = 1_000, burst = limit } = rule;
    rules += 1;
    const counter = counterOf(`rule-${rules}`, kind, windowMs);
    return (cost = 1, more: Partial<Charge> = {}): Charge =>
      newCharge({ counter, subject: 'ada', limit, burst, cost, ...more });
  };
  const take = async (charge: Charge): Promise<Charge> => {
    await rig.store.take([charge]);
    return charge;
  };
  const nextWindow = (windowMs: number): void => pass(windowMs - (nowMs % windowMs));

  test.each(Object.entries(KIND))('%s: admits exactly the limit, and tells the way back', async (_name, kind) => {
    nextWindow(1_000);
    const charge = chargesTo({ kind, limit: 5 });
    for (const remaining of [4, 3, 2, 1, 0]) {
      expect(await take(charge())).toMatchObject({ allowed: true, remaining, retryMs: 0, atMs: nowMs });
    }
    const refused = await take(charge());
    expect(refused).toMatchObject({ allowed: false, remaining: 0 });
    expect(refused.retryMs).toBeGreaterThan(0);
    pass(refused.retryMs - 1);
    expect((await take(charge())).allowed).toBe(false);
    pass(1);
    expect((await take(charge())).allowed).toBe(true);
  });

  test.each(Object.entries(KIND))('%s: is as if never used once resetMs have passed', async (_name, kind) => {
    const charge = chargesTo({ kind, limit: 7, windowMs: 60_000 });
    for (let count = 0; count < 7; count += 1) await take(charge());
    const full = charge(7);
    await rig.store.peek([full]);
    expect(full).toMatchObject({ allowed: false, remaining: 0 });
    pass(full.resetMs);
    expect(await take(charge(7))).toMatchObject({ allowed: true, remaining: 0 });
  });

  test.each(Object.entries(KIND))('%s: more than the limit at once never passes', async (_name, kind) => {
    const charge = chargesTo({ kind, limit: 3 });
    expect(await take(charge(4))).toMatchObject({ allowed: false, retryMs: NEVER, remaining: 3 });
    expect(await take(charge(3))).toMatchObject({ allowed: true, remaining: 0 });
  });

  test.each(Object.entries(KIND))('%s: looking spends nothing, nor does a cost of 0', async (_name, kind) => {
    const charge = chargesTo({ kind, limit: 2 });
    for (let count = 0; count < 5; count += 1) {
      const look = charge();
      await rig.store.peek([look]);
      expect(look).toMatchObject({ allowed: true, remaining: 2, resetMs: 0 });
      expect(await take(charge(0))).toMatchObject({ allowed: true, remaining: 2 });
    }
  });

  test.each(Object.entries(KIND))('%s: a refund gives back what is still held', async (_name, kind) => {
    nextWindow(10_000);
    const charge = chargesTo({ kind, limit: 4, windowMs: 10_000 });
    const spent = await take(charge(4));
    expect((await take(charge())).allowed).toBe(false);
    await rig.store.refund([spent]);
    expect(await take(charge(4))).toMatchObject({ allowed: true, remaining: 0 });
    pass(40_000);
    await take(charge(3));
    await rig.store.refund([spent]);
    const look = charge();
    await rig.store.peek([look]);
    expect(look.remaining).toBe(1);
  });

  const remainingOf = async (charge: Charge): Promise<number> => {
    await rig.store.peek([charge]);
    return charge.remaining;
  };

  test.each(Object.entries(KIND))(
    '%s: a refund gives back its own charge, whatever else came then',
    async (_name, kind) => {
      nextWindow(1_000);
      const charge = chargesTo({ kind, limit: 5 });
      await take(charge(1));
      await rig.store.refund([await take(charge(2))]);
      expect(await remainingOf(charge())).toBe(4);
      const last = await take(charge(1));
      // A clock that was set back meanwhile makes it no more.
      pass(-600);
      await rig.store.refund([last]);
      expect(await remainingOf(charge())).toBe(4);
      pass(600);
    },
  );

  test.each(Object.entries(KIND))('%s: refunds never leave more than the limit', async (_name, kind) => {
    nextWindow(1_000);
    const charge = chargesTo({ kind, limit: 5 });
    const spent = await take(charge(3));
    pass(1_000);
    await rig.store.refund([spent]);
    await rig.store.refund([spent]);
    expect(await remainingOf(charge())).toBe(5);
    await take(charge(1));
    const again = await take(charge(2));
    for (let count = 0; count < 3; count += 1) await rig.store.refund([again]);
    expect(await remainingOf(charge())).toBe(5);
  });

  test('a log whose clock was set back is used until its last charge is forgiven', async () => {
    const charge = chargesTo({ kind: KIND.log, limit: 5 });
    await take(charge());
    pass(-600);
    expect(await take(charge())).toMatchObject({ remaining: 3, resetMs: 1_600 });
    pass(600);
  });

  test('a log forgets what was given back, however often that happens within its window', async () => {
    const charge = chargesTo({ kind: KIND.log, limit: 3, windowMs: DAY_MS });
    await take(charge());
    for (let count = 0; count < 4_100; count += 1) {
      pass(1);
      const spent = await take(charge());
      expect(spent.allowed).toBe(true);
      await rig.store.refund([spent]);
    }
    const look = charge();
    await rig.store.peek([look]);
    expect(look).toMatchObject({ remaining: 2, resetMs: DAY_MS - 4_100 });
  });

  test.each(Object.entries(KIND))(
    '%s: a clock that is set back is waited for, but not for hours',
    async (_name, kind) => {
      nextWindow(1_000);
      const charge = chargesTo({ kind, limit: 5 });
      await take(charge(3));
      pass(1);
      await take(charge(2));
      pass(-600);
      expect(await take(charge())).toMatchObject({ allowed: false, remaining: 0 });
      pass(-3_600_000);
      expect(await take(charge(5))).toMatchObject({ allowed: true, remaining: 0 });
      const refused = await take(charge());
      expect(refused.allowed).toBe(false);
      expect(refused.retryMs).toBeLessThanOrEqual(2_000);
      pass(3_600_600);
    },
  );

  test('a bucket holds its burst and refills evenly', async () => {
    const charge = chargesTo({ kind: KIND.bucket, limit: 10, windowMs: 1_000, burst: 30 });
    expect(await take(charge(30))).toMatchObject({ allowed: true, remaining: 0, resetMs: 3_000 });
    expect(await take(charge())).toMatchObject({ allowed: false, retryMs: 100 });
    pass(250);
    expect(await take(charge(2))).toMatchObject({ allowed: true, remaining: 0, resetMs: 2_950 });
    pass(100_000);
    expect(await take(charge(30))).toMatchObject({ allowed: true, remaining: 0 });
    // A third of a second is not over after 333 ms.
    const third = chargesTo({ kind: KIND.bucket, limit: 3 });
    expect(await take(third())).toMatchObject({ remaining: 2, resetMs: 334 });
  });

  test('two buckets weigh the window before by the share that the sliding one still covers', async () => {
    nextWindow(1_000);
    const charge = chargesTo({ kind: KIND.twoBuckets, limit: 100, windowMs: 1_000 });
    await take(charge(100));
    pass(1_250);
    expect(await take(charge(26))).toMatchObject({ allowed: false, remaining: 25, retryMs: 10 });
    expect(await take(charge(25))).toMatchObject({ allowed: true, remaining: 0 });
    pass(500);
    expect(await take(charge(51))).toMatchObject({ allowed: false, remaining: 50 });
  });

  test('subjects and rules do not touch one another', async () => {
    const charge = chargesTo({ kind: KIND.log, limit: 1 });
    expect((await take(charge())).allowed).toBe(true);
    expect((await take(charge(1, { subject: 'bob' }))).allowed).toBe(true);
    expect((await take(chargesTo({ kind: KIND.log, limit: 1 })())).allowed).toBe(true);
    expect((await take(charge())).allowed).toBe(false);
  });

  test('several rules: all are charged, or none; a shadow refuses nothing', async () => {
    const wide = chargesTo({ kind: KIND.bucket, limit: 10 });
    const narrow = chargesTo({ kind: KIND.fixed, limit: 2, windowMs: 60_000 });
    const shadow = chargesTo({ kind: KIND.log, limit: 1, windowMs: 60_000 });
    const all = (): Charge[] => [wide(), narrow(), shadow(1, { shadow: true })];
    const told = async (): Promise<unknown[]> => {
      const charges = all();
      const passes = await rig.store.take(charges);
      return [passes, ...charges.map(({ allowed, remaining }) => [allowed, remaining])];
    };
    nextWindow(60_000);
    expect(await told()).toEqual([true, [true, 9], [true, 1], [true, 0]]);
    expect(await told()).toEqual([true, [true, 8], [true, 0], [false, 0]]);
    expect(await told()).toEqual([false, [true, 8], [false, 0], [false, 0]]);
  });

  test('a limit that changes keeps what was counted', async () => {
    const charge = chargesTo({ kind: KIND.fixed, limit: 5, windowMs: 60_000 });
    nextWindow(60_000);
    await take(charge(4));
    expect(await take(charge(1, { limit: 10, burst: 10 }))).toMatchObject({ allowed: true, remaining: 5 });
    expect(await take(charge(1, { limit: 5, burst: 5 }))).toMatchObject({ allowed: false, remaining: 0 });
  });

  test('of 10 times the limit at once exactly the limit passes', async () => {
    for (const kind of Object.values(KIND)) {
      const charge = chargesTo({ kind, limit: 50, windowMs: 60_000 });
      const charges = Array.from({ length: 500 }, () => charge());
      const passed = await Promise.all(charges.map(async (one) => rig.store.take([one])));
      expect(passed.filter(Boolean)).toHaveLength(50);
    }
  });

  test('a day of steady traffic at the rate: not one refused, not one too many', async () => {
    // 7 per minute has no whole number of milliseconds between two.
    const charge = chargesTo({ kind: KIND.bucket, limit: 7, windowMs: 60_000, burst: 1 });
    const dayEnds = nowMs + DAY_MS;
    let admitted = 0;
    while (nowMs < dayEnds) {
      const { allowed, retryMs } = await take(charge());
      admitted += allowed ? 1 : 0;
      pass(allowed ? 8_571 : retryMs);
    }
    expect(admitted).toBe((7 * DAY_MS) / 60_000);
  }, 120_000);

  const arbitraryRule = fc.record({
    limit: fc.integer({ min: 1, max: LOG_LIMIT_MAX }),
    windowMs: fc.integer({ min: 1, max: 5_000 }),
    burst: fc.integer({ min: 1, max: 200 }),
  });
  const arbitrarySteps = fc.array(
    fc.record({
      afterMs: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: 8_000 })),
      cost: fc.integer({ min: 1, max: 20 }),
      isRefunded: fc.boolean(),
    }),
    { minLength: 1, maxLength: 60 },
  );

  /** Plays a history; answers when how many units were admitted and kept. */
  const play = async (rule: Rule, steps: readonly Step[]): Promise<{ at: number; cost: number }[]> => {
    const charge = chargesTo(rule);
    const kept: { at: number; cost: number }[] = [];
    for (const { afterMs, cost, isRefunded } of steps) {
      pass(afterMs);
      const taken = await take(charge(cost));
      if (!taken.allowed) continue;
      if (isRefunded) await rig.store.refund([taken]);
      else kept.push({ at: nowMs, cost });
    }
    return kept;
  };
  const most = (kept: readonly { at: number; cost: number }[], isIn: (from: number, at: number) => boolean): number =>
    Math.max(
      0,
      ...kept.map(({ at: from }) => kept.reduce((sum, { at, cost }) => sum + (isIn(from, at) ? cost : 0), 0)),
    );

  test('a log: no window, wherever it begins, holds more than the limit', async () => {
    await fc.assert(
      fc.asyncProperty(arbitraryRule, arbitrarySteps, async (rule, steps) => {
        const kept = await play({ ...rule, kind: KIND.log }, steps);
        expect(most(kept, (from, at) => at >= from && at < from + rule.windowMs)).toBeLessThanOrEqual(rule.limit);
      }),
      { numRuns: runs },
    );
  });

  test('a fixed window never holds more than the limit', async () => {
    await fc.assert(
      fc.asyncProperty(arbitraryRule, arbitrarySteps, async (rule, steps) => {
        const kept = await play({ ...rule, kind: KIND.fixed }, steps);
        const windowOf = (at: number): number => Math.floor(at / rule.windowMs);
        expect(most(kept, (from, at) => windowOf(from) === windowOf(at))).toBeLessThanOrEqual(rule.limit);
      }),
      { numRuns: runs },
    );
  });

  test('a bucket: no stretch of time holds more than the burst and what was refilled', async () => {
    await fc.assert(
      fc.asyncProperty(arbitraryRule, arbitrarySteps, async (rule, steps) => {
        const kept = await play({ ...rule, kind: KIND.bucket }, steps);
        for (const { at: from } of kept) {
          let sum = 0;
          for (const { at, cost } of kept) {
            if (at < from) continue;
            sum += cost;
            // In whole numbers: units × windowMs.
            const bound = rule.burst * rule.windowMs + (at - from) * rule.limit;
            expect(sum * rule.windowMs).toBeLessThanOrEqual(bound);
          }
        }
      }),
      { numRuns: runs },
    );
  });

  test('two buckets: no window holds more than twice the limit, no whole one more than it', async () => {
    await fc.assert(
      fc.asyncProperty(arbitraryRule, arbitrarySteps, async (rule, steps) => {
        const kept = await play({ ...rule, kind: KIND.twoBuckets }, steps);
        const windowOf = (at: number): number => Math.floor(at / rule.windowMs);
        expect(most(kept, (from, at) => windowOf(from) === windowOf(at))).toBeLessThanOrEqual(rule.limit);
        expect(most(kept, (from, at) => at >= from && at < from + rule.windowMs)).toBeLessThanOrEqual(2 * rule.limit);
      }),
      { numRuns: runs },
    );
  });

  test('who waits as long as it was told passes, and a millisecond earlier does not', async () => {
    const kinds = fc.constantFrom(...Object.values(KIND));
    await fc.assert(
      fc.asyncProperty(arbitraryRule, kinds, arbitrarySteps, async (rule, kind, steps) => {
        const charge = chargesTo({ ...rule, kind });
        for (const { afterMs, cost } of steps) {
          pass(afterMs);
          const { allowed, retryMs } = await take(charge(cost));
          if (allowed || retryMs === NEVER) continue;
          pass(retryMs - 1);
          const early = charge(cost);
          await rig.store.peek([early]);
          expect(early.allowed).toBe(false);
          pass(1);
          expect((await take(charge(cost))).allowed).toBe(true);
          return;
        }
      }),
      { numRuns: runs },
    );
  });
}
