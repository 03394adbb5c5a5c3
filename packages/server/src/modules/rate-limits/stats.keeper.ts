import type { Engine } from '../../engine/index.ts';
import { toRfc3339 } from '../../kernel/clock.ts';
import { Loop } from '../../kernel/loop.ts';
import type { Database } from '../../platform/database/index.ts';
import type { Metrics } from '../../platform/metrics/index.ts';
import type { Limits } from './limits.ts';
import type { RuleTally } from './rule.tally.ts';
import { STATS_MINUTES_MAX, type Limited } from './stats.schema.ts';
import {
  addSteps,
  addSubjects,
  claimNotices,
  forgetBefore,
  type Notice,
  type RuleStep,
  type SubjectCounts,
} from './stats.sql.ts';

export interface StatsKeeperOptions {
  database: Pick<Database, 'kysely'>;
  engine: Engine;
  limits: Limits;
  metrics: Metrics;
  onError: (error: unknown) => void;
}

const FLUSH_EVERY_MS = 2_000;
const LAST_WITHIN_MS = 500;
const OUTCOMES = ['allowed', 'refused', 'shadow_refused'] as const;
const FORGET_EVERY_MS = 600_000;
const KEPT_MS = (STATS_MINUTES_MAX + 1) * 60_000;

/**
 * Writes down what the rules counted, every two seconds: one row per rule and ten seconds, however many requests there
 * were. And tells the journal who became limited: once per rule, subject and minute, whichever instances saw it.
 */
export class StatsKeeper {
  readonly #options: StatsKeeperOptions;
  readonly #loop: Loop;
  readonly #outcomes: ReturnType<typeof outcomeCounter>;
  /** Rules, by name, that the metric has. */
  readonly #metered = new Set<string>();
  #isStarted = false;
  #forgotAtMs = -Infinity;
  #flushing: Promise<void> = Promise.resolve();

  constructor(options: StatsKeeperOptions) {
    this.#options = options;
    this.#outcomes = outcomeCounter(options.metrics);
    const run = async (): Promise<number> => {
      await this.flush();
      await this.#forget();
      return FLUSH_EVERY_MS;
    };
    this.#loop = new Loop(run, { afterErrorMs: FLUSH_EVERY_MS, onError: options.onError });
  }

  start(): void {
    this.#isStarted = true;
    this.#loop.start();
  }

  /** What was counted last is written down, if the database takes it soon. */
  async stop(): Promise<void> {
    if (!this.#isStarted) return;
    this.#isStarted = false;
    const last = this.#loop.stop().then(() => this.flush());
    const late = new Promise<void>((resolve) => setTimeout(resolve, LAST_WITHIN_MS).unref());
    await Promise.race([last.catch(this.#options.onError), late]);
  }

  /** Runs by itself once started. One at a time. */
  flush(): Promise<void> {
    const next = this.#flushing.then(() => this.#flush());
    this.#flushing = next.catch(() => undefined);
    return next;
  }

  async #flush(): Promise<void> {
    const steps: RuleStep[] = [];
    const subjects: SubjectCounts[] = [];
    const notices: Notice[] = [];
    const { limits } = this.#options;
    for (const [ruleId, { tally, stored }] of limits.rules.all) {
      const report = tally.drain();
      if (report === null) continue;
      this.#meter(stored.name, report.steps);
      steps.push(...report.steps.map((step) => ({ ruleId, ...step })));
      subjects.push(
        ...report.subjects.map(({ subject, allowed, refused }) => ({
          ruleId,
          minuteMs: report.minuteMs,
          subject,
          allowed,
          refused,
        })),
      );
      notices.push(...report.notices.map((notice) => ({ ruleId, ...notice })));
    }
    this.#unmeter(new Set([...limits.rules.all.values()].map(({ stored }) => stored.name)));
    const { kysely } = this.#options.database;
    await addSteps(kysely, steps);
    await addSubjects(kysely, subjects);
    if (notices.length > 0) await this.#tell(notices);
  }

  async #tell(notices: readonly Notice[]): Promise<void> {
    const { engine, limits } = this.#options;
    const meta = { actor: 'system:rate-limits', requestId: 'system:rate-limits', idempotency: null };
    await engine.transact(meta, async (tx) => {
      const claimed = await claimNotices(tx, notices);
      const journal = claimed.map(({ ruleId, subject, minuteMs }) => {
        const name = limits.rules.all.get(ruleId)?.stored.name ?? null;
        const data: Limited = { rateLimit: { id: ruleId, name }, subject, minute: toRfc3339(minuteMs) };
        return { kind: 'rate_limit.limited', subject: ruleId, data };
      });
      return { status: 204, body: null, journal };
    });
  }

  /** Who makes rules by program, and deletes or renames them, would leave series behind without end. */
  #unmeter(names: ReadonlySet<string>): void {
    for (const rule of this.#metered) {
      if (names.has(rule)) continue;
      for (const outcome of OUTCOMES) this.#outcomes.remove({ rule, outcome });
      this.#metered.delete(rule);
    }
  }

  #meter(rule: string, steps: readonly RuleTallyStep[]): void {
    this.#metered.add(rule);
    for (const { allowed, refused, shadowRefused } of steps) {
      if (allowed > 0) this.#outcomes.inc({ rule, outcome: 'allowed' }, allowed);
      if (refused > 0) this.#outcomes.inc({ rule, outcome: 'refused' }, refused);
      if (shadowRefused > 0) this.#outcomes.inc({ rule, outcome: 'shadow_refused' }, shadowRefused);
    }
  }

  async #forget(): Promise<void> {
    const nowMs = this.#options.limits.clock.now();
    if (nowMs - this.#forgotAtMs < FORGET_EVERY_MS) return;
    this.#forgotAtMs = nowMs;
    await forgetBefore(this.#options.database.kysely, nowMs - KEPT_MS);
  }
}

type RuleTallyStep = NonNullable<ReturnType<RuleTally['drain']>>['steps'][number];

function outcomeCounter(metrics: Metrics) {
  return metrics.counter({
    name: 'rate_limit_requests_total',
    help: 'Requests that a rate limit counted, by what became of them.',
    labelNames: ['rule', 'outcome'],
  });
}
