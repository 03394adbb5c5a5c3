import type { Clock } from '../../kernel/clock.ts';
import {
  setHeaderLines,
  type LimitedReply,
  type LimitedRequest,
  type LimitedRoute,
  type RouteCharges,
} from '../../platform/http/index.ts';
import type { LimitStore, TemplatePart } from '../../platform/limiter/index.ts';
import { linesOf } from './bulk.lines.ts';
import { CALLER, type CallerBook, type Identity, type Peer } from './caller.book.ts';
import { NewCharges, REUSED_MAX, ReusedCharges, type ChargeList } from './charge.list.ts';
import { limitLines, strictest } from './limit.headers.ts';
import type { LiveRule, RuleCharge } from './live.rule.ts';
import { rateLimited } from './rate-limited.problem.ts';
import { costOf, planFor, planOf, segmentsOfRequest, templateOf, type PlannedRule } from './route.plan.ts';
import { bounded, EVERYBODY, NOBODY } from './subject.rules.ts';
import type { TrafficRecorder } from './traffic.recorder.ts';

/** What the charges of all routes share. */
export interface ChargeDeps {
  store: LimitStore;
  clock: Clock;
  /** Whether the store answers at once: then a charge is done with before the next request comes. */
  isImmediate: boolean;
  book: CallerBook;
  traffic: TrafficRecorder;
  /** Which tier a subject is of. */
  tierOf: (subject: string) => string | undefined;
  onError: (error: unknown) => void;
}

/** The rules that may count callers of one kind on one route, and the charges by them. */
interface CallerPlan {
  rules: readonly PlannedRule[];
  charges: ChargeList;
}

/** Charges the requests of one route by the rules that were planned for it. */
export class RequestCharges implements RouteCharges {
  readonly route: LimitedRoute;
  readonly template: readonly TemplatePart[];
  /** For what records traffic. */
  readonly #number: number;
  readonly #deps: ChargeDeps;
  /** By kind of caller, from elsewhere and from this machine in turn. */
  #plans: readonly CallerPlan[] = [];

  constructor(route: LimitedRoute, number: number, deps: ChargeDeps) {
    this.route = route;
    this.template = templateOf(route.url);
    this.#number = number;
    this.#deps = deps;
    this.use([]);
  }

