import { toRfc3339 } from '../../kernel/clock.ts';
import { precisionOf, type RuleFields } from './rate-limit.rules.ts';
import type { RateLimitView } from './rate-limit.schema.ts';

/** A rule as it stands in the database. */
export interface StoredRule extends RuleFields {
  id: string;
  version: number;
  createdAt: number;
  updatedAt: number;
}

export function rateLimitView(rule: StoredRule): RateLimitView {
  const { activeFrom, activeTo, createdAt, updatedAt, match, costs, ...rest } = rule;
  return {
    ...rest,
    match: match as RateLimitView['match'],
    costs: costs as RateLimitView['costs'],
    precision: precisionOf(rule),
    schedule: { from: timeOf(activeFrom), to: timeOf(activeTo) },
    createdAt: toRfc3339(createdAt),
    updatedAt: toRfc3339(updatedAt),
  };
}

function timeOf(ms: number | null): string | null {
  return ms === null ? null : toRfc3339(ms);
}
