import { useMemo } from 'react';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { getOptions } from '../../api/queries.ts';
import { Link, pathOf } from '../../ui/link.tsx';
import { formatCount, formatNumber } from '../../ui/num.tsx';
import { StateShape } from '../../ui/state.badge.tsx';
import { Countdown } from '../../ui/time.tsx';
import { useNow } from '../../ui/use.now.ts';
import classes from './home.module.css';

const SHOWN = 5;
/** As many as a page of a list has. */
const ASKED = 200;
const SOON_MS = 5 * 60_000;
const RENEW_MS = 60_000;

/** Holds that lapse within five minutes, the next one first. */
export function Expiring() {
  const now = useNow(RENEW_MS);
  const expiringBefore = useMemo(() => new Date(now + SOON_MS).toISOString(), [now]);
  const soon = useQuery({
    ...getOptions('/api/v1/reservations', {
      query: { status: 'pending', expiringBefore, sort: 'expiresAt', limit: ASKED },
    }),
    placeholderData: keepPreviousData,
  });
  const holds = (soon.data?.items ?? []).filter(({ expiresAt }) => Date.parse(expiresAt) > now - RENEW_MS);
  return (
    <section className={classes['panel']} aria-labelledby="expiring">
      <header className={classes['panelHead']}>
        <h2 id="expiring">About to expire</h2>
        <Link to="/reservations" search={{ status: 'pending' }}>
          All pending
        </Link>
      </header>
      {soon.isSuccess && holds.length === 0 && (
        <p className={classes['nothing']}>No hold lapses within five minutes.</p>
      )}
      <ol className={classes['holds']}>
        {holds.slice(0, SHOWN).map(({ id, orderId, lines, createdAt, expiresAt }) => (
          <li key={id} className={classes['hold']}>
            <StateShape state="pending" createdAt={createdAt} expiresAt={expiresAt} />
            <Link to={pathOf('/reservations', id)}>{orderId ?? `${id.slice(0, 8)}…`}</Link>
            <span className={classes['where']}>
              {formatCount(
                lines.reduce((sum, { quantity }) => sum + quantity, 0),
                'unit',
              )}
            </span>
            <span className={classes['when']}>
              <Countdown until={expiresAt} />
            </span>
          </li>
        ))}
      </ol>
      {holds.length > SHOWN && (
        <p className={classes['nothing']}>
          and {formatNumber(holds.length - SHOWN)} more{soon.data?.nextCursor == null ? '' : ' at least'}
        </p>
      )}
    </section>
  );
}
