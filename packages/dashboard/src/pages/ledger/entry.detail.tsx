import { Actor } from '../../ui/actor.tsx';
import { Fact, Facts } from '../../ui/facts.tsx';
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
      <Facts>
        <Fact label="When">
          <Moment at={entry.at} />
        </Fact>
        <Fact label="Product">
          <Link to={pathOf('/inventory', entry.sku)}>{entry.sku}</Link>
        </Fact>
        <Fact label="Location">{entry.location}</Fact>
        <Fact label="By">
          <Actor of={entry.actor} />
        </Fact>
        {entry.reference !== null && (
          <Fact label="Reference">
            <Reference {...entry.reference} />
          </Fact>
        )}
        <Fact label="Reason">{entry.reason}</Fact>
        <Fact label="Notes">{entry.notes}</Fact>
        <Fact label="Lot">{entry.lot}</Fact>
        <Fact label="Unit cost">{entry.unitCost === null ? null : String(entry.unitCost)}</Fact>
        <Fact label="Number">{entry.seq}</Fact>
      </Facts>
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
