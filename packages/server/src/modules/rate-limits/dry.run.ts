import { toRfc3339 } from '../../kernel/clock.ts';
import { validationFailed } from '../../kernel/problem.ts';
import { algorithmOf, emptyState, type CounterState } from '../../platform/limiter/index.ts';
import type { Limits } from './limits.ts';
import { chargeBy, liveRule, type LiveRule } from './live.rule.ts';
import { fieldsOfNew } from './rate-limit.rules.ts';
import type { NewRateLimitBody } from './rate-limit.schema.ts';
import { isOfTier } from './request.charges.ts';
import { planOf, type PlannedRule } from './route.plan.ts';
import { RuleTally } from './rule.tally.ts';
import type { DryRunAnswer } from './stats.schema.ts';
import { EVERYBODY, isLoopback } from './subject.rules.ts';
import { TRAFFIC_STEP_MS, type TrafficRecord, type TrafficStep } from './traffic.recorder.ts';

/** Requests of ten seconds are played in at most so many lots, evenly. */
const LOTS_MAX = 200;
/** Of all records together: a third of a second of work, however much came in. */
const LOTS_IN_ALL = 1_000_000;
const SUBJECTS_SHOWN = 20;
const MINUTE_MS = 60_000;

interface Outcome {
  allowed: number;
  refused: number;
}

interface Played extends Outcome {
  state: CounterState;
}

interface Matched {
  subject: string;
  cost: number;
  requests: number;
}

/**
 * What a rule would have done with the last hour of this instance: the recorded requests, played again. Ten seconds of a
 * caller are known by their number, not by their moments: they are taken to have come evenly.
 *
 * @throws Problem `validation_failed`
 */
export function dryRun(limits: Limits, body: NewRateLimitBody): DryRunAnswer {
  const fields = fieldsOfNew(body);
  if (fields.subject.startsWith('header:')) {
    throw validationFailed([{ path: '/subject', message: 'must not be a header: what headers said is not kept' }]);
  }
  const nowMs = limits.clock.now();
  const stored = { ...fields, id: 'dry-run', version: 1, createdAt: nowMs, updatedAt: nowMs };
  const steps = limits.traffic.recent(nowMs);
  const records = steps.reduce((sum, step) => sum + step.records.length, 0);
  const dropped = steps.reduce((sum, step) => sum + step.dropped, 0);
  const lots = Math.min(LOTS_MAX, Math.ceil(LOTS_IN_ALL / records));
  const player = new Player(
    limits,
    liveRule(stored, new RuleTally(), (id) => limits.callers.keySubject(id)),
    lots,
  );
  for (const step of steps) player.play(step);
  return {
    from: steps[0] === undefined ? null : toRfc3339(steps[0].atMs),
    to: toRfc3339(nowMs),
    requests: steps.flatMap((step) => step.records).reduce((sum, { requests }) => sum + requests, dropped),
    ...player.answer(dropped),
  };
}

class Player {
  readonly #limits: Limits;
  readonly #rule: LiveRule;
  readonly #plans: (PlannedRule | null)[];
  readonly #subjects = new Map<string, Played>();
  readonly #minutes = new Map<number, Outcome>();
  readonly #lots: number;
  #unknown = 0;

  constructor(limits: Limits, rule: LiveRule, lots: number) {
    this.#lots = lots;
    this.#limits = limits;
    this.#rule = rule;
    this.#plans = limits.routes.map(({ route, template }) => planOf(route, template, [rule])[0] ?? null);
  }

