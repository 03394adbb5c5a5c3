import { useState } from 'react';
import { useNavigate } from '@tanstack/react-router';
import { Button, Skeleton } from '@mantine/core';
import { useGet } from '../../api/queries.ts';
import { Link } from '../../ui/link.tsx';
import { PageHeader } from '../../ui/page.header.tsx';
import { ProblemNotice } from '../../ui/problem.notice.tsx';
import { usePathPart } from '../../ui/use.filters.ts';
import { JobActions } from './job.actions.tsx';
import { JobFacts } from './job.detail.tsx';
import { Json } from './json.tsx';
import type { Job } from './job.words.ts';
import { RedriveAll } from './redrive.all.tsx';
import { JobState } from './run.state.tsx';
import { RunsTable } from './runs.table.tsx';
import detail from './detail.module.css';

/** One job on a page of its own, with all its runs. */
export function JobPage() {
  const id = usePathPart('id');
  const navigate = useNavigate();
  const { data, error, refetch } = useGet('/api/v1/jobs/{id}', { path: { id } });
  return (
    <>
      <PageHeader
        title={data?.name ?? 'Job'}
        beside={data !== undefined && <JobState job={data} />}
        about={
          <>
            <Link to="/jobs">All jobs</Link>
            {data !== undefined && data.description !== '' && <> · {data.description}</>}
          </>
        }
      />
      {error !== null && data === undefined && <ProblemNotice error={error} onRetry={() => void refetch()} />}
      {data === undefined && error === null && <Skeleton height={300} />}
      {data !== undefined && <JobWhole job={data} onGone={() => void navigate({ to: '/jobs' })} />}
    </>
  );
}

function JobWhole({ job, onGone }: { job: Job; onGone: () => void }) {
  const [isRedriving, setIsRedriving] = useState(false);
  return (
    <>
      <JobActions job={job} onGone={onGone} />
      <div className={detail['halves']}>
        <div>
          <JobFacts job={job} />
          {job.status === 'continuous' && <Json label="Last report" value={job.lastResult} />}
        </div>
        {job.status !== 'continuous' && (
          <section aria-label="Runs">
            <RunsTable name="Runs of the job" jobId={job.id}>
              {job.failureCount > 0 && (
                <Button variant="default" onClick={() => setIsRedriving(true)}>
                  Redrive all failed
                </Button>
              )}
            </RunsTable>
          </section>
        )}
      </div>
      {isRedriving && <RedriveAll job={job} onClose={() => setIsRedriving(false)} />}
    </>
  );
}
