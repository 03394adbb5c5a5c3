import { toRfc3339 } from '../../kernel/clock.ts';
import { LAST_MS } from '../../kernel/instant.ts';
import { NEVER } from '../../platform/limiter/index.ts';
import type { RuleCharge } from './live.rule.ts';

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
export function limitLines(charges: readonly RuleCharge[], answering: RuleCharge, nowMs: number): string {
  const { lines } = answering.rule;
  if (charges.length === 1) return lines.write(answering, nowMs);
  return `RateLimit-Policy: ${policiesOf(charges)}\r\n${lines.writeState(answering, nowMs)}`;
}

function policiesOf(charges: readonly RuleCharge[]): string {
  let text = '';
  for (const { shadow, rule, limit } of charges) {
    if (shadow) continue;
    const policy = rule.lines.policyOf(limit);
    text += text === '' ? policy : `, ${policy}`;
  }
  return text;
}

/** When it is as if nothing was used. A bucket that is large and slow may take longer than there are dates. */
export function resetAt(nowMs: number, resetMs: number): string {
  return toRfc3339(Math.min(LAST_MS, nowMs + resetMs));
}
