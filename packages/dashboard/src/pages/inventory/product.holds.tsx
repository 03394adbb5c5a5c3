import { useGet } from '../../api/queries.ts';
import { EmptyState } from '../../ui/empty.state.tsx';
import { Link, pathOf } from '../../ui/link.tsx';
import { Num } from '../../ui/num.tsx';
import { ProblemNotice } from '../../ui/problem.notice.tsx';
import { StateBadge } from '../../ui/state.badge.tsx';
import { Countdown, TimeAgo } from '../../ui/time.tsx';
import { openUnits } from './explain.rules.ts';
import classes from './product.module.css';

const SHOWN = 100;

interface HoldListProps {
  sku: string;
  location?: string;
  status?: 'pending' | 'confirmed';
}

/** The reservations that hold units of it, or did. */
export function ProductHolds({ sku, location, status }: HoldListProps) {
  const query = {
    sku,
    limit: SHOWN,
    ...(location === undefined ? {} : { location }),
    ...(status === undefined ? {} : { status }),
  };
  const list = useGet('/api/v1/reservations', { query });
  if (list.error !== null && list.data === undefined) return <ProblemNotice error={list.error} />;
  if (list.data?.items.length === 0) {
    return (
      <EmptyState
        title={status === undefined ? 'Nobody ever reserved it' : 'No reservation holds it'}
        icon="hold"
        curl={{
          method: 'POST',
          path: `/api/v1/inventory/${encodeURIComponent(sku)}/reserve`,
          body: { quantity: 1, orderId: 'ORDER-1' },
        }}
      />
    );
  }
  return (
    <div className={classes['scroll']}>
      <table className={classes['rows']}>
        <thead>
          <tr>
            <th>Order</th>
            <th>State</th>
            <th>Open units</th>
            <th>Made</th>
            <th>Lapses in</th>
          </tr>
        </thead>
        <tbody>
          {(list.data?.items ?? []).map(({ id, orderId, status: state, lines, createdAt, expiresAt }) => (
            <tr key={id}>
              <th scope="row">
                <Link to={pathOf('/reservations', id)}>{orderId ?? `${id.slice(0, 8)}…`}</Link>
              </th>
              <td>
                <StateBadge state={state} createdAt={createdAt} expiresAt={expiresAt} />
              </td>
              <td>
                <Num value={openUnits(lines, sku, location ?? null)} of={id} />
              </td>
              <td>
                <TimeAgo at={createdAt} />
              </td>
              <td>{state === 'pending' ? <Countdown until={expiresAt} /> : '–'}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {list.data?.nextCursor != null && (
        <p className={classes['more']}>
          The newest {SHOWN}.{' '}
          <Link to="/reservations" search={{ sku }}>
            All of them
          </Link>
        </p>
      )}
    </div>
  );
}
