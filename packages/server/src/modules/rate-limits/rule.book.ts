import type { Load } from '../../platform/http/index.ts';
import { liveRule, type LiveRule } from './live.rule.ts';
import { isActive } from './rate-limit.rules.ts';
import type { RuleSet } from './rate-limit.sql.ts';
import type { StoredRule } from './rate-limit.view.ts';
import { RuleTally } from './rule.tally.ts';
import { normalSubject } from './subject.rules.ts';

/** Of the limit, at each look, while the server is too busy. */
const TIGHTEN_FACTOR = 0.7;
/** Of the limit, at each look, when it no longer is: as slowly as trust comes back. */
const RELAX_STEP = 0.05;

const IDLE: Load = { inFlight: 0, lagMs: 0 };

/** The rules as this instance counts by them. */
export class RuleBook {
  /** All of them, by id, whether they count now or not. */
  #all = new Map<string, LiveRule>();
  #active: readonly LiveRule[] = [];
  readonly #tallies = new Map<string, RuleTally>();
  #load: Load = IDLE;
  #tiers = new Map<string, string>();

  get all(): ReadonlyMap<string, LiveRule> {
    return this.#all;
  }

  /** Those that count now. */
  get active(): readonly LiveRule[] {
    return this.#active;
  }

  get load(): Load {
    return this.#load;
  }

  readonly tierOf = (subject: string): string | undefined => this.#tiers.get(subject);

  observe(load: Load): void {
    this.#load = load;
  }

  tallyOf(ruleId: string): RuleTally {
    let tally = this.#tallies.get(ruleId);
    if (tally === undefined) {
      tally = new RuleTally();
      this.#tallies.set(ruleId, tally);
    }
    return tally;
  }

  /** Takes over what is stored. Rules that did not change keep all that they have counted. */
  replace(set: RuleSet, nowMs: number): void {
    const before = this.#all;
    const roots = new Map(set.successors.map(({ id, root }) => [id, root]));
    const rootOf = (subject: string): string => roots.get(subject) ?? subject;
    // A tier knows no kind of subject: what is named is a key's id, an address, or just a text.
    const namesOf = (subject: string): string[] => [subject, rootOf(subject), normalSubject('ip', subject)];
    this.#tiers = new Map(
      set.tiers.flatMap(({ tier, subjects }) => subjects.flatMap(namesOf).map((name) => [name, tier])),
    );
    this.#all = new Map(
      set.rules.map((stored) => {
        const factor = stored.adaptive === null ? 1 : (before.get(stored.id)?.factor ?? 1);
        return [stored.id, liveRule(stored, this.tallyOf(stored.id), rootOf, factor)];
      }),
    );
    for (const id of this.#tallies.keys()) if (!this.#all.has(id)) this.#tallies.delete(id);
    this.followSchedule(nowMs);
  }

  /** Rules whose time has come or is over. @returns whether there are any */
  followSchedule(nowMs: number): boolean {
    const active = [...this.#all.values()].filter(({ stored }) => isActive(stored, nowMs));
    const isSame = active.length === this.#active.length && active.every((rule, index) => rule === this.#active[index]);
    if (isSame) return false;
    this.#active = active;
    for (const rule of active) rule.otherTiers = tiersBeside(rule, active);
    return true;
  }

  /** Tightens adaptive rules while the server is too busy for them, and relaxes them after. */
  adapt(): void {
    for (const rule of this.#active) {
      const { adaptive } = rule.stored;
      if (adaptive === null) continue;
      const isBusy =
        (adaptive.eventLoopDelayMs !== null && this.#load.lagMs > adaptive.eventLoopDelayMs) ||
        (adaptive.inFlight !== null && this.#load.inFlight > adaptive.inFlight);
      rule.factor = isBusy
        ? Math.max(adaptive.floor, rule.factor * TIGHTEN_FACTOR)
        : Math.min(1, rule.factor + RELAX_STEP);
    }
  }
}

/**
 * Tiers for which a rule of the same subjects and requests stands beside this one, which has none. One that refuses
 * nothing is only tried: it takes no place of one that does.
 */
function tiersBeside({ stored: rule }: LiveRule, active: readonly LiveRule[]): ReadonlySet<string> | null {
  if (rule.tier !== null) return null;
  const tiers = active
    .map(({ stored }) => stored)
    .filter(({ tier, mode }) => tier !== null && (mode === 'enforce' || rule.mode === 'shadow'))
    .filter((other) => aboutOf(other) === aboutOf(rule))
    .map(({ tier }) => tier as string);
  return tiers.length === 0 ? null : new Set(tiers);
}

function aboutOf({ subject, match }: StoredRule): string {
  const { methods, path, callers, from } = match;
  return JSON.stringify([subject, methods?.toSorted() ?? null, path, callers, from]);
}
