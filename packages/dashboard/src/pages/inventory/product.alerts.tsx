import { useGet } from '../../api/queries.ts';
import { AlertState } from '../../ui/alert.state.tsx';
import { TYPE_WORDS } from '../../ui/alert.words.ts';
import { EmptyState } from '../../ui/empty.state.tsx';
import { Num } from '../../ui/num.tsx';
import { ProblemNotice } from '../../ui/problem.notice.tsx';
import { TimeAgo } from '../../ui/time.tsx';
import classes from './product.module.css';

export function ProductAlerts({ sku }: { sku: string }) {
  const list = useGet('/api/v1/alerts', { query: { sku, limit: 50 } });
  if (list.error !== null && list.data === undefined) return <ProblemNotice error={list.error} />;
  if (list.data?.items.length === 0) {
    return (
      <EmptyState title="It never raised an alert" icon="bell">
        Set a reorder point on the product: at that many available units or fewer, an alert opens.
      </EmptyState>
    );
  }
  return (
    <div className={classes['scroll']}>
      <table className={classes['rows']}>
        <thead>
          <tr>
            <th>Alert</th>
            <th>Location</th>
            <th>State</th>
            <th>At</th>
            <th>Threshold</th>
            <th>Opened</th>
          </tr>
        </thead>
        <tbody>
          {(list.data?.items ?? []).map(({ id, type, status, location, value, threshold, openedAt }) => (
            <tr key={id}>
              <th scope="row">{TYPE_WORDS[type]}</th>
              <td>{location}</td>
              <td>
                <AlertState alert={{ status }} />
              </td>
              <td>
                <Num value={value} />
              </td>
              <td>
                <Num value={threshold} />
              </td>
              <td>
                <TimeAgo at={openedAt} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
