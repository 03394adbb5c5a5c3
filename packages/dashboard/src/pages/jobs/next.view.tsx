import { useMemo, useState } from 'react';
import { useQuery } from '@tanstack/react-query';
import { Button, SegmentedControl, Skeleton } from '@mantine/core';
import { getOptions, useGet, type Answer } from '../../api/queries.ts';
import { serverNow } from '../../api/server.clock.ts';
import { EmptyState } from '../../ui/empty.state.tsx';
import { ProblemNotice } from '../../ui/problem.notice.tsx';
import { useFilters } from '../../ui/use.filters.ts';
import { useNow } from '../../ui/use.now.ts';
import type { ListedJob, Run } from './job.words.ts';
import { JobsFrame } from './jobs.frame.tsx';
import { Timeline, TimelineTable, type Ran } from './timeline.tsx';
import { axisOf, rowsOf, type Due } from './timeline.rules.ts';
import classes from './jobs.module.css';

const SPANS = [
  { value: '1', label: '1 hour' },
  { value: '6', label: '6 hours' },
  { value: '24', label: '24 hours' },
  { value: '168', label: '7 days' },
];
const DUE_MAX = 1_000;
/** A job of every few seconds leaves room for the others. */
const DUE_OF_A_JOB = 100;
const RUNS_MAX = 200;
const A_MOMENT_MS = 10_000;
/** What is due moves into view as time goes by. */
const A_MINUTE_MS = 60_000;

type Upcoming = Answer<'/api/v1/jobs/upcoming'>;

/** What is due, and what was done a little while ago, on one axis. */
export function NextView() {
  const [filters, change] = useFilters();
  const hours = Number(SPANS.find(({ value }) => value === filters['ahead'])?.value ?? '24');
  const upcoming = useQuery({
    ...getOptions('/api/v1/jobs/upcoming', { query: { hours, limit: DUE_MAX, perJob: DUE_OF_A_JOB } }),
    refetchInterval: A_MINUTE_MS,
  });
  const jobs = useGet('/api/v1/jobs', { query: { limit: RUNS_MAX } });
  const runs = useGet('/api/v1/runs', { query: { limit: RUNS_MAX } });
  const [isTable, setIsTable] = useState(false);
  const { error } = upcoming;
  return (
    <JobsFrame at="/jobs/next" about="What is due next, to the right of now, and what ran just before.">
      <div className={classes['bar']}>
        <SegmentedControl
          aria-label="How far to look ahead"
          data={SPANS}
          value={String(hours)}
          onChange={(value) => change({ ahead: value === '24' ? null : value })}
        />
        <Button variant="subtle" aria-pressed={isTable} onClick={() => setIsTable(!isTable)}>
          {isTable ? 'As a timeline' : 'As a table'}
        </Button>
      </div>
      {error !== null && upcoming.data === undefined && <ProblemNotice error={error} />}
      {upcoming.data === undefined || jobs.data === undefined || runs.data === undefined ? (
        error === null && <Skeleton height={320} />
      ) : (
        <Shown
          due={withNextOf(upcoming.data, jobs.data.items, hours)}
          hasMore={upcoming.data.more}
          runs={withLastOf(runs.data.items, jobs.data.items)}
          hours={hours}
          isTable={isTable}
        />
      )}
    </JobsFrame>
  );
}

/** A job that is due every second fills the list of what is due: the next run of each other job is shown all the same. */
function withNextOf(
  { items, more }: Upcoming,
  jobs: readonly { id: string; name: string; nextRun: string | null }[],
  hours: number,
): Due[] {
  if (!more) return items;
  const untilMs = serverNow() + hours * 3_600_000;
  const next = jobs.flatMap(({ id, name, nextRun }) =>
    nextRun === null || Date.parse(nextRun) > untilMs ? [] : [{ at: nextRun, jobId: id, name }],
  );
  return [...items, ...next];
}

/** Runs of a busy job fill the list of those that were: the last run of each other job is shown all the same. */
function withLastOf(runs: readonly Run[], jobs: readonly ListedJob[]): Ran[] {
  const known = new Set(runs.map(({ id }) => id));
  const last = jobs.flatMap(({ id, name, lastRun }) =>
    lastRun === null || known.has(lastRun.id) ? [] : [{ ...lastRun, job: { id, name } }],
  );
  return [...runs, ...last];
}

interface ShownProps {
  due: readonly Due[];
  hasMore: boolean;
  runs: readonly Ran[];
  hours: number;
  isTable: boolean;
}

function Shown({ due, hasMore, runs, hours, isTable }: ShownProps) {
  const now = useNow(A_MOMENT_MS);
  const axis = axisOf(now, hours);
  const { fromMs } = axis;
  const rows = useMemo(() => {
    const recent = runs.filter(({ startedAt, finishedAt }) => {
      return startedAt !== null && (finishedAt === null || Date.parse(finishedAt) >= fromMs);
    });
    return rowsOf(due, recent, hasMore);
  }, [due, hasMore, runs, fromMs]);
  if (rows.length === 0) return <NothingDue />;
  return (
    <>
      {isTable ? <TimelineTable rows={rows} nowMs={now} /> : <Timeline rows={rows} axis={axis} nowMs={now} />}
      {hasMore && (
        <p className={classes['quiet']}>
          More is due than can be shown: the next {DUE_MAX.toLocaleString()} runs, and the next one of every job. A
          dotted line says that a job goes on.
        </p>
      )}
    </>
  );
}

function NothingDue() {
  return (
    <EmptyState
      title="Nothing is due"
      icon="clock"
      curl={{
        method: 'POST',
        path: '/api/v1/jobs',
        body: { name: 'Nightly snapshot', type: 'stock_snapshot', schedule: '30 2 * * *' },
      }}
    >
      No job has a schedule that fires in that time. Look further ahead, or give a job a schedule.
    </EmptyState>
  );
}
