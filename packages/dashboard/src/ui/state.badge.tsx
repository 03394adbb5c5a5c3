import { useNow } from './use.now.ts';
import { shapeOf, shareLeft, STATE_WORDS, type ReservationState } from './state.badge.rules.ts';
import classes from './state.badge.module.css';

interface StateBadgeProps {
  state: ReservationState;
  /** Of a pending one: the ring drains from the one to the other. */
  createdAt?: string;
  expiresAt?: string;
  size?: number;
}

const RADIUS = 6;
const LENGTH = 2 * Math.PI * RADIUS;

/** A reservation's state: a word and a shape, never colour alone. */
export function StateBadge(props: StateBadgeProps) {
  return (
    <span className={classes['badge']} data-state={props.state}>
      <StateShape {...props} />
      {STATE_WORDS[props.state]}
    </span>
  );
}

/** The shape alone, where the word stands beside it. */
export function StateShape({ state, createdAt, expiresAt, size = 16 }: StateBadgeProps) {
  const now = useNow(1_000);
  const shape = shapeOf(state);
  const left =
    shape === 'ring' && createdAt !== undefined && expiresAt !== undefined ? shareLeft(createdAt, expiresAt, now) : 1;
  return (
    <svg
      className={classes['shape']}
      width={size}
      height={size}
      viewBox="0 0 16 16"
      data-state={state}
      aria-hidden="true"
    >
      {shape === 'ring' && (
        <>
          <circle cx="8" cy="8" r={RADIUS} className={classes['track']} />
          <circle
            cx="8"
            cy="8"
            r={RADIUS}
            className={classes['line']}
            strokeDasharray={`${left * LENGTH} ${LENGTH}`}
            transform="rotate(-90 8 8)"
          />
        </>
      )}
      {shape === 'half' && (
        <>
          <circle cx="8" cy="8" r={RADIUS} className={classes['line']} />
          <path d="M8 2a6 6 0 0 0 0 12z" className={classes['fill']} />
        </>
      )}
      {shape === 'full' && <circle cx="8" cy="8" r={RADIUS + 1} className={classes['fill']} />}
      {shape === 'cross' && (
        <>
          <circle cx="8" cy="8" r={RADIUS} className={classes['line']} />
          <path d="M5.600 5.600l4.800 4.800M10.400 5.600l-4.800 4.800" className={classes['line']} />
        </>
      )}
      {shape === 'dashed' && (
        <circle cx="8" cy="8" r={RADIUS} className={classes['line']} strokeDasharray="2.400 2.310" />
      )}
    </svg>
  );
}
