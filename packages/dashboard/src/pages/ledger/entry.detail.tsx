import { Actor } from '../../ui/actor.tsx';
import { Link, pathOf } from '../../ui/link.tsx';
import { Num } from '../../ui/num.tsx';
import { Moment } from '../../ui/time.tsx';
import { Delta } from './delta.tsx';
import { storyOf, type Entry } from './movement.words.ts';
import classes from './ledger.module.css';

const BALANCES = [
  ['On hand', 'deltaOnHand', 'onHand'],
  ['Reserved', 'deltaReserved', 'reserved'],
  ['Committed', 'deltaCommitted', 'committed'],
] as const;

/** One movement, explained: before, change, after, and whose it was. */
export function EntryDetail({ entry }: { entry: Entry }) {
  return (
    <>
      <p className={classes['story']}>{storyOf(entry)}</p>
      <table className={classes['balances']}>
        <thead>
          <tr>
            <th scope="col">Units</th>
            <th scope="col">Before</th>
            <th scope="col">Change</th>
            <th scope="col">After</th>
          </tr>
        </thead>
        <tbody>
          {BALANCES.map(([label, delta, after]) => (
            <tr key={label}>
              <th scope="row">{label}</th>
              <td>
                <Num value={entry[after] - entry[delta]} />
              </td>
              <td>
                <Delta of={entry[delta]} />
              </td>
              <td>
                <Num value={entry[after]} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      <dl className={classes['facts']}>
        <dt>When</dt>
        <dd>
          <Moment at={entry.at} />
        </dd>
        <dt>Product</dt>
        <dd>
          <Link to={pathOf('/inventory', entry.sku)}>{entry.sku}</Link>
        </dd>
        <dt>Location</dt>
        <dd>{entry.location}</dd>
        <dt>By</dt>
        <dd>
          <Actor of={entry.actor} />
        </dd>
        {entry.reference !== null && (
          <>
            <dt>Reference</dt>
            <dd>
              <Reference {...entry.reference} />
            </dd>
          </>
        )}
        <Fact label="Reason" value={entry.reason} />
        <Fact label="Notes" value={entry.notes} />
        <Fact label="Lot" value={entry.lot} />
        <Fact label="Unit cost" value={entry.unitCost === null ? null : String(entry.unitCost)} />
        <dt>Number</dt>
        <dd>{entry.seq}</dd>
      </dl>
    </>
  );
}

function Fact({ label, value }: { label: string; value: string | null }) {
  if (value === null) return null;
  return (
    <>
      <dt>{label}</dt>
      <dd>{value}</dd>
    </>
  );
}

function Reference({ type, id }: { type: string; id: string }) {
  if (type === 'reservation') return <Link to={pathOf('/reservations', id)}>reservation …{id.slice(-8)}</Link>;
  return (
    <Link to="/ledger" search={{ referenceType: type, referenceId: id }}>
      {type} {id}
    </Link>
  );
}