  /** The records of ten seconds side by side: one caller may have several, and its time goes forward alone. */
  play({ atMs, records }: TrafficStep): void {
    const matched = records.flatMap((record) => this.#match(record) ?? []);
    for (let lot = 1; lot <= this.#lots; lot += 1) {
      const lotMs = atMs + Math.floor(((lot - 0.5) * TRAFFIC_STEP_MS) / this.#lots);
      for (const { subject, cost, requests } of matched) {
        const due = Math.round((requests * lot) / this.#lots) - Math.round((requests * (lot - 1)) / this.#lots);
        if (due > 0) this.#take(subject, cost, due, lotMs);
      }
    }
  }

  answer(dropped: number): Pick<DryRunAnswer, 'matched' | 'allowed' | 'refused' | 'unknown' | 'overTime' | 'subjects'> {
    const all = [...this.#subjects].map(([subject, { allowed, refused }]) => ({ subject, allowed, refused }));
    const allowed = all.reduce((sum, one) => sum + one.allowed, 0);
    const refused = all.reduce((sum, one) => sum + one.refused, 0);
    return {
      matched: allowed + refused,
      allowed,
      refused,
      unknown: this.#unknown + dropped,
      overTime: [...this.#minutes]
        .toSorted(([left], [right]) => left - right)
        .map(([at, outcome]) => ({ at: toRfc3339(at), ...outcome })),
      subjects: all
        .toSorted((left, right) => right.refused - left.refused || right.allowed - left.allowed)
        .slice(0, SUBJECTS_SHOWN),
    };
  }

  #match(record: TrafficRecord): Matched | null {
    const plan = this.#plans[record.route];
    if (plan == null) return null;
    const subject = this.#subjectOf(record);
    if (subject === null) return null;
    const { requests } = record;
    const { cost } = plan;
    // A path that the pattern names is not kept, nor who came after too many others.
    if (subject === undefined || plan.path !== null || cost === null) {
      this.#unknown += requests;
      return null;
    }
    return isOfTier(this.#rule, this.#limits.rules.tierOf, subject) ? { subject, cost, requests } : null;
  }

  /** null: the rule would not count it. undefined: nobody can tell. */
  #subjectOf({ identity, peer }: TrafficRecord): string | null | undefined {
    const { match, subject } = this.#rule.stored;
    const { callers } = this.#limits;
    const actor = callers.actorOf(identity);
    const address = callers.addressOf(peer);
    if (match.callers !== null) {
      if (actor === undefined) return undefined;
      if ((match.callers === 'anonymous') !== (actor === 'anonymous')) return null;
    }
    if (match.from !== null) {
      if (address === undefined) return undefined;
      if ((match.from === 'loopback') !== isLoopback(address.replace('::/64', '::1'))) return null;
    }
    if (subject === 'global') return EVERYBODY;
    if (subject === 'ip') return address;
    if (actor === undefined) return undefined;
    const { apiKey, user } = callers.identityOf({ actor, owner: actor, scopes: new Set() });
    return subject === 'api_key' ? apiKey : user;
  }

  #take(subject: string, cost: number, requests: number, atMs: number): void {
    let played = this.#subjects.get(subject);
    if (played === undefined) {
      played = { allowed: 0, refused: 0, state: emptyState() };
      this.#subjects.set(subject, played);
    }
    const minute = this.#minuteOf(atMs);
    const algorithm = algorithmOf(this.#rule.counter.kind);
    const charge = { ...chargeBy(this.#rule, subject, cost), atMs };
    algorithm.advance(played.state, charge, atMs);
    // All at one moment: as many pass as what is left pays for.
    const allowed = Math.min(requests, Math.floor(algorithm.remaining(played.state, charge) / cost));
    if (allowed > 0) algorithm.spend(played.state, { ...charge, cost: cost * allowed }, atMs);
    for (const outcome of [played, minute]) {
      outcome.allowed += allowed;
      outcome.refused += requests - allowed;
    }
  }

  #minuteOf(atMs: number): Outcome {
    const at = atMs - (atMs % MINUTE_MS);
    let minute = this.#minutes.get(at);
    if (minute === undefined) {
      minute = { allowed: 0, refused: 0 };
      this.#minutes.set(at, minute);
    }
    return minute;
  }
}
