import { KIND, NEVER, type Charge, type Kind } from './limit.ts';

/**
 * One subject's counter. What the members mean is its algorithm's; all are whole numbers.
 *
 * - bucket: `used` is units × windowMs that are taken and not refilled yet, as of `at`.
 * - fixed: `used` units in the window of number `at`.
 * - two buckets: `used` units in the window of number `at`, `before` in the one before it.
 * - log: `log` holds time and units of each charge in turn, oldest first; `used` is their sum.
 */
export interface CounterState {
  at: number;
  used: number;
  before: number;
  log: number[] | null;
}

export function emptyState(): CounterState {
  return { at: 0, used: 0, before: 0, log: null };
}

/** The in-process twin of take.lua.ts: the same functions under the same names, step by step. */
export interface CounterAlgorithm {
  /**
   * Brings the counter to this time: what time has forgiven is gone. A clock that is behind by up to a window is waited
   * for. One that is further behind was set back, as Redis's may be: waiting for it would refuse for hours, so counting
   * begins anew.
   */
  advance(state: CounterState, charge: Charge, nowMs: number): void;
  fits(state: CounterState, charge: Charge): boolean;
  spend(state: CounterState, charge: Charge, nowMs: number): void;
  /** Gives back what was spent at `charge.atMs`, as far as time has not. */
  giveBack(state: CounterState, charge: Charge, nowMs: number): void;
  remaining(state: CounterState, charge: Charge): number;
  /** Until the counter is empty. */
  resetMs(state: CounterState, charge: Charge, nowMs: number): number;
  /** Until the cost fits, for one that does not now and that some day will. */
  retryMs(state: CounterState, charge: Charge, nowMs: number): number;
}

/**
 * Refills `limit` units per window, evenly, and holds `burst` at most. Counts units × windowMs: one millisecond refills
 * exactly `limit` of those, so a rate of 7 per minute is kept to the millisecond for ever.
 */
const bucket: CounterAlgorithm = {
  advance(state, { limit, counter }, nowMs) {
    if (nowMs <= state.at && state.at <= nowMs + counter.windowMs) return;
    state.used = nowMs < state.at ? 0 : Math.max(0, state.used - (nowMs - state.at) * limit);
    state.at = nowMs;
  },
  fits: (state, { cost, burst, counter }) => state.used + cost * counter.windowMs <= burst * counter.windowMs,
  spend(state, { cost, counter }) {
    state.used += cost * counter.windowMs;
  },
  giveBack(state, { cost, counter, limit, atMs }, nowMs) {
    // Had it never been spent, the bucket might have been full meanwhile: so much may be forgiven already.
    const held = cost * counter.windowMs - Math.max(0, nowMs - atMs) * limit;
    state.used = Math.max(0, state.used - Math.max(0, held));
  },
  remaining: (state, { burst, counter }) =>
    Math.max(0, Math.floor((burst * counter.windowMs - state.used) / counter.windowMs)),
  resetMs: (state, { limit }) => Math.ceil(state.used / limit),
  retryMs: (state, { cost, burst, limit, counter }) =>
    Math.ceil((state.used + (cost - burst) * counter.windowMs) / limit),
};

/** Windows begin at whole multiples of their length, by the store's clock. */
const fixed: CounterAlgorithm = {
  advance(state, { counter }, nowMs) {
    const window = Math.floor(nowMs / counter.windowMs);
    if (window === state.at || window === state.at - 1) return;
    state.at = window;
    state.used = 0;
  },
  fits: (state, { cost, limit }) => state.used + cost <= limit,
  spend(state, { cost }) {
    state.used += cost;
  },
  giveBack(state, { cost, counter, atMs }) {
    if (Math.floor(atMs / counter.windowMs) === state.at) state.used = Math.max(0, state.used - cost);
  },
  remaining: (state, { limit }) => Math.max(0, limit - state.used),
  resetMs: (state, { counter }, nowMs) => (state.used === 0 ? 0 : (state.at + 1) * counter.windowMs - nowMs),
  retryMs: (state, { counter }, nowMs) => (state.at + 1) * counter.windowMs - nowMs,
};

/**
 * A window that slides, from two that do not: the one before counts by the share of it that the sliding one still
 * covers. Even traffic is counted right; traffic that came in a lump at the edge of a window is counted up to one
 * window's worth too low or too high.
 */
