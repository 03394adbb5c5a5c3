import { Skeleton } from '@mantine/core';
import { useGet } from '../../api/queries.ts';
import { Fact, Facts } from '../../ui/facts.tsx';
import { Link, pathOf } from '../../ui/link.tsx';
import { Num } from '../../ui/num.tsx';
import { ProblemNotice } from '../../ui/problem.notice.tsx';
import { ShortTable } from '../../ui/short.table.tsx';
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
      <ReservationFacts reservation={data} />
    </>
  );
}

function Lines({ lines }: { lines: readonly Line[] }) {
  return (
    <ShortTable caption="Lines">
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
    </ShortTable>
  );
}

/** Why its units were given back, or those that had not been shipped. */
function Reason({ of: { cancelReason } }: { of: Reservation }) {
  return cancelReason === null ? null : <q className={classes['reason']}>{cancelReason}</q>;
}

function ReservationFacts({ reservation }: { reservation: Reservation }) {
  const times = [
    ['Made', reservation.createdAt],
    ['Expires', reservation.status === 'pending' ? reservation.expiresAt : null],
    ['Confirmed', reservation.confirmedAt],
    ['Shipped', reservation.shippedAt],
    ['Cancelled', reservation.cancelledAt],
    ['Expired', reservation.expiredAt],
  ] as const;
  return (
    <Facts>
      <Fact label="Order">{reservation.orderId}</Fact>
      <Fact label="Customer">{reservation.userId}</Fact>
      <Fact label="Kind">{reservation.type}</Fact>
      {times.map(([label, at]) => (
        <Fact key={label} label={label}>
          {at === null ? null : (
            <>
              <Moment at={at} />
              {label === 'Cancelled' && <Reason of={reservation} />}
            </>
          )}
        </Fact>
      ))}
      {reservation.cancelledAt === null && reservation.cancelReason !== null && (
        <Fact label="Rest cancelled">
          <Reason of={reservation} />
        </Fact>
      )}
      <Fact label="Id">
        <code>{reservation.id}</code>
      </Fact>
      <Fact label="Why">
        <Link to="/ledger" search={{ referenceType: 'reservation', referenceId: reservation.id }}>
          Its movements in the ledger
        </Link>
      </Fact>
    </Facts>
  );
}
