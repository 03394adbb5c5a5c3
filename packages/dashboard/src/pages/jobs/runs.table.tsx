import { useMemo, type ReactNode } from 'react';
import { Button } from '@mantine/core';
import { useGet } from '../../api/queries.ts';
import { usePages } from '../../api/use.pages.ts';
import { useNewRows } from '../../live/use.events.ts';
import type { HoldfastEvent } from '../../live/live.rules.ts';
import { Actor } from '../../ui/actor.tsx';
import { DataTable, type Column } from '../../ui/data.table.tsx';
import { EmptyState } from '../../ui/empty.state.tsx';
import { FilterBar, type Filter } from '../../ui/filter.bar.tsx';
import { StateWord } from '../../ui/state.word.tsx';
import { TimeAgo } from '../../ui/time.tsx';
import { pick, useFilters } from '../../ui/use.filters.ts';
import { useNow } from '../../ui/use.now.ts';
import { roughDuration } from './duration.text.ts';
import { isMadeNow, isOver, RUN_WORDS, reasonWords, tookMs, TRIGGER_WORDS, type Run } from './job.words.ts';
import { RunBulk } from './run.bulk.tsx';
import { RunDetail } from './run.detail.tsx';
import { Progress, RunState } from './run.state.tsx';
import classes from './jobs.module.css';

const COLUMNS: Column<Run>[] = [
  {
    id: 'status',
    label: 'Status',
    width: '112px',
    onPhone: { place: 1, width: '112px' },
    render: ({ status, cancelRequestedBy }) => <RunState status={status} isStopping={cancelRequestedBy !== null} />,
  },
  {
    id: 'job',
    label: 'Job',
    width: 'minmax(130px, 1fr)',
    onPhone: { place: 2, width: 'max(84px, 50vw - 103px)' },
    render: ({ job }) => job.name,
  },
  { id: 'type', label: 'Type', width: 'minmax(110px, 0.7fr)', isExtra: true, render: ({ type }) => type },
  { id: 'what', label: 'What', width: 'minmax(150px, 1.7fr)', render: (run) => <What run={run} /> },
  { id: 'took', label: 'Took', width: '92px', align: 'end', render: (run) => <Took run={run} /> },
  {
    id: 'attempt',
    label: 'Attempt',
    width: '78px',
    align: 'end',
    render: ({ attempt, attemptsMax }) => `${attempt} of ${attemptsMax}`,
  },
  { id: 'trigger', label: 'Why', width: '116px', isExtra: true, render: ({ trigger }) => TRIGGER_WORDS[trigger] },
  { id: 'by', label: 'By', width: '120px', isExtra: true, render: ({ startedBy }) => <Actor of={startedBy} /> },
  {
    id: 'worker',
    label: 'Worker',
    width: 'minmax(110px, 0.7fr)',
    isExtra: true,
    render: ({ worker }) => worker ?? '–',
  },
  {
    id: 'due',
    label: 'Due',
    width: '110px',
    onPhone: { place: 3, width: '92px' },
    align: 'end',
    render: ({ dueAt }) => <TimeAgo at={dueAt} />,
  },
];

const OF_ONE_JOB = COLUMNS.filter(({ id }) => id !== 'job' && id !== 'type');

const STATUSES = Object.entries(RUN_WORDS).map(([value, label]) => ({
  value,
  label: value === 'failed' ? 'Failed, to be redriven' : label,
}));

const keyOf = ({ id }: Run): string => id;

function bulkOf(runs: Run[], clear: () => void) {
  return <RunBulk runs={runs} onDone={clear} />;
}

interface RunsTableProps {
  name: string;
  /** Of one job alone. */
  jobId?: string;
  children?: ReactNode;
}

