import type { LimitedReply } from '../../platform/http/index.ts';
import { NEVER } from '../../platform/limiter/index.ts';
import { policyText, type RuleCharge } from './live.rule.ts';

/**
 * The charge that answers for all: of those that refuse, the one that refuses longest; of those that do not, the one with
 * the fewest units left.
 */
export function strictest(charges: readonly RuleCharge[]): RuleCharge | null {
  let chosen: RuleCharge | null = null;
  for (const charge of charges) {
    if (!charge.shadow && (chosen === null || isStricter(charge, chosen))) chosen = charge;
  }
  return chosen;
}

function isStricter(charge: RuleCharge, than: RuleCharge): boolean {
  if (charge.allowed !== than.allowed) return !charge.allowed;
  if (charge.allowed) return charge.remaining < than.remaining;
  return than.retryMs !== NEVER && (charge.retryMs === NEVER || charge.retryMs > than.retryMs);
}

/**
 * `RateLimit-Policy` names every rule that counted, `RateLimit` the strictest (draft-ietf-httpapi-ratelimit-headers-10);
 * `X-RateLimit-*` say the same in the words of before the draft, `X-RateLimit-Reset` in seconds since the epoch.
 */
export function writeLimitHeaders(reply: LimitedReply, charges: readonly RuleCharge[], answering: RuleCharge): void {
  const { rule, remaining, resetMs, limit, atMs } = answering;
  reply.header('ratelimit-policy', charges.length === 1 ? policyOf(answering) : policiesOf(charges));
  reply.header('ratelimit', `${rule.label};r=${remaining};t=${seconds(resetMs)}`);
  reply.header('x-ratelimit-limit', limit);
  reply.header('x-ratelimit-remaining', remaining);
  reply.header('x-ratelimit-reset', seconds(atMs + resetMs));
}

function policyOf({ rule, limit }: RuleCharge): string {
  const { stored, label, policy } = rule;
  return limit === stored.limit ? policy : policyText(label, limit, stored.windowMs);
}

function policiesOf(charges: readonly RuleCharge[]): string {
  let text = '';
  for (const charge of charges) {
    if (!charge.shadow) text += text === '' ? policyOf(charge) : `, ${policyOf(charge)}`;
  }
  return text;
}

export function seconds(ms: number): number {
  return Math.ceil(ms / 1_000);
}
