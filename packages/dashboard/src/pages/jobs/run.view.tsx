import { useGet } from '../../api/queries.ts';
import { Link, pathOf } from '../../ui/link.tsx';
import { PageHeader } from '../../ui/page.header.tsx';
import { usePathPart } from '../../ui/use.filters.ts';
import { RunDetail } from './run.detail.tsx';
import { RunState } from './run.state.tsx';

/** One run on a page of its own, to link to. */
export function RunPage() {
  const id = usePathPart('id');
  const { data } = useGet('/api/v1/runs/{id}', { path: { id } });
  return (
    <>
      <PageHeader
        title={data === undefined ? 'Run' : `Run of ${data.job.name}`}
        beside={data !== undefined && <RunState status={data.status} isStopping={data.cancelRequestedBy !== null} />}
        about={
          <>
            <Link to="/jobs/runs">All runs</Link>
            {data !== undefined && (
              <>
                {' · '}
                <Link to={pathOf('/jobs', data.job.id)}>{data.job.name}</Link>
              </>
            )}
          </>
        }
      />
      <RunDetail id={id} isWide />
    </>
  );
}
