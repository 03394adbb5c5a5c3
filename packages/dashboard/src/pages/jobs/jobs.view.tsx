import { useMemo, useState } from 'react';
import { Button } from '@mantine/core';
import { useGet } from '../../api/queries.ts';
import { usePages } from '../../api/use.pages.ts';
import { DataTable, type Column } from '../../ui/data.table.tsx';
import { EmptyState } from '../../ui/empty.state.tsx';
import { FilterBar, type Filter } from '../../ui/filter.bar.tsx';
import { Icon } from '../../ui/icon.tsx';
import { TimeAgo } from '../../ui/time.tsx';
import { momentText } from './moment.text.ts';
import { pick, useFilters } from '../../ui/use.filters.ts';
import { useNow } from '../../ui/use.now.ts';
import { JobBulk } from './job.bulk.tsx';
import { JobDetail } from './job.detail.tsx';
import { JobForm } from './job.form.tsx';
import { roughDuration } from './duration.text.ts';
import { PRIORITIES, successWords, tookMs, whenWords, type ListedJob } from './job.words.ts';
import { JobsFrame } from './jobs.frame.tsx';
import { JobState, Progress, RunState } from './run.state.tsx';
import classes from './jobs.module.css';

const COLUMNS: Column<ListedJob>[] = [
  {
    id: 'status',
    label: 'Status',
    width: '98px',
    onPhone: { place: 2, width: '92px' },
    render: (job) => <JobState job={job} />,
  },
  {
    id: 'name',
    label: 'Job',
    width: 'minmax(140px, 1.6fr)',
    onPhone: { place: 1, width: 'max(100px, 50vw - 65px)' },
    sortBy: 'name',
    render: (job) => <JobName job={job} />,
  },
  { id: 'type', label: 'Type', width: 'minmax(84px, 0.7fr)', render: ({ type }) => <span title={type}>{type}</span> },
  { id: 'when', label: 'Runs', width: 'minmax(122px, 1.6fr)', render: (job) => <When job={job} /> },
  { id: 'next', label: 'Next', width: '138px', render: ({ nextRun }) => <Due at={nextRun} /> },
  { id: 'last', label: 'Last run', width: '246px', render: (job) => <LastRun job={job} /> },
  {
    id: 'success',
    label: 'Success',
    width: '96px',
    onPhone: { place: 3, width: '74px' },
    align: 'end',
    render: (job) => <Success job={job} />,
  },
  {
    id: 'priority',
    label: 'Priority',
    width: '76px',
    isExtra: true,
    render: ({ priority }) => priorityWord(priority),
  },
  {
    id: 'createdAt',
    label: 'Made',
    width: '110px',
    align: 'end',
    sortBy: 'createdAt',
    isExtra: true,
    render: ({ createdAt }) => <TimeAgo at={createdAt} />,
  },
];

function bulkOf(jobs: ListedJob[], clear: () => void) {
  return <JobBulk jobs={jobs} onDone={clear} />;
}

/** Every job, Holdfast's own duties among them: when it runs, how it went, and what to do beside it. */
export function JobsView() {
  const [filters, change] = useFilters();
  const asked = pick(filters, ['search', 'type', 'enabled', 'system', 'sort']);
  const rows = usePages('/api/v1/jobs', { query: asked as never });
  const types = useGet('/api/v1/jobs/types', {}, { staleTime: Infinity });
  const choices = useMemo(() => filtersFor(types.data?.items ?? []), [types.data]);
  const [isMaking, setIsMaking] = useState(false);
  const make = (): void => setIsMaking(true);
  const own = useGet('/api/v1/jobs', { query: { system: false, limit: 1 } });
  const hasNone = own.data?.items.length === 0;
  return (
    <JobsFrame
      at="/jobs"
      about="Work that is done on a schedule, after other work, or when asked for. Kept in PostgreSQL, and done at least once."
      actions={
        <Button leftSection={<Icon name="plus" size={16} />} onClick={make}>
          New job
        </Button>
      }
    >
      <FilterBar filters={choices} search={{ name: 'search', label: 'Find a job', placeholder: 'Part of its name' }}>
        <Button
          variant="subtle"
          aria-pressed={filters['system'] === 'false'}
          onClick={() => change({ system: filters['system'] === 'false' ? null : 'false' })}
        >
          Yours only
        </Button>
      </FilterBar>
      <DataTable
        name="Jobs"
        columns={COLUMNS}
        rows={rows}
        keyOf={({ id }) => id}
        panel={{ title: ({ name }) => name, render: ({ id }, close) => <JobDetail id={id} onGone={close} /> }}
        bulk={bulkOf}
        empty={hasNone && filters['system'] === 'false' ? <NoJobs onMake={make} /> : <NothingFound />}
      />
      {hasNone && filters['system'] !== 'false' && <NoJobs onMake={make} />}
      {isMaking && <JobForm onClose={() => setIsMaking(false)} />}
    </JobsFrame>
  );
}

