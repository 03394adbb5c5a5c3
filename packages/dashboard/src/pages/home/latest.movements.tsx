import { Skeleton } from '@mantine/core';
import { Link, pathOf } from '../../ui/link.tsx';
import { Deltas, MovementWord } from '../../ui/movement.tsx';
import { TimeAgo } from '../../ui/time.tsx';
import { keyOfMovement, type Activity } from './use.activity.ts';
import classes from './home.module.css';

const SHOWN = 14;

/** What moved last; new ones come in at the top. */
export function LatestMovements({ activity }: { activity: Activity }) {
  return (
    <section className={classes['panel']} aria-labelledby="latest-movements">
      <header className={classes['panelHead']}>
        <h2 id="latest-movements">Latest movements</h2>
        <Link to="/ledger">All of them</Link>
      </header>
      {activity.isLoading && Array.from({ length: 8 }, (_, index) => <Skeleton key={index} height={26} mb={6} />)}
      {!activity.isLoading && activity.movements.length === 0 && (
        <p className={classes['nothing']}>Nothing moved in the last hours.</p>
      )}
      <ol className={classes['movements']}>
        {activity.movements.slice(0, SHOWN).map((movement) => (
          <li key={keyOfMovement(movement)} className={classes['movement']}>
            <MovementWord movement={movement} />
            <span className={classes['what']}>
              <Link to={pathOf('/inventory', movement.sku)}>{movement.sku}</Link>
              <span className={classes['where']}>{movement.location}</span>
            </span>
            <Deltas movement={movement} />
            <span className={classes['when']}>
              <TimeAgo at={movement.at} />
            </span>
          </li>
        ))}
      </ol>
    </section>
  );
}
