import { useQuery } from '@tanstack/react-query';
import { Skeleton } from '@mantine/core';
import { getOptions } from '../../api/queries.ts';
import { Actor } from '../../ui/actor.tsx';
import { Fact, Facts } from '../../ui/facts.tsx';
import { Icon } from '../../ui/icon.tsx';
import { Link, pathOf } from '../../ui/link.tsx';
import { ProblemNotice } from '../../ui/problem.notice.tsx';
import { Moment, TimeAgo } from '../../ui/time.tsx';
import { useNow } from '../../ui/use.now.ts';
import { roughDuration } from './duration.text.ts';
import { isOver, reasonWords, tookMs, TRIGGER_WORDS, type RunWhole } from './job.words.ts';
import { Json } from './json.tsx';
import { RunActions } from './run.actions.tsx';
import { RunFiles } from './run.files.tsx';
import { RunLog } from './run.log.tsx';
import { Progress, RunState } from './run.state.tsx';
import classes from './jobs.module.css';
import detail from './detail.module.css';

/** Events tell of it at once; what they do not tell, such as that it was asked to stop, is seen within that time. */
const EVERY_MS = 3_000;

/** A run: how it stands, what can be done, what it made and said, and how it came to be. */
export function RunDetail({ id, isWide = false }: { id: string; isWide?: boolean }) {
  const { data, error, refetch } = useQuery({
    ...getOptions('/api/v1/runs/{id}', { path: { id } }),
    refetchInterval: ({ state }) => (state.data !== undefined && isOver(state.data) ? false : EVERY_MS),
  });
  if (error !== null && data === undefined) return <ProblemNotice error={error} onRetry={() => void refetch()} />;
  if (data === undefined) return <Skeleton height={300} />;
  return (
    <>
      <RunActions run={data} />
      <Standing run={data} isWide={isWide} />
      {data.error !== null && (
        <p className={detail['error']} role="note">
          <Icon name="warn" size={16} />
          <span>
            {data.error.code !== 'failed' && <b>{data.error.code.replaceAll('_', ' ')}: </b>}
            {data.error.message}
          </span>
        </p>
      )}
      <div className={isWide ? detail['halves'] : undefined}>
        <div className={isWide ? detail['second'] : undefined}>
          <RunFiles run={data} />
          {data.result !== null && <Json label="Result" value={data.result} />}
          <RunLog run={data} />
        </div>
        <div>
          <RunFacts run={data} isWide={isWide} />
          <Attempts run={data} />
          {Object.keys(data.config).length > 0 && <Json label="Config" value={data.config} />}
        </div>
      </div>
    </>
  );
}

function Standing({ run, isWide }: { run: RunWhole; isWide: boolean }) {
  const took = tookMs(run, useNow(1_000));
  return (
    <div className={detail['standing']}>
      {!isWide && <RunState status={run.status} isStopping={run.cancelRequestedBy !== null} />}
      {took !== null && <b>{roughDuration(took)}</b>}
      {run.status === 'running' && (
        <>
          <Progress percent={run.percent} of={run.job.name} />
          {run.percent !== null && <b>{Math.round(run.percent)} %</b>}
        </>
      )}
      {!isOver(run) && run.message !== null && <span className={classes['dim']}>{run.message}</span>}
      {run.reason !== null && <span className={classes['dim']}>because {reasonWords(run.reason)}</span>}
    </div>
  );
}

const DEADLINES: Record<RunWhole['deadlineState'], string> = {
  none: '',
  ahead: 'ahead',
  at_risk: 'it may be missed',
  missed: 'missed',
  kept: 'kept',
};

function RunFacts({ run, isWide }: { run: RunWhole; isWide: boolean }) {
  return (
    <Facts>
      <Fact label="Job">
        <Link to={pathOf('/jobs', run.job.id)}>{run.job.name}</Link> <span className={classes['dim']}>{run.type}</span>
      </Fact>
      {!isWide && (
        <Fact label="Run">
          <Link to={pathOf('/jobs/runs', run.id)}>…{run.id.slice(-8)}</Link>, a page to link to
        </Fact>
      )}
      <Fact label="Why">
        {TRIGGER_WORDS[run.trigger]}
        {!run.startedBy.startsWith('system:') && (
          <>
            , by <Actor of={run.startedBy} />
          </>
        )}
      </Fact>
      <Fact label="Due">
        <Moment at={run.dueAt} />
        {!isOver(run) && run.startedAt === null && (
          <span className={classes['dim']}>
            {' '}
            <TimeAgo at={run.dueAt} />
          </span>
        )}
      </Fact>
      <Fact label="Began">
        <Moment at={run.startedAt} />
      </Fact>
      <Fact label="Ended">
        <Moment at={run.finishedAt} />
      </Fact>
      <Fact label="Priority">{run.priority}</Fact>
      {run.cancelRequestedBy !== null && (
        <Fact label="Cancelled by">
          <Actor of={run.cancelRequestedBy} />
        </Fact>
      )}
      {run.deadline !== null && (
        <Fact label="Done by">
          <Moment at={run.deadline} />, {DEADLINES[run.deadlineState]}
        </Fact>
      )}
      {run.cachedFrom !== null && (
        <Fact label="Result of">
          <Link to={pathOf('/jobs/runs', run.cachedFrom)}>an earlier run</Link>
        </Fact>
      )}
    </Facts>
  );
}

const OUTCOMES: Record<NonNullable<RunWhole['attempts'][number]['outcome']>, string> = {
  succeeded: 'succeeded',
  failed: 'failed',
  timed_out: 'took too long, and was stopped',
  cancelled: 'was cancelled',
  lost: 'was lost with its worker',
  handed_over: 'was handed over: its worker was stopped',
};

function Attempts({ run }: { run: RunWhole }) {
  if (run.attempts.length === 0) return null;
  return (
    <section className={detail['section']}>
      <h3 className={detail['heading']}>
        Attempts <span className={classes['dim']}>of {run.attemptsMax}</span>
      </h3>
      <ol className={detail['attempts']}>
        {run.attempts.map((attempt, index) => (
          // One that was lost or handed over has its number again.
          <li key={index} value={attempt.attempt}>
            <Moment at={attempt.startedAt} />: {attempt.outcome === null ? 'under way' : OUTCOMES[attempt.outcome]}
            <span className={classes['dim']}> on {attempt.worker}</span>
            {attempt.error !== null && <div>{attempt.error.message}</div>}
          </li>
        ))}
      </ol>
    </section>
  );
}
