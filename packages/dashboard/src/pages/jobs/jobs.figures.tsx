import type { ReactNode } from 'react';
import { useQuery } from '@tanstack/react-query';
import { Skeleton } from '@mantine/core';
import { getOptions, type Answer } from '../../api/queries.ts';
import { Link } from '../../ui/link.tsx';
import { Num } from '../../ui/num.tsx';
import { ProblemNotice } from '../../ui/problem.notice.tsx';
import { roughDuration } from './duration.text.ts';
import { shareWords } from './job.words.ts';
import classes from './jobs.module.css';

const EVERY_MS = 5_000;

type Stats = Answer<'/api/v1/jobs/stats'>;

/** What waits and runs now, and how the runs of the last hours went. */
export function Figures({ hours }: { hours: number }) {
  const { data, error } = useQuery({
    ...getOptions('/api/v1/jobs/stats', { query: { hours } }),
    refetchInterval: EVERY_MS,
  });
  if (error !== null && data === undefined) return <ProblemNotice error={error} />;
  if (data === undefined) return <Skeleton height={58} mb={16} />;
  return (
    <div className={classes['figures']}>
      <Now now={data.now} workers={data.workers} />
      <Course total={data.total} />
    </div>
  );
}

const OPEN = [
  ['running', 'Running', 'running'],
  ['queued', 'Queued', 'queued'],
  ['delayed', 'Delayed', null],
  ['held', 'Held', 'held'],
  ['dead', 'Failed', 'failed'],
] as const;

/** Each number leads to the runs that it counts. */
function Now({ now, workers }: Pick<Stats, 'now' | 'workers'>) {
  const busy = workers.map(({ worker, running }) => `${worker}: ${running}`).join('\n');
  return (
    <dl className={classes['part']} aria-label="Now">
      {OPEN.map(([name, label, status]) => (
        <Figure key={name} label={label} tone={name === 'dead' && now.dead > 0 ? 'bad' : undefined}>
          {status === null ? (
            <Num value={now[name]} />
          ) : (
            <Link to="/jobs/runs" search={{ status }} aria-label={`${label}: ${now[name]}`}>
              <Num value={now[name]} />
            </Link>
          )}
        </Figure>
      ))}
      <Figure label="Busy workers" title={busy === '' ? 'Those that have something to do.' : busy}>
        <Num value={workers.length} />
      </Figure>
    </dl>
  );
}

function Course({ total }: Pick<Stats, 'total'>) {
  return (
    <dl className={classes['part']} aria-label="Of the runs that finished">
      <Figure label="Finished" title={`${total.skipped} more were skipped`}>
        <Num value={total.runs} />
      </Figure>
      <Figure label="Success" title={`${total.succeeded} succeeded, ${total.failed} failed`}>
        {total.successRate === null ? '–' : shareWords(total.successRate)}
      </Figure>
      <Figure label="Took, p50 · p99" title="The time of the median run, and of all but one in a hundred.">
        {spanText(total.durationP50Ms)} · {spanText(total.durationP99Ms)}
      </Figure>
      <Figure label="Late, p50 · p99" title="From when a run was due to when it began.">
        {spanText(total.latenessP50Ms)} · {spanText(total.latenessP99Ms)}
      </Figure>
    </dl>
  );
}

function spanText(ms: number | null): string {
  return ms === null ? '–' : roughDuration(ms);
}

interface FigureProps {
  label: string;
  title?: string;
  tone?: 'bad' | undefined;
  children: ReactNode;
}

function Figure({ label, title, tone, children }: FigureProps) {
  return (
    <div className={classes['figure']} title={title} data-tone={tone}>
      <dt>{label}</dt>
      <dd>{children}</dd>
    </div>
  );
}
