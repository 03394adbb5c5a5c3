/** What a rule may count by. `sliding_window` keeps a log for small limits and two buckets for large ones. */
export const ALGORITHMS = ['token_bucket', 'sliding_window', 'fixed_window'] as const;
export type Algorithm = (typeof ALGORITHMS)[number];

/** How a counter works inside. The numbers travel to Redis. */
export const KIND = { bucket: 1, fixed: 2, twoBuckets: 3, log: 4 } as const;
export type Kind = (typeof KIND)[keyof typeof KIND];

/** Up to this limit a sliding window remembers every charge: 100 of them are 1.6 KB of one subject. */
export const LOG_LIMIT_MAX = 100;

export const LIMIT_MAX = 1_000_000_000;
/** 31 days. */
export const WINDOW_MAX_MS = 2_678_400_000;

/**
 * Counters are whole numbers of units × milliseconds: no division, so nothing is ever rounded and nothing drifts. They
 * stay exact up to 2^53, in JavaScript as in Redis's Lua.
 */
export const UNITS_TIMES_WINDOW_MAX = Number.MAX_SAFE_INTEGER;

export function kindOf(algorithm: Algorithm, limit: number): Kind {
  if (algorithm === 'token_bucket') return KIND.bucket;
  if (algorithm === 'fixed_window') return KIND.fixed;
  return limit <= LOG_LIMIT_MAX ? KIND.log : KIND.twoBuckets;
}

/**
 * What the subjects of one rule are counted on. Two rules never share one; a rule whose limit changes keeps it, one whose
 * window or algorithm changes gets another.
 */
export interface Counter {
  /** Names it in every store. */
  readonly id: string;
  readonly kind: Kind;
  readonly windowMs: number;
}

export function counterOf(ruleId: string, kind: Kind, windowMs: number): Counter {
  return { id: `${ruleId}:${kind}:${windowMs}`, kind, windowMs };
}

/** What becomes of a charge while the shared store is away. */
export const STORE_ERROR_POLICIES = ['allow', 'deny', 'local'] as const;
export type StoreErrorPolicy = (typeof STORE_ERROR_POLICIES)[number];

/**
 * One counter that a request is charged to, and what came of it. The last members are written by the store; an object may
 * be used again for the next request once they were read.
 */
export interface Charge {
  counter: Counter;
  subject: string;
  /** Units per window. */
  limit: number;
  /** The most that a token bucket holds; elsewhere as `limit`. */
  burst: number;
  /** Units that the request takes. */
  cost: number;
  /** Counted, and refusing nothing. */
  shadow: boolean;
  onStoreError: StoreErrorPolicy;

  /** Whether this counter alone would let it pass. */
  allowed: boolean;
  /** Whole units that are left, after this charge. */
  remaining: number;
  /** Until the counter is as if never used. */
  resetMs: number;
  /** Until this cost may pass; 0 where it did, `NEVER` where it is more than the limit. */
  retryMs: number;
  /** The store's clock, in whole milliseconds since the epoch. */
  atMs: number;
}

export const NEVER = -1;

export function newCharge(
  of: Pick<Charge, 'counter' | 'subject' | 'limit' | 'burst' | 'cost'> & Partial<Charge>,
): Charge {
  return {
    counter: of.counter,
    subject: of.subject,
    limit: of.limit,
    burst: of.burst,
    cost: of.cost,
    shadow: of.shadow ?? false,
    onStoreError: of.onStoreError ?? 'allow',
    allowed: true,
    remaining: 0,
    resetMs: 0,
    retryMs: 0,
    atMs: of.atMs ?? 0,
  };
}

/**
 * Where counters are kept. Every implementation runs the suite in limit.store.fixture.ts.
 *
 * A request may be charged to several counters at once: to all of them, or, when one that is not a shadow refuses, to
 * none.
 */
export interface LimitStore {
  /** @returns whether the request may pass; each charge is told what its own counter says */
  take(charges: readonly Charge[]): boolean | Promise<boolean>;
  /** As `take` would answer, charging nothing. */
  peek(charges: readonly Charge[]): void | Promise<void>;
  /** Gives back what was taken, as far as the counter still holds it against the subject. `atMs` says when it was. */
  refund(charges: readonly Charge[]): void | Promise<void>;
}
