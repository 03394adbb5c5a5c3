import { defineJobType, type JobType } from '../../platform/jobs/index.ts';
import type { Database } from '../../platform/database/index.ts';
import { Shape } from '../../platform/http/schemas.ts';
import { deleteOldRuns } from './run.deleting.sql.ts';

export const EXPIRY_JOB = 'expiry_sweep';
export const HOUSEKEEPING_JOB = 'housekeeping';
export const EVENT_RETENTION_JOB = 'event_retention';

const AT_ONCE = 1_000;
const NONE = Shape({});

/** The types of Holdfast's own duties that need nothing but the database, or do nothing as a run. */
export function ownJobTypes({ database }: { database: Database }): JobType[] {
  return [
    duty(EXPIRY_JOB, 'Expire holds', 'Gives the units of lapsed holds back, four times a second, on every instance.'),
    duty(
      HOUSEKEEPING_JOB,
      'Keep house',
      'Makes partitions of the ledger ahead and forgets idempotency keys of yesterday.',
    ),
    duty(
      EVENT_RETENTION_JOB,
      'Forget old events',
      'Forgets positions of the event stream that are older than it is kept.',
    ),
    defineJobType({
      name: 'run_retention',
      title: 'Delete old runs',
      description: 'Deletes finished runs, with their logs and files, that are older than their job keeps them.',
      config: NONE,
      concurrency: 1,
      system: { jobName: 'Delete old runs', kind: 'scheduled', schedule: '17 * * * *' },
      async run({ signal, progress }) {
        let deleted = 0;
        for (let last = 1; last > 0; deleted += last) {
          signal.throwIfAborted();
          last = await deleteOldRuns(database.kysely, AT_ONCE);
          progress(null, `${deleted + last} deleted`);
        }
        return { deleted };
      },
    }),
  ];
}

function duty(name: string, jobName: string, description: string): JobType {
  return defineJobType({
    name,
    title: jobName,
    description,
    config: NONE,
    system: { jobName, kind: 'continuous' },
    run: () => Promise.reject(new Error('it is done all the time, and has no runs')),
  });
}
