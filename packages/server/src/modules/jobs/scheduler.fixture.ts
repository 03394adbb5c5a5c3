import type { JobView } from './job.schema.ts';
import { startJobsApp, workType, type JobsApp, type Work } from './jobs.fixture.ts';

/** Instances over one database, whose schedulers' clock is set by hand. What is due is due for workers at once: it is past. */
export interface Travel {
  apps: [JobsApp, ...JobsApp[]];
  works: Map<string, Work>;
  /** All of them look at what is due a second after that instant, at the same time, until nothing is. @returns what each look of each made, where it made any */
  to(instant: string): Promise<number[]>;
  /** From when on a job is to fire. */
  nextAt(jobId: string, instant: string): Promise<void>;
  /** A job with a name of its own, and work of that name. */
  scheduled(schedule: string, more?: object): Promise<JobView>;
  /** The ticks of a job's runs, minutes in UTC, in the order of the runs. */
  ticksOf(job: JobView): Promise<string[]>;
  close(): Promise<void>;
}

export async function startTravel(instances: number): Promise<Travel> {
  const works = new Map<string, Work>();
  let targetMs: number | null = null;
  let setAtMs = 0;
  // It goes on from where it was set, as a clock does: ids of runs are in the order of time.
  const timeShiftMs = (): number => (targetMs === null ? 0 : targetMs - setAtMs);
  const first = await startJobsApp({ jobTypes: [workType(works)], timeShiftMs });
  const apps: Travel['apps'] = [first];
  let names = 0;
  while (apps.length < instances) {
    apps.push(await startJobsApp({ jobTypes: [workType(works)], timeShiftMs, connection: first.connection }));
  }
  return {
    apps,
    works,
    to: async (instant) => {
      const { rows } = await first.database.pool.query<{ now: number }>('SELECT clock_timestamp() AS now');
      setAtMs = rows[0]?.now ?? 0;
      targetMs = Date.parse(instant) + 1_000;
      const looks: number[] = [];
      for (let made = -1; made !== 0;) {
        const reports = await Promise.all(apps.map(({ server }) => server.jobs.scheduler.runOnce()));
        made = reports.reduce((sum, report) => sum + report.made, 0);
        // One may look when the other has just committed, and go on from there.
        looks.push(...reports.map((report) => report.made).filter((one) => one > 0));
      }
      return looks;
    },
    nextAt: async (jobId, instant) => {
      await first.database.pool.query('UPDATE job_state SET next_at = $2 WHERE job_id = $1', [jobId, instant]);
    },
    scheduled: (schedule, more = {}) => {
      const name = `job ${(names += 1)}`;
      return first.create({ name, config: { name }, schedule, ...more });
    },
    ticksOf: async ({ id }) => (await first.history(id)).map(({ tick }) => tick?.slice(0, 16) ?? 'none'),
    close: async () => {
      for (const app of apps.toReversed()) await app.close();
    },
  };
}
