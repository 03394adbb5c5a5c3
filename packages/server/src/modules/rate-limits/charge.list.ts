import { aimAt, chargeBy, type LiveRule, type RuleCharge } from './live.rule.ts';
import type { PlannedRule } from './route.plan.ts';

/** The charges of one request after the other, by the rules of a plan. */
export interface ChargeList {
  begin(): void;
  /** @param index of the rule in the plan */
  add(index: number, rule: LiveRule, subject: string, units: number): void;
  all(): readonly RuleCharge[];
}

export class NewCharges implements ChargeList {
  #charges: RuleCharge[] = [];

  begin(): void {
    this.#charges = [];
  }

  add(_index: number, rule: LiveRule, subject: string, units: number): void {
    this.#charges.push(chargeBy(rule, subject, units));
  }

  all(): readonly RuleCharge[] {
    return this.#charges;
  }
}

/** With so many rules there are 256 lists at most. */
export const REUSED_MAX = 8;

/**
 * Makes nothing anew: a charge per rule, and a list per choice of rules, which are few. Each request must be done with
 * them before the next one comes.
 */
export class ReusedCharges implements ChargeList {
  readonly #byRule: readonly RuleCharge[];
  /** By the rules that are in them, a bit for each. */
  readonly #lists: (readonly RuleCharge[] | undefined)[];
  #chosen = 0;

  constructor(plan: readonly PlannedRule[]) {
    this.#byRule = plan.map(({ rule }) => chargeBy(rule, '', 1));
    this.#lists = Array.from({ length: 2 ** plan.length }, () => undefined);
  }

  begin(): void {
    this.#chosen = 0;
  }

  add(index: number, _rule: LiveRule, subject: string, units: number): void {
    aimAt(this.#byRule[index] as RuleCharge, subject, units);
    this.#chosen |= 1 << index;
  }

  all(): readonly RuleCharge[] {
    return (this.#lists[this.#chosen] ??= this.#byRule.filter((_charge, index) => this.#chosen & (1 << index)));
  }
}
