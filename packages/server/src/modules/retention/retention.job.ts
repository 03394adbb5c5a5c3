import { v7 } from 'uuid';
import { toRfc3339 } from '../../kernel/clock.ts';
import { validationFailed } from '../../kernel/problem.ts';
import type { Database } from '../../platform/database/index.ts';
import { defineJobType, type JobType, type RunContext } from '../../platform/jobs/index.ts';
import { RetentionConfig } from './retention.schema.ts';
import {
  countDue,
  ENDED_SESSIONS,
  FINISHED_DELIVERIES,
  forgetDue,
  readClock,
  RESOLVED_ALERTS,
  type Kind,
} from './retention.sql.ts';

/** What one run does with one kind. */
interface Duty {
  name: 'resolvedAlerts' | 'endedSessions' | 'webhookDeliveries';
  title: string;
  kind: Kind;
  days: number;
}

const ROWS_AT_ONCE = 2_000;
const DAY_MS = 86_400_000;

/**
 * Deletes what nothing else prunes, or prunes later. Stock is not among it: ledger and journal are the record and their
 * rows cannot be deleted; a reservation is what its ledger entries refer to, and what verification recomputes levels
 * from. Nor are keys and people that were removed, by whose ids ledger and audit say who did something.
 */
export function dataRetentionType({ kysely }: Database): JobType {
  return defineJobType({
    name: 'data_retention',
    title: 'Delete old data',
    description:
      'Deletes resolved alerts, ended sessions and finished webhook deliveries that are over their age. The result is how many of each. Ledger, journal and reservations are kept for ever.',
    config: RetentionConfig,
    concurrency: 1,
    defaults: { timeoutMs: 3_600_000 },
    check: (config) => {
      if (dutiesOf(config).length > 0) return;
      throw validationFailed([{ path: '/config', message: 'must name the age of something to delete' }]);
    },
    run: async (context) => {
      const nowMs = await readClock(kysely);
      const duties = dutiesOf(context.config);
      const counts: Record<string, number> = {};
      for (const [index, duty] of duties.entries()) {
        const tell = (count: number): void => context.progress((index / duties.length) * 100, `${count} ${duty.title}`);
        counts[duty.name] = await fulfil(kysely, duty, { context, nowMs, tell });
        context.log('info', `${counts[duty.name]} ${duty.title} from before ${toRfc3339(nowMs - duty.days * DAY_MS)}`);
      }
      return { isDryRun: context.config.dryRun === true, deleted: counts };
    },
  });
}

function dutiesOf({ resolvedAlertsDays, endedSessionsDays, webhookDeliveriesDays }: RetentionConfig): Duty[] {
  const duties = [
    { name: 'resolvedAlerts', title: 'resolved alerts', kind: RESOLVED_ALERTS, days: resolvedAlertsDays },
    { name: 'endedSessions', title: 'ended sessions', kind: ENDED_SESSIONS, days: endedSessionsDays },
    { name: 'webhookDeliveries', title: 'webhook deliveries', kind: FINISHED_DELIVERIES, days: webhookDeliveriesDays },
  ] as const;
  return duties.flatMap((duty) => (duty.days === undefined ? [] : [{ ...duty, days: duty.days }]));
}

interface Task {
  context: RunContext<RetentionConfig>;
  nowMs: number;
  tell: (count: number) => void;
}

/** Batch by batch, each of them committed: a run that is broken off has done what it has told. */
async function fulfil(kysely: Database['kysely'], { kind, days }: Duty, { context, nowMs, tell }: Task) {
  const overBeforeMs = nowMs - days * DAY_MS;
  const below = lowestIdAt(overBeforeMs);
  const act = context.config.dryRun === true ? countDue : forgetDue;
  let count = 0;
  for (let after: string | null = null; ;) {
    context.signal.throwIfAborted();
    const { due, looked, last } = await act(kysely, kind, { after, below, overBeforeMs, most: ROWS_AT_ONCE });
    count += due;
    tell(count);
    if (looked < ROWS_AT_ONCE) return count;
    after = last;
  }
}

/** Of all UUIDv7 of that millisecond. */
function lowestIdAt(ms: number): string {
  return v7({ msecs: ms, seq: 0, random: new Uint8Array(16) });
}
