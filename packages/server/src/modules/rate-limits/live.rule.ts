import {
  compileGlob,
  counterOf,
  KIND,
  type Charge,
  type Counter,
  type PathGlob,
} from '../../platform/limiter/index.ts';
import { LimitLines } from './limit.lines.ts';
import { kindOfRule, type RuleCost } from './rate-limit.rules.ts';
import type { StoredRule } from './rate-limit.view.ts';
import type { RuleTally } from './rule.tally.ts';

/** Numbers that hold for some subject. */
interface Allowance {
  limit: number;
  burst: number;
}

export interface LiveCost {
  methods: ReadonlySet<string> | null;
  path: PathGlob | null;
  cost: number;
}

/** A charge, and the rule that it is by. */
export interface RuleCharge extends Charge {
  rule: LiveRule;
}

/** A rule, ready to be counted by. */
export interface LiveRule {
  readonly stored: StoredRule;
  readonly counter: Counter;
  readonly methods: ReadonlySet<string> | null;
  readonly path: PathGlob | null;
  readonly costs: readonly LiveCost[];
  /** Of a `header:` rule, else null. */
  readonly header: string | null;
  readonly overrides: ReadonlyMap<string, Allowance> | null;
  readonly allowance: Allowance;
  readonly tally: RuleTally;
  readonly lines: LimitLines;
  /** Tiers that have a rule of their own in place of this one, now. */
  otherTiers: ReadonlySet<string> | null;
  /** How much of the limit holds now: below 1 while an adaptive rule is tightened. */
  factor: number;
}

/** @param countedAs how a subject that somebody names is counted */
export function liveRule(
  stored: StoredRule,
  tally: RuleTally,
  countedAs: (subject: string) => string,
  factor = 1,
): LiveRule {
  const { match, costs, overrides, subject } = stored;
  const ownNumbers = Object.entries(overrides);
  return {
    stored,
    counter: counterOf(stored.id, kindOfRule(stored), stored.windowMs),
    methods: methodsOf(match.methods),
    path: match.path === null ? null : compileGlob(match.path),
    costs: costs.map(liveCost),
    header: subject.startsWith('header:') ? subject.slice('header:'.length) : null,
    overrides:
      ownNumbers.length === 0
        ? null
        : new Map(
            ownNumbers.flatMap(([name, numbers]) =>
              [name, countedAs(name)].map((one) => [one, allowanceOf(numbers)] as const),
            ),
          ),
    allowance: allowanceOf(stored),
    tally,
    lines: new LimitLines(stored.name, stored.windowMs),
    otherTiers: null,
    factor,
  };
}

function liveCost({ methods, path, cost }: RuleCost): LiveCost {
  return { methods: methodsOf(methods), path: path === null ? null : compileGlob(path), cost };
}

/** A GET is answered to HEAD as well, at the same cost. */
function methodsOf(methods: readonly string[] | null): ReadonlySet<string> | null {
  if (methods === null) return null;
  return new Set(methods.includes('GET') ? [...methods, 'HEAD'] : methods);
}

/** Only buckets have a burst. */
function allowanceOf({ limit, burst }: { limit: number; burst: number | null }): Allowance {
  return { limit, burst: burst ?? limit };
}

export function chargeBy(rule: LiveRule, subject: string, cost: number): RuleCharge {
  const { counter, stored, allowance } = rule;
  const charge: RuleCharge = {
    counter,
    subject,
    limit: allowance.limit,
    burst: allowance.burst,
    cost,
    shadow: stored.mode === 'shadow',
    onStoreError: stored.onStoreError,
    allowed: true,
    remaining: 0,
    resetMs: 0,
    retryMs: 0,
    atMs: 0,
    rule,
  };
  return aimAt(charge, subject, cost);
}

/** Makes a charge by the same rule of one that was answered. */
export function aimAt(charge: RuleCharge, subject: string, cost: number): RuleCharge {
  const { overrides, allowance, factor } = charge.rule;
  const { limit, burst } = overrides?.get(subject) ?? allowance;
  const isTight = factor < 1;
  charge.subject = subject;
  charge.cost = cost;
  charge.limit = isTight ? Math.max(1, Math.floor(limit * factor)) : limit;
  charge.burst = isTight ? Math.max(1, Math.floor(burst * factor)) : burst;
  return charge;
}

/** The most that the subject may ever take at once. */
export function mostOf({ counter, limit, burst }: Charge): number {
  return counter.kind === KIND.bucket ? burst : limit;
}