function filtersFor(types: readonly { name: string; title: string }[]): Filter[] {
  return [
    { name: 'type', label: 'Type', options: types.map(({ name, title }) => ({ value: name, label: title })) },
    {
      name: 'enabled',
      label: 'Switched',
      options: [
        { value: 'true', label: 'On' },
        { value: 'false', label: 'Off' },
      ],
    },
    {
      name: 'system',
      label: 'Whose',
      options: [
        { value: 'false', label: 'Yours' },
        { value: 'true', label: "Holdfast's own" },
      ],
    },
  ];
}

function JobName({ job: { name, system } }: { job: ListedJob }) {
  if (!system) return <span title={name}>{name}</span>;
  return (
    <span title={`${name}. Holdfast's own: it cannot be deleted.`}>
      <span className={classes['own']}>
        <Icon name="server" size={14} />
        <span className="hf-hidden">Holdfast&apos;s own: </span>
      </span>{' '}
      {name}
    </span>
  );
}

function When({ job }: { job: ListedJob }) {
  const words = whenWords(job);
  return <span title={words}>{words}</span>;
}

function priorityWord(priority: ListedJob['priority']): string {
  return PRIORITIES.find(({ value }) => value === priority)?.label ?? priority;
}

/** How far off, and when. */
function Due({ at }: { at: string | null }) {
  if (at === null) return <span className={classes['dim']}>–</span>;
  return (
    <span>
      <TimeAgo at={at} /> <span className={classes['dim']}>{momentText(at)}</span>
    </span>
  );
}

function LastRun({ job }: { job: ListedJob }) {
  const now = useNow(1_000);
  if (job.status === 'continuous') {
    if (job.lastAt === null) return <span className={classes['dim']}>no report yet</span>;
    return (
      <span className={classes['dim']}>
        reported <TimeAgo at={job.lastAt} />
      </span>
    );
  }
  const run = job.lastRun;
  if (run === null) return <span className={classes['dim']}>never</span>;
  const took = tookMs(run, now);
  return (
    <span className={classes['lastRun']}>
      {run.status === 'running' ? (
        <>
          <Progress percent={run.percent} of={job.name} />
          {run.percent !== null && `${Math.round(run.percent)} %`}
        </>
      ) : (
        <RunState status={run.status} />
      )}
      <span className={classes['dim']}>
        {took !== null && `${roughDuration(took)}${run.finishedAt === null ? '' : ', '}`}
        {run.finishedAt !== null && <TimeAgo at={run.finishedAt} />}
      </span>
    </span>
  );
}

function Success({ job: { successCount, failureCount, status } }: { job: ListedJob }) {
  const words = status === 'continuous' ? null : successWords(successCount, failureCount);
  if (words === null) return <span className={classes['dim']}>–</span>;
  return (
    <span title={`${successCount.toLocaleString()} succeeded, ${failureCount.toLocaleString()} failed`}>{words}</span>
  );
}

function NothingFound() {
  return (
    <EmptyState title="No job is like that" icon="search">
      Take a filter away to see the others.
    </EmptyState>
  );
}

function NoJobs({ onMake }: { onMake: () => void }) {
  return (
    <EmptyState
      title="No jobs of yours yet"
      icon="jobs"
      action={<Button onClick={onMake}>Make the first job</Button>}
      curl={{
        method: 'POST',
        path: '/api/v1/jobs',
        body: { name: 'Nightly snapshot', type: 'stock_snapshot', schedule: '30 2 * * *' },
      }}
    >
      A job does its work by itself: imports, exports, reports, requests to your other systems.
    </EmptyState>
  );
}
