import type { ReactNode } from 'react';
import { Skeleton } from '@mantine/core';
import { useGet } from '../../api/queries.ts';
import { Fact, Facts } from '../../ui/facts.tsx';
import { Link, pathOf } from '../../ui/link.tsx';
import { Num } from '../../ui/num.tsx';
import { ProblemNotice } from '../../ui/problem.notice.tsx';
import { Moment, TimeAgo } from '../../ui/time.tsx';
import { durationText, roughDuration } from './duration.text.ts';
import { JobActions } from './job.actions.tsx';
import { Json } from './json.tsx';
import { PRIORITIES, successWords, tookMs, whenWords, type Job } from './job.words.ts';
import { momentText } from './moment.text.ts';
import { JobState, Progress, RunState } from './run.state.tsx';
import { useNow } from '../../ui/use.now.ts';
import classes from './jobs.module.css';
import detail from './detail.module.css';

const RECENT = 8;

/** A job beside the list: what can be done, how it went lately, and what it is. */
export function JobDetail({ id, onGone }: { id: string; onGone: () => void }) {
  const { data, error, refetch } = useGet('/api/v1/jobs/{id}', { path: { id } });
  if (error !== null && data === undefined) return <ProblemNotice error={error} onRetry={() => void refetch()} />;
  if (data === undefined) return <Skeleton height={300} />;
  return (
    <>
      <JobActions job={data} onGone={onGone} />
      {data.description !== '' && <p className={classes['said']}>{data.description}</p>}
      {data.status === 'continuous' ? <LastReport job={data} /> : <Recent job={data} />}
      <JobFacts job={data} />
    </>
  );
}

/** What a duty that has no runs said last. */
function LastReport({ job }: { job: Job }) {
  return (
    <>
      <p className={classes['quiet']}>
        {job.lastAt === null ? (
          'It has not reported yet.'
        ) : (
          <>
            Reported <TimeAgo at={job.lastAt} />, after {job.runCount.toLocaleString()} rounds.
          </>
        )}
      </p>
      {job.lastResult !== null && <Json label="Last report" value={job.lastResult} />}
    </>
  );
}

/** The runs that came last; each leads to its own page. */
function Recent({ job }: { job: Pick<Job, 'id' | 'name'> }) {
  const { data } = useGet('/api/v1/runs', { query: { jobId: job.id, limit: RECENT } });
  const now = useNow(1_000);
  if (data === undefined) return <Skeleton height={120} mb={16} />;
  return (
    <section aria-label="Last runs" className={detail['section']}>
      <h3 className={detail['heading']}>
        Last runs <Link to={pathOf('/jobs', job.id)}>all of them</Link>
      </h3>
      {data.items.length === 0 && <p className={classes['quiet']}>It has not run yet.</p>}
      <ul className={detail['recent']}>
        {data.items.map((run) => {
          const took = tookMs(run, now);
          return (
            <li key={run.id}>
              <Link to={pathOf('/jobs/runs', run.id)} className={detail['recentRun']}>
                <RunState status={run.status} isStopping={run.cancelRequestedBy !== null} />
                {run.status === 'running' && <Progress percent={run.percent} of={job.name} />}
                <span className={classes['dim']}>{took !== null && roughDuration(took)}</span>
                <span className={detail['end']}>
                  {run.startedAt === null && run.finishedAt === null ? (
                    <>
                      due <TimeAgo at={run.dueAt} />
                    </>
                  ) : (
                    <TimeAgo at={run.startedAt ?? run.finishedAt} />
                  )}
                </span>
              </Link>
            </li>
          );
        })}
      </ul>
    </section>
  );
}

const OVERLAP_WORDS: Record<Job['overlap'], string> = {
  skip: 'the new run is skipped',
  queue: 'the new run waits',
  cancel: 'the old run is cancelled',
};

export function JobFacts({ job }: { job: Job }) {
  if (job.status === 'continuous') return null;
  const success = successWords(job.successCount, job.failureCount);
  const facts: [string, ReactNode][] = [
    ['Status', <JobState key="status" job={job} />],
    ['Runs', whenWords(job)],
    ...(job.schedule === null ? [] : ([['Cron', <code key="cron">{job.schedule}</code>]] as [string, ReactNode][])),
    ['Next', <NextRun key="next" job={job} />],
    ['After', job.dependencies.length === 0 ? null : <Dependencies key="after" job={job} />],
    ['Type', job.type],
    ['Success', success === null ? null : <Counts key="success" job={job} words={success} />],
    ['Priority', PRIORITIES.find(({ value }) => value === job.priority)?.label ?? job.priority],
    ['Attempts', `${job.retries + 1}, ${durationText(job.timeoutMs)} each`],
    ['Overlap', `${job.concurrency} at once; then ${OVERLAP_WORDS[job.overlap]}`],
    ['Done by', job.mustFinishBy],
    ['Results', job.cacheForMs === 0 ? null : `good for ${durationText(job.cacheForMs)}`],
    ['Kept', `${job.keepDays} days`],
    ['Changed', <Moment key="changed" at={job.updatedAt} />],
  ];
  return (
    <>
      <Facts>
        {facts.map(([label, value]) => (
          <Fact key={label} label={label}>
            {value}
          </Fact>
        ))}
      </Facts>
      {Object.keys(job.config).length > 0 && <Json label="Config" value={job.config} />}
    </>
  );
}

function NextRun({ job: { nextRun, enabled, schedule } }: { job: Job }) {
  if (nextRun !== null) {
    return (
      <>
        <TimeAgo at={nextRun} />, {momentText(nextRun)}
      </>
    );
  }
  return <>{enabled || schedule === null ? '–' : 'not while it is off'}</>;
}

function Counts({ job, words }: { job: Job; words: string }) {
  return (
    <>
      {words}: <Num value={job.successCount} of={job.id} /> succeeded,{' '}
      <Link to="/jobs/runs" search={{ status: 'failed', jobId: job.id }}>
        <Num value={job.failureCount} of={job.id} /> failed
      </Link>
    </>
  );
}

/** By name: the graph has every job that another waits for. */
function Dependencies({ job }: { job: Job }) {
  const { data } = useGet('/api/v1/jobs/graph');
  const names = new Map((data?.nodes ?? []).map(({ id, name }) => [id, name]));
  return (
    <>
      {job.dependencies.map((id, index) => (
        <span key={id}>
          {index > 0 && ', '}
          <Link to={pathOf('/jobs', id)}>{names.get(id) ?? `…${id.slice(-8)}`}</Link>
        </span>
      ))}
    </>
  );
}