const twoBuckets: CounterAlgorithm = {
  advance(state, { counter }, nowMs) {
    const window = Math.floor(nowMs / counter.windowMs);
    if (window === state.at || window === state.at - 1) return;
    state.before = window === state.at + 1 ? state.used : 0;
    state.used = 0;
    state.at = window;
  },
  fits: (state, charge) =>
    weightOf(state, charge) + charge.cost * charge.counter.windowMs <= charge.limit * charge.counter.windowMs,
  spend(state, { cost }) {
    state.used += cost;
  },
  giveBack(state, { cost, counter, atMs }) {
    const window = Math.floor(atMs / counter.windowMs);
    if (window === state.at) state.used = Math.max(0, state.used - cost);
    else if (window === state.at - 1) state.before = Math.max(0, state.before - cost);
  },
  remaining: (state, charge) =>
    Math.max(
      0,
      Math.floor((charge.limit * charge.counter.windowMs - weightOf(state, charge)) / charge.counter.windowMs),
    ),
  resetMs(state, { counter }, nowMs) {
    if (state.used > 0) return (state.at + 2) * counter.windowMs - nowMs;
    return state.before > 0 ? (state.at + 1) * counter.windowMs - nowMs : 0;
  },
  retryMs(state, charge, nowMs) {
    const { windowMs } = charge.counter;
    const over = weightOf(state, charge) + (charge.cost - charge.limit) * windowMs;
    const overThen = (state.used + charge.cost - charge.limit) * windowMs;
    if (overThen <= 0) return Math.ceil(over / state.before);
    // In the next window this one is the one before, and wanes.
    return (state.at + 1) * windowMs - nowMs + Math.ceil(overThen / state.used);
  },
};

/** Units × windowMs that the sliding window holds at the time of the charge. */
function weightOf(state: CounterState, { counter, atMs }: Charge): number {
  const sinceMs = atMs - state.at * counter.windowMs;
  return state.before * (counter.windowMs - sinceMs) + state.used * counter.windowMs;
}

/** Remembers each charge for exactly one window: no window of that length ever holds more than the limit. */
const log: CounterAlgorithm = {
  advance(state, { counter }, nowMs) {
    const { log: entries } = state;
    state.at = nowMs;
    if (entries === null) return;
    const isSetBack = (entries.at(-2) ?? 0) > nowMs + counter.windowMs;
    let gone = 0;
    while (gone < entries.length && (isSetBack || (entries[gone] as number) <= nowMs - counter.windowMs)) {
      state.used -= entries[gone + 1] as number;
      gone += 2;
    }
    if (gone > 0) entries.splice(0, gone);
  },
  fits: (state, { cost, limit }) => state.used + cost <= limit,
  spend(state, { cost }, nowMs) {
    if (cost === 0) return;
    const entries = state.log;
    // Most who come once do not come again: an array that is pushed to has room for eight charges from the first one on.
    if (entries === null) state.log = [nowMs, cost];
    // A clock that was set back: the log stays in order.
    else if ((entries.at(-2) as number) >= nowMs) entries[entries.length - 1] = (entries.at(-1) as number) + cost;
    else entries.push(nowMs, cost);
    state.used += cost;
  },
  giveBack(state, { cost, atMs }) {
    const entries = state.log ?? [];
    for (let at = 0; at < entries.length; at += 2) {
      if (entries[at] !== atMs) continue;
      const back = Math.min(cost, entries[at + 1] as number);
      entries[at + 1] = (entries[at + 1] as number) - back;
      // Left in place, those of a caller who is always given back its units would be as many as its requests.
      if (entries[at + 1] === 0) entries.splice(at, 2);
      state.used -= back;
      return;
    }
  },
  remaining: (state, { limit }) => Math.max(0, limit - state.used),
  resetMs(state, { counter }, nowMs) {
    return state.used === 0 ? 0 : (state.log?.at(-2) as number) + counter.windowMs - nowMs;
  },
  retryMs(state, { cost, limit, counter }, nowMs) {
    const entries = state.log ?? [];
    let over = state.used + cost - limit;
    for (let at = 0; at < entries.length; at += 2) {
      over -= entries[at + 1] as number;
      if (over <= 0) return (entries[at] as number) + counter.windowMs - nowMs;
    }
    return counter.windowMs;
  },
};

const BY_KIND: Readonly<Record<Kind, CounterAlgorithm>> = {
  [KIND.bucket]: bucket,
  [KIND.fixed]: fixed,
  [KIND.twoBuckets]: twoBuckets,
  [KIND.log]: log,
};

export function algorithmOf(kind: Kind): CounterAlgorithm {
  return BY_KIND[kind];
}

/** Writes what the counter says into the charge. */
export function report(algorithm: CounterAlgorithm, state: CounterState, charge: Charge, nowMs: number): void {
  charge.remaining = algorithm.remaining(state, charge);
  charge.resetMs = algorithm.resetMs(state, charge, nowMs);
  const most = charge.counter.kind === KIND.bucket ? charge.burst : charge.limit;
  if (charge.allowed) charge.retryMs = 0;
  else charge.retryMs = charge.cost > most ? NEVER : Math.max(1, algorithm.retryMs(state, charge, nowMs));
}
