import { NEVER, type Charge, type LimitStore } from './limit.ts';
import type { MemoryStore } from './memory.store.ts';

export interface SharedLimiterOptions {
  shared: LimitStore;
  /** For the local share while the shared store is away. */
  local: MemoryStore;
  /** How many instances there are, as far as this one knows: what it may grant by itself is that part of a limit. */
  instances: () => number;
  /** A request was answered without the shared store. */
  onAway?: (error: unknown) => void;
}

/** When to ask again, for who is refused because nobody can count. */
const DENIED_RETRY_MS = 1_000;

/**
 * A shared store, and what each rule wants done while it is away: let pass, refuse, or count here, up to this instance's
 * share. The shared store gives up by itself within some 50 ms, and answers at once while it knows that it is away, so no
 * request waits longer; the first one that it serves again is counted by it again.
 */
export class SharedLimiter implements LimitStore {
  readonly #options: Required<SharedLimiterOptions>;

  constructor(options: SharedLimiterOptions) {
    this.#options = { onAway: () => undefined, ...options };
  }

  async take(charges: readonly Charge[]): Promise<boolean> {
    try {
      return await this.#options.shared.take(charges);
    } catch (error) {
      this.#options.onAway(error);
      return this.#without(charges, true);
    }
  }

  async peek(charges: readonly Charge[]): Promise<void> {
    try {
      await this.#options.shared.peek(charges);
    } catch (error) {
      this.#options.onAway(error);
      this.#without(charges, false);
    }
  }

  /** What was granted while the store was away is not given back to it. */
  async refund(charges: readonly Charge[]): Promise<void> {
    try {
      await this.#options.shared.refund(charges.filter(({ atMs }) => atMs > 0));
    } catch (error) {
      this.#options.onAway(error);
    }
  }

  #without(charges: readonly Charge[], spends: boolean): boolean {
    let denies = false;
    for (const charge of charges) {
      charge.atMs = 0;
      charge.allowed = charge.onStoreError !== 'deny';
      charge.remaining = charge.allowed ? charge.limit : 0;
      charge.resetMs = 0;
      charge.retryMs = charge.allowed ? 0 : DENIED_RETRY_MS;
      if (!charge.allowed && !charge.shadow) denies = true;
    }
    const local = charges.filter(({ onStoreError }) => onStoreError === 'local');
    return this.#locally(local, spends && !denies) && !denies;
  }

  #locally(charges: readonly Charge[], spends: boolean): boolean {
    const instances = Math.max(1, this.#options.instances());
    const shares = charges.map((charge) => ({
      ...charge,
      limit: Math.max(1, Math.floor(charge.limit / instances)),
      burst: Math.max(1, Math.floor(charge.burst / instances)),
    }));
    if (spends) this.#options.local.take(shares);
    else this.#options.local.peek(shares);
    let passes = true;
    for (const [index, share] of shares.entries()) {
      const charge = charges[index] as Charge;
      const { allowed, remaining, resetMs, retryMs } = share;
      // More than the share, and not more than the whole: it may pass when the store is back.
      const mayPassLater = retryMs === NEVER && charge.cost <= charge.burst;
      Object.assign(charge, { allowed, remaining, resetMs, retryMs: mayPassLater ? DENIED_RETRY_MS : retryMs });
      if (!allowed && !charge.shadow) passes = false;
    }
    return passes;
  }
}