  use(rules: readonly LiveRule[]): void {
    const plan = planOf(this.route, this.template, rules);
    const kinds = Object.values(CALLER).toSorted((left, right) => left - right);
    const { isImmediate } = this.#deps;
    this.#plans = kinds.flatMap((kind) =>
      [false, true].map((isHere) => callerPlan(planFor(plan, kind, isHere), isImmediate)),
    );
  }

  enter(request: LimitedRequest, reply: LimitedReply): void | Promise<void> {
    return this.#charge(request, reply, 1);
  }

  body(request: LimitedRequest, reply: LimitedReply): void | Promise<void> {
    // The first line was charged when the request came in.
    const more = linesOf(request.body) - 1;
    if (more > 0) return this.#charge(request, reply, more);
  }

  #charge(request: LimitedRequest, reply: LimitedReply, lines: number): void | Promise<void> {
    const { book, clock, store, traffic } = this.#deps;
    const identity = book.identityOf(request.caller);
    const peer = book.peerOf(request.ip);
    const charges = this.#chargesOf(request, identity, peer, lines);
    if (charges.length === 0) return traffic.note(this.#number, identity, peer, lines, clock.now());
    const passes = store.take(charges);
    if (typeof passes === 'boolean') {
      const nowMs = timeOf(charges, clock);
      traffic.note(this.#number, identity, peer, lines, nowMs);
      return this.#settle(charges, passes, nowMs, reply);
    }
    traffic.note(this.#number, identity, peer, lines, clock.now());
    return passes.then((passed) => this.#settle(charges, passed, timeOf(charges, clock), reply));
  }

  #chargesOf(request: LimitedRequest, identity: Identity, peer: Peer, lines: number): readonly RuleCharge[] {
    const plan = this.#plans[identity.kind * 2 + (isFromHere(request, peer) ? 1 : 0)];
    const { rules, charges } = plan as CallerPlan;
    let segments: string[] | null = null;
    charges.begin();
    for (let index = 0; index < rules.length; index += 1) {
      const { rule, path, cost, costs } = rules[index] as PlannedRule;
      const subject = subjectOf(rule, request, identity, peer);
      if (subject === null || !isOfTier(rule, this.#deps.tierOf, subject)) continue;
      if (path !== null || cost === null) segments ??= segmentsOfRequest(this.route.url, request);
      if (path !== null && !path.matches(segments ?? [])) continue;
      const units = (cost ?? costOf(costs, this.route.method, segments ?? [])) * lines;
      charges.add(index, rule, subject, units);
    }
    return charges.all();
  }

  /** @throws Problem `rate_limited` */
  #settle(charges: readonly RuleCharge[], passes: boolean, nowMs: number, reply: LimitedReply): void {
    for (const charge of charges) {
      if (passes || !charge.allowed) charge.rule.tally.count(charge, nowMs);
    }
    const answering = strictest(charges);
    if (answering !== null) setHeaderLines(reply, limitLines(charges, answering, nowMs));
    if (!passes && answering !== null) throw rateLimited(answering, nowMs);
    this.#refundLater(charges, reply);
  }

  /** Where a rule says so, work that is refused is not charged. */
  #refundLater(charges: readonly RuleCharge[], { raw }: LimitedReply): void {
    for (const { rule } of charges) {
      if (rule.stored.refund !== 'refused') continue;
      raw.once('close', () => {
        if (raw.statusCode >= 400) void this.#refund(charges);
      });
      return;
    }
  }

  async #refund(charges: readonly RuleCharge[]): Promise<void> {
    try {
      await this.#deps.store.refund(charges.filter(({ rule, allowed }) => rule.stored.refund === 'refused' && allowed));
    } catch (error) {
      this.#deps.onError(error);
    }
  }
}

/** Charges may be used again where the store answers at once, and nobody comes back to them later. */
function callerPlan(rules: readonly PlannedRule[], isImmediate: boolean): CallerPlan {
  const isReused =
    isImmediate && rules.length <= REUSED_MAX && rules.every(({ rule }) => rule.stored.refund === 'never');
  return { rules, charges: isReused ? new ReusedCharges(rules) : new NewCharges() };
}

/** The store's clock; ours, where the store was away. */
export function timeOf(charges: readonly RuleCharge[], clock: Clock): number {
  const atMs = charges[0]?.atMs ?? 0;
  return atMs > 0 ? atMs : clock.now();
}

/** A proxy on this machine passes on what comes from elsewhere. */
function isFromHere({ headers }: LimitedRequest, { isLoopback }: Peer): boolean {
  return (
    isLoopback &&
    headers['x-forwarded-for'] === undefined &&
    headers['x-real-ip'] === undefined &&
    headers.forwarded === undefined &&
    headers.via === undefined
  );
}

/** Who is counted by this rule; null for whom it does not count. */
function subjectOf(rule: LiveRule, { headers }: LimitedRequest, identity: Identity, peer: Peer): string | null {
  switch (rule.stored.subject) {
    case 'api_key':
      return identity.apiKey;
    case 'user':
      return identity.user;
    case 'ip':
      return peer.subject;
    case 'global':
      return EVERYBODY;
    default: {
      const value = headers[rule.header ?? ''];
      // Without the header all are one: leaving it out is no way around the rule.
      return value === undefined ? NOBODY : bounded(String(value));
    }
  }
}

/** A rule of a tier is for its subjects; one of none is for all that have no rule of their own tier in its place. */
export function isOfTier(rule: LiveRule, tierOf: ChargeDeps['tierOf'], subject: string): boolean {
  const { tier } = rule.stored;
  if (tier === null && rule.otherTiers === null) return true;
  const own = tierOf(subject);
  if (tier !== null) return own === tier;
  return own === undefined || rule.otherTiers?.has(own) !== true;
}
