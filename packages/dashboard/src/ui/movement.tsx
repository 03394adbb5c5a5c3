import { Link, pathOf } from './link.tsx';
import type { Movement } from '../live/live.rules.ts';
import { deltasOf, wordOf } from './movement.rules.ts';
import { formatNumber } from './num.tsx';
import classes from './movement.module.css';

/** What a movement changed: `−2 on hand`, `+5 reserved`. */
export function Deltas({ movement }: { movement: Pick<Movement, 'deltaOnHand' | 'deltaReserved' | 'deltaCommitted'> }) {
  const deltas = deltasOf(movement);
  if (deltas.length === 0) return <span className={classes['none']}>no change</span>;
  return (
    <span className={classes['deltas']}>
      {deltas.map(({ of, by }) => (
        <span key={of} className={classes['delta']}>
          <b>{formatNumber(by, { signed: true })}</b> {of}
        </span>
      ))}
    </span>
  );
}

/** The word, with a mark of the part that it touches first. */
export function MovementWord({ movement }: { movement: Pick<Movement, 'type' | 'deltaOnHand' | 'deltaReserved'> }) {
  const kind = movement.deltaOnHand > 0 ? 'in' : movement.deltaOnHand < 0 ? 'out' : 'promise';
  return (
    <span className={classes['word']}>
      <span className={classes['mark']} data-kind={kind} aria-hidden="true">
        {kind === 'in' ? '↓' : kind === 'out' ? '↑' : '◦'}
      </span>
      {wordOf(movement.type)}
    </span>
  );
}

const PAGES: Readonly<Record<string, string>> = { reservation: '/reservations', transfer: '/transfers' };

/** What it belongs to, as a link where it has a page. */
export function ReferenceLink({ reference }: { reference: Movement['reference'] }) {
  if (reference === null) return null;
  const page = PAGES[reference.type];
  const text = reference.id.length > 24 ? `${reference.id.slice(0, 8)}…` : reference.id;
  if (page === undefined) return <span title={reference.id}>{`${reference.type} ${text}`}</span>;
  return <Link to={pathOf(page, reference.id)}>{`${reference.type} ${text}`}</Link>;
}
