import { Skeleton } from '@mantine/core';
import { useGet } from '../../api/queries.ts';
import { Link, pathOf } from '../../ui/link.tsx';
import { Num } from '../../ui/num.tsx';
import { ProblemNotice } from '../../ui/problem.notice.tsx';
import { Countdown, Moment } from '../../ui/time.tsx';
import { ReservationActions } from './reservation.actions.tsx';
import { StateDiagram } from './state.diagram.tsx';
import type { Line, Reservation } from './reservation.words.ts';
import classes from './reservations.module.css';

/** A reservation: where it stands, how long it has, what it holds, and what can be done. */
export function ReservationDetail({ id }: { id: string }) {
  const { data, error, refetch } = useGet('/api/v1/reservations/{id}', { path: { id } });
  if (error !== null && data === undefined) return <ProblemNotice error={error} onRetry={() => void refetch()} />;
  if (data === undefined) return <Skeleton height={240} />;
  return (
    <>
      {data.status === 'pending' && (
        <p className={classes['left']}>
          <Countdown until={data.expiresAt} onOver={() => void refetch()} />
          <span className={classes['dim']}> until it expires</span>
        </p>
      )}
      <StateDiagram state={data.status} />
      <ReservationActions reservation={data} />
      <Lines lines={data.lines} />
      <Facts reservation={data} />
    </>
  );
}

function Lines({ lines }: { lines: readonly Line[] }) {
  return (
    <table className={classes['lines']}>
      <caption className={classes['caption']}>Lines</caption>
      <thead>
        <tr>
          <th scope="col">Product</th>
          <th scope="col">Location</th>
          <th scope="col" data-number>
            Units
          </th>
          <th scope="col" data-number>
            Shipped
          </th>
          <th scope="col" data-number>
            Cancelled
          </th>
        </tr>
      </thead>
      <tbody>
        {lines.map(({ sku, location, quantity, requested, shipped, cancelled }, index) => (
          // Lines keep their places, and may be alike.
          <tr key={index}>
            <td>
              <Link to={pathOf('/inventory', sku)}>{sku}</Link>
            </td>
            <td>{location ?? '–'}</td>
            <td data-number>
              <Num value={quantity} />
              {requested > quantity && <span className={classes['dim']}> of {requested.toLocaleString()}</span>}
            </td>
            <td data-number>
              <Num value={shipped} />
            </td>
            <td data-number>
              <Num value={cancelled} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Facts({ reservation }: { reservation: Reservation }) {
  const times = [
    ['Made', reservation.createdAt],
    ['Expires', reservation.status === 'pending' ? reservation.expiresAt : null],
    ['Confirmed', reservation.confirmedAt],
    ['Shipped', reservation.shippedAt],
    ['Cancelled', reservation.cancelledAt],
    ['Expired', reservation.expiredAt],
  ] as const;
  return (
    <dl className={classes['facts']}>
      {reservation.orderId !== null && (
        <>
          <dt>Order</dt>
          <dd>{reservation.orderId}</dd>
        </>
      )}
      {reservation.userId !== null && (
        <>
          <dt>Customer</dt>
          <dd>{reservation.userId}</dd>
        </>
      )}
      <dt>Kind</dt>
      <dd>{reservation.type}</dd>
      {times.map(([label, at]) =>
        at === null ? null : (
          <div key={label} className={classes['pair']}>
            <dt>{label}</dt>
            <dd>
              <Moment at={at} />
            </dd>
          </div>
        ),
      )}
      <dt>Id</dt>
      <dd>
        <code>{reservation.id}</code>
      </dd>
      <dt>Why</dt>
      <dd>
        <Link to="/ledger" search={{ referenceType: 'reservation', referenceId: reservation.id }}>
          Its movements in the ledger
        </Link>
      </dd>
    </dl>
  );
}
