import { Skeleton } from '@mantine/core';
import { useGet } from '../../api/queries.ts';
import { Link } from '../../ui/link.tsx';
import { PageHeader } from '../../ui/page.header.tsx';
import { ProblemNotice } from '../../ui/problem.notice.tsx';
import { usePathPart } from '../../ui/use.filters.ts';
import { titleOf, TransferDetail } from './transfer.detail.tsx';

/** One transfer on a page of its own: what its movements link to. */
export function TransferPage() {
  const id = usePathPart('id');
  const { data, error, refetch } = useGet('/api/v1/transfers/{id}', { path: { id } });
  return (
    <>
      <PageHeader
        title={data === undefined ? 'Transfer' : `Transfer ${titleOf(data)}`}
        about={<Link to="/transfers">All transfers</Link>}
      />
      {data !== undefined && <TransferDetail transfer={data} />}
      {data === undefined && error !== null && <ProblemNotice error={error} onRetry={() => void refetch()} />}
      {data === undefined && error === null && <Skeleton height={180} aria-busy="true" />}
    </>
  );
}