/** Runs, the newest first, and one of them beside the list. */
export function RunsTable({ name, jobId, children }: RunsTableProps) {
  const [filters, change] = useFilters();
  const asked = {
    ...pick(filters, jobId === undefined ? ['status', 'type', 'jobId'] : ['status']),
    ...(jobId === undefined ? {} : { jobId }),
  };
  const rows = usePages('/api/v1/runs', { query: asked as never });
  const newRows = useNewRows(rows, keyOf, (event) => isNewRow(event, asked));
  const choices = useChoices(jobId === undefined);
  const isFailed = filters['status'] === 'failed';
  return (
    <>
      <FilterBar filters={choices}>
        <Button variant="subtle" aria-pressed={isFailed} onClick={() => change({ status: isFailed ? null : 'failed' })}>
          Failed only
        </Button>
        {children}
      </FilterBar>
      <DataTable
        name={name}
        columns={jobId === undefined ? COLUMNS : OF_ONE_JOB}
        rows={rows}
        keyOf={keyOf}
        newRows={newRows}
        panel={{ title: ({ job }) => job.name, render: ({ id }) => <RunDetail id={id} /> }}
        bulk={bulkOf}
        empty={Object.keys(asked).length > (jobId === undefined ? 0 : 1) ? <NothingFound /> : <NoRuns />}
      />
    </>
  );
}

/** Whether an event tells of a run that belongs on top of the list as it is filtered. */
function isNewRow(event: HoldfastEvent, asked: { status?: string; type?: string; jobId?: string }): boolean {
  const isOne = asked.status === undefined ? isMadeNow(event) : event.type === eventOf(asked.status);
  if (!isOne) return false;
  const run = event.data as Partial<Run>;
  return (
    (asked.type === undefined || asked.type === run.type) && (asked.jobId === undefined || asked.jobId === run.job?.id)
  );
}

function eventOf(status: string): string {
  return status === 'running' ? 'run.started' : `run.${status}`;
}

const JOBS_NAMED = 200;

function useChoices(isOfAll: boolean): Filter[] {
  const types = useGet('/api/v1/jobs/types', {}, { staleTime: Infinity, enabled: isOfAll });
  const jobs = useGet('/api/v1/jobs', { query: { limit: JOBS_NAMED } }, { enabled: isOfAll });
  return useMemo(() => {
    const status = { name: 'status', label: 'Status', options: STATUSES };
    if (!isOfAll) return [status];
    const withRuns = (jobs.data?.items ?? []).filter((job) => job.status !== 'continuous');
    const ofType = (types.data?.items ?? []).map(({ name, title }) => ({ value: name, label: title }));
    return [
      status,
      { name: 'jobId', label: 'Job', options: withRuns.map(({ id, name }) => ({ value: id, label: name })) },
      { name: 'type', label: 'Type', options: ofType },
    ];
  }, [isOfAll, types.data, jobs.data]);
}

/** How far it is, or what became of it. */
function What({ run }: { run: Run }) {
  if (run.status === 'running') {
    return (
      <span className={classes['what']}>
        <Progress percent={run.percent} of={run.job.name} />
        <Lateness run={run} />
        <span className={classes['dim']}>
          {run.percent !== null && `${Math.round(run.percent)} % `}
          {run.message}
        </span>
      </span>
    );
  }
  if (run.deadlineState === 'missed' && run.error === null) return <Lateness run={run} />;
  if (run.error !== null) return <span title={run.error.message}>{run.error.message}</span>;
  if (run.reason !== null) return <span className={classes['dim']}>{reasonWords(run.reason)}</span>;
  if (run.cachedFrom !== null) return <span className={classes['dim']}>took an earlier result over</span>;
  return <span className={classes['dim']}>{(isOver(run) ? null : run.message) ?? TRIGGER_WORDS[run.trigger]}</span>;
}

/** Where it must be done by some time: that it may not be, or was not. */
function Lateness({ run: { deadlineState } }: { run: Run }) {
  if (deadlineState !== 'at_risk' && deadlineState !== 'missed') return null;
  return (
    <StateWord icon="warn" tone={deadlineState === 'missed' ? 'bad' : 'warn'}>
      {deadlineState === 'missed' ? 'too late' : 'may be too late'}
    </StateWord>
  );
}

function Took({ run }: { run: Run }) {
  const took = tookMs(run, useNow(1_000));
  return took === null ? <span className={classes['dim']}>–</span> : <>{roughDuration(took)}</>;
}

function NothingFound() {
  return (
    <EmptyState title="No run is like that" icon="search">
      Take a filter away to see the others.
    </EmptyState>
  );
}

function NoRuns() {
  return (
    <EmptyState title="Nothing has run yet" icon="play">
      A run appears here when its job is due, when the jobs before it are done, or when somebody starts it.
    </EmptyState>
  );
}
