import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import type { Engine } from '../engine/index.ts';
import { exportJobTypes } from '../modules/exports/index.ts';
import { httpRequestJobTypes } from '../modules/http-requests/index.ts';
import { importJobTypes } from '../modules/imports/index.ts';
import { systemClock, type Clock } from '../kernel/clock.ts';
import { countOpen, createJobs, ownJobTypes, type EndedRun, type Jobs } from '../modules/jobs/index.ts';
import { reportJobTypes } from '../modules/reports/index.ts';
import { retentionJobTypes } from '../modules/retention/index.ts';
import { verificationJobTypes } from '../modules/verification/index.ts';
import type { Config } from '../platform/config/index.ts';
import { createEgress, type Egress } from '../platform/egress/index.ts';
import type { Database } from '../platform/database/index.ts';
import { loadUserTypes, type CallApi, type JobType, type UserTypes } from '../platform/jobs/index.ts';
import type { Logger } from '../platform/log/index.ts';
import type { Metrics } from '../platform/metrics/index.ts';
import type { Signals } from '../platform/signals/index.ts';

interface JobsDeps {
  config: Config;
  engine: Engine;
  database: Database;
  metrics: Metrics;
  signals: Signals;
  /** Beside Holdfast's own. */
  extraTypes: readonly JobType[];
  /** Added to the database's clock by the scheduler; for tests that travel in time. */
  timeShiftMs?: () => number;
  /** It does nothing but jobs. */
  isWorker: boolean;
  /** For requests of users' types to the API. */
  call: CallApi;
  log: Logger;
  onError: (error: unknown) => void;
}

/** A hint: there may be a run to be made or to be taken. Without it that is seen within half a second. */
const CHANNEL = 'jobs';
/** A server is to be gone 4.5 s after it was told to stop; runs that are under way then are handed over. */
const DRAIN_MS = 2_500;
/** A process that does nothing else may let them come to their end. */
const WORKER_DRAIN_MS = 5_500;
const SECONDS = [0.01, 0.05, 0.1, 0.5, 1, 5, 15, 60, 300, 1_800, 7_200];

/** The jobs of one process. */
export async function openJobs({
  config,
  metrics,
  signals,
  extraTypes,
  call,
  log,
  isWorker,
  ...deps
}: JobsDeps): Promise<Jobs> {
  const meters = meterRuns(metrics, deps.database);
  const egress = createEgress({ allow: config.egressAllow });
  const own = [...jobTypes({ ...deps, egress, currency: config.currency, clock: systemClock }), ...extraTypes];
  const users = await typesOfUsers(config, own, call, log);
  const jobs = createJobs({
    ...deps,
    types: [...own, ...users.types],
    // A process of the same number on a machine of the same name is another worker.
    worker: `${hostname()}:${process.pid}:${randomBytes(3).toString('hex')}`,
    slots: config.jobSlots,
    drainMs: isWorker ? WORKER_DRAIN_MS : DRAIN_MS,
    announce: () => {
      jobs.wake();
      signals.publish(CHANNEL);
    },
    onEnded: meters,
  });
  const unhear = signals.on(
    CHANNEL,
    () => jobs.wake(),
    () => jobs.wake(),
  );
  return {
    ...jobs,
    stop: async () => {
      unhear();
      await jobs.stop();
      await users.close();
      egress.close();
    },
  };
}

interface TypeDeps {
  engine: Engine;
  database: Database;
  egress: Egress;
  currency: string;
  clock: Clock;
}

/** What jobs can do, from the modules that do it. */
function jobTypes(deps: TypeDeps): JobType[] {
  return [
    ...importJobTypes(deps),
    ...exportJobTypes(deps),
    ...reportJobTypes(deps),
    ...httpRequestJobTypes(deps),
    ...retentionJobTypes(deps),
    ...verificationJobTypes(deps),
    ...ownJobTypes(deps),
  ];
}

/** What is in the directory of types; a file that cannot be used is told of and passed by. */
async function typesOfUsers(
  { jobTypesDirectory: directory, jobSlots }: Config,
  own: readonly JobType[],
  call: CallApi,
  log: Logger,
): Promise<Pick<UserTypes, 'types' | 'close'>> {
  if (directory === null) return { types: [], close: () => Promise.resolve() };
  const users = await loadUserTypes(directory, { call, taken: own.map(({ name }) => name), idleMax: jobSlots });
  for (const { file, reason } of users.refused)
    log.warn({ file, reason }, 'a file holds no type of job that can be used');
  log.info({ types: users.types.map(({ name }) => name) }, 'types of jobs of your own');
  return users;
}

function meterRuns(metrics: Metrics, database: Database): (ended: EndedRun) => void {
  const attempts = metrics.counter({
    name: 'job_attempts_total',
    help: 'Attempts of runs that ended here, by what came of them.',
    labelNames: ['type', 'outcome'],
  });
  const duration = metrics.histogram({
    name: 'job_attempt_duration_seconds',
    help: 'How long attempts took, here.',
    labelNames: ['type'],
    buckets: SECONDS,
  });
  const lateness = metrics.histogram({
    name: 'job_lateness_seconds',
    help: 'From when a run was due to its first attempt, here.',
    buckets: SECONDS,
  });
  metrics.collected(
    { name: 'job_runs', aggregator: 'max', help: 'Runs that are not over, and dead letters.', labelNames: ['status'] },
    async () =>
      Object.entries<number>({ ...(await countOpen(database.kysely)) }).map(([status, value]) => ({
        labels: { status },
        value,
      })),
  );
  return ({ type, outcome, latenessMs, durationMs }) => {
    attempts.inc({ type, outcome });
    duration.observe({ type }, durationMs / 1_000);
    if (latenessMs !== null) lateness.observe(latenessMs / 1_000);
  };
}
