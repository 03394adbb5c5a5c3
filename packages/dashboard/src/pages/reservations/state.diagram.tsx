import { StateShape } from '../../ui/state.badge.tsx';
import { STATE_WORDS, type ReservationState } from '../../ui/state.badge.rules.ts';
import classes from './reservations.module.css';

const MAIN = ['pending', 'confirmed', 'shipped'] as const;
const ENDS = ['expired', 'cancelled'] as const;

/** How each state is reached, and from where: the diagram in words, for who cannot see it. */
const WAYS = 'Pending becomes confirmed, expired or cancelled; confirmed becomes shipped or cancelled.';

/** The states of a reservation, the present one lit. */
export function StateDiagram({ state }: { state: ReservationState }) {
  return (
    <figure className={classes['diagram']} aria-label={`State: ${STATE_WORDS[state]}. ${WAYS}`}>
      <div className={classes['row']}>
        {MAIN.map((one, index) => (
          <span key={one} className={classes['step']}>
            {index > 0 && <span className={classes['arrow']}>→</span>}
            <StateBox state={one} present={state} />
          </span>
        ))}
      </div>
      <div className={classes['row']}>
        {ENDS.map((one) => (
          <span key={one} className={classes['step']}>
            <span className={classes['arrow']}>↳</span>
            <StateBox state={one} present={state} />
          </span>
        ))}
      </div>
    </figure>
  );
}

function StateBox({ state, present }: { state: ReservationState; present: ReservationState }) {
  return (
    <span className={classes['box']} data-present={state === present || undefined}>
      <StateShape state={state} /> {STATE_WORDS[state]}
    </span>
  );
}
