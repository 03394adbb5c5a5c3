import type { LaneStatement } from '../platform/database/index.ts';

/**
 * Each statement must see what was committed while it, or one before it, waited for a lock: a database may prefer another
 * isolation for those who do not say.
 */
export const BEGIN: LaneStatement = { name: 'begin', text: 'BEGIN ISOLATION LEVEL READ COMMITTED', values: [] };

/** Settings of a transaction of the engine. */
export interface TransactionSettings {
  role: string | null;
  lockTimeoutMs: number;
  idleTimeoutMs: number;
}

/**
 * Sets what the engine's statements need, for a transaction or for a whole session, and selects `more`. `enable_…`: a plan
 * that was cached while a table was small must not scan it when it has grown. Each statement here is as good planned once:
 * re-planning two of them was 0.2 ms of each batch.
 */
export const setFor = (
  scope: 'transaction' | 'session',
  { role, lockTimeoutMs, idleTimeoutMs }: TransactionSettings,
  more: string,
): LaneStatement => {
  const isLocal = scope === 'transaction';
  return {
    name: `${scope}_settings`,
    text: `SELECT set_config('role', $1, ${isLocal}), set_config('lock_timeout', $2, ${isLocal}),
       set_config('idle_in_transaction_session_timeout', $3, ${isLocal}),
       set_config('enable_seqscan', 'off', ${isLocal}), set_config('enable_hashjoin', 'off', ${isLocal}),
       set_config('enable_mergejoin', 'off', ${isLocal}),
       set_config('plan_cache_mode', 'force_generic_plan', ${isLocal}), set_config('jit', 'off', ${isLocal}),
       set_config('timezone', 'UTC', ${isLocal}), set_config('datestyle', 'ISO', ${isLocal}), ${more}`,
    values: [role ?? 'none', String(lockTimeoutMs), String(idleTimeoutMs)],
  };
};
