import { toRfc3339 } from '../../kernel/clock.ts';
import type { Database } from '../../platform/database/index.ts';
import type { Limits } from './limits.ts';
import type { LiveRule } from './live.rule.ts';
import { STEP_MS } from './rule.tally.ts';
import type { StatsKeeper } from './stats.keeper.ts';
import type { StatsAnswer } from './stats.schema.ts';
import { readSteps, readTopSubjects, type RuleStep, type SubjectCounts } from './stats.sql.ts';

const TOP_SUBJECTS = 10;
const MINUTE_MS = 60_000;

export interface StatsDeps {
  database: Pick<Database, 'kysely'>;
  limits: Limits;
  keeper: StatsKeeper;
  /** Whether the shared store answers now. */
  isStoreUp: () => boolean;
}

/** What became of requests, rule by rule: of all instances, this one up to now and the others up to two seconds ago. */
export async function statsOf(
  { database: { kysely }, limits, keeper, isStoreUp }: StatsDeps,
  { minutes, rateLimit }: { minutes: number; rateLimit?: string | undefined },
): Promise<StatsAnswer> {
  await keeper.flush();
  const nowMs = limits.clock.now();
  const fromMs = Math.floor((nowMs - minutes * MINUTE_MS) / STEP_MS) * STEP_MS;
  const [steps, subjects] = await Promise.all([
    readSteps(kysely, fromMs, rateLimit),
    readTopSubjects(kysely, fromMs, rateLimit, TOP_SUBJECTS),
  ]);
  const rules = [...limits.rules.all.values()].filter(
    ({ stored }) => rateLimit === undefined || stored.id === rateLimit,
  );
  return {
    from: toRfc3339(fromMs),
    to: toRfc3339(nowMs),
    stepMs: STEP_MS,
    store: {
      kind: limits.isShared ? 'redis' : 'memory',
      scope: limits.isShared ? 'shared' : 'instance',
      isUp: isStoreUp(),
      subjects: limits.memory.size,
    },
    rules: rules.map((rule) => ruleStats(rule, steps, subjects)),
  };
}

function ruleStats(
  { stored, factor }: LiveRule,
  allSteps: readonly RuleStep[],
  allSubjects: readonly SubjectCounts[],
): StatsAnswer['rules'][number] {
  const { id, name, mode, enabled } = stored;
  const steps = allSteps.filter(({ ruleId }) => ruleId === id);
  const sum = (count: (step: RuleStep) => number): number => steps.reduce((total, step) => total + count(step), 0);
  return {
    id,
    name,
    mode,
    enabled,
    factor: Math.round(factor * 10_000) / 10_000,
    allowed: sum((step) => step.allowed),
    refused: sum((step) => step.refused),
    shadowRefused: sum((step) => step.shadowRefused),
    overTime: steps.map(({ atMs, allowed, refused, shadowRefused }) => ({
      at: toRfc3339(atMs),
      allowed,
      refused,
      shadowRefused,
    })),
    topSubjects: allSubjects
      .filter(({ ruleId }) => ruleId === id)
      .map(({ subject, allowed, refused }) => ({ subject, allowed, refused })),
  };
}
