import type { Clock } from '../../kernel/clock.ts';
import type { Database } from '../../platform/database/index.ts';
import { selectPending } from './delivery.sql.ts';
import { selectProgress, type Lease } from './progress.sql.ts';
import { CLOSED, type Circuit } from './retry.rules.ts';
import type { Item } from './subject.lanes.ts';
import { findWebhook, selectSecrets } from './webhook.sql.ts';

/** An endpoint as its holder found it. Instants are on the holder's monotonic clock. */
export interface Endpoint {
  id: string;
  lease: Lease;
  version: number;
  replays: number;
  url: string;
  events: readonly string[];
  topics: readonly string[];
  secrets: readonly { secret: Buffer; untilMs: number }[];
  position: number;
  circuit: Circuit;
  pending: readonly Item[];
}

const PENDING_MAX = 20_000;

/** Answers null where the lease is another's by now, or there is no such endpoint. */
export async function loadEndpoint(
  { kysely }: Pick<Database, 'kysely'>,
  lease: Lease,
  clock: Clock,
): Promise<Endpoint | null> {
  const id = lease.webhookId;
  // First, so that what changes while the rest is read is seen as a change.
  const [webhook, progress] = await Promise.all([findWebhook(kysely, id), selectProgress(kysely, id)]);
  if (webhook === undefined || !webhook.enabled || progress?.fence !== lease.fence) return null;
  const [secrets, pending] = await Promise.all([selectSecrets(kysely, id), selectPending(kysely, id, PENDING_MAX)]);
  const nowMs = clock.monotonic();
  const { failuresInRow, failingForMs, probeInMs } = progress;
  const circuit: Circuit = {
    failuresInRow,
    failingSinceMs: failingForMs === null ? null : nowMs - failingForMs,
    probeAtMs: probeInMs === null ? null : nowMs + probeInMs,
  };
  return {
    id,
    lease,
    version: webhook.version,
    replays: progress.replays,
    position: progress.position,
    url: webhook.url,
    events: webhook.events,
    topics: webhook.topics,
    circuit: failuresInRow === 0 ? CLOSED : circuit,
    secrets: secrets.map(({ secret, retiresInMs }) => ({
      secret,
      untilMs: retiresInMs === null ? Infinity : nowMs + retiresInMs,
    })),
    pending: pending.map(({ history, firstAttemptAgoMs, nextAttemptInMs, ...record }) => ({
      ...record,
      history: [...history],
      status: 'pending',
      body: null,
      isStored: true,
      isSettled: true,
      takenBefore: 0,
      firstAttemptMs: firstAttemptAgoMs === null ? null : nowMs - firstAttemptAgoMs,
      dueMs: nextAttemptInMs === null ? -Infinity : nowMs + nextAttemptInMs,
    })),
  };
}
