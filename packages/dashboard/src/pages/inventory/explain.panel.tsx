import { Skeleton } from '@mantine/core';
import { formatCount, formatNumber } from '../../ui/num.tsx';
import { wordOf } from '../../ui/movement.rules.ts';
import { inactiveUnits } from '../../ui/level.bar.rules.ts';
import { ProblemNotice } from '../../ui/problem.notice.tsx';
import { sumByType } from './explain.rules.ts';
import { levelTotals, type ShownLevel } from './level.shapes.ts';
import { ProductHolds } from './product.holds.tsx';
import { useMovements } from './use.movements.ts';
import classes from './product.module.css';

export const EXPLAINED = {
  onHand: 'On hand',
  committed: 'Committed',
  reserved: 'Reserved',
  safetyStock: 'Safety',
  available: 'Available',
} as const;
export type ExplainedPart = keyof typeof EXPLAINED;

export interface Explained {
  part: ExplainedPart;
  /** Null: all of them. */
  location: string | null;
}

interface ExplainPanelProps {
  sku: string;
  explained: Explained;
  levels: readonly ShownLevel[];
}

/** Why a number is what it is: what it is the sum of. */
export function ExplainPanel({ sku, explained: { part, location }, levels }: ExplainPanelProps) {
  const own = levels.filter((level) => location === null || level.location === location);
  const numbers = levelTotals(own);
  switch (part) {
    case 'onHand':
      return <OnHandSum sku={sku} location={location} onHand={numbers.onHand} />;
    case 'reserved':
    case 'committed':
      return (
        <>
          <p>
            {part === 'reserved'
              ? 'Units that pending reservations hold until they are confirmed, cancelled, or lapse.'
              : 'Units of confirmed reservations that have not shipped yet.'}
          </p>
          <ProductHolds
            sku={sku}
            status={part === 'reserved' ? 'pending' : 'confirmed'}
            {...(location === null ? {} : { location })}
          />
        </>
      );
    case 'safetyStock':
      return (
        <p>
          Units that are withheld from sale. The setting is the level’s own, or else its product’s; where less is free
          than it asks for, all of that is withheld.
        </p>
      );
    case 'available':
      return <AvailableSum levels={own} />;
  }
}

function OnHandSum({ sku, location, onHand }: { sku: string; location: string | null; onHand: number }) {
  const movements = useMovements({ sku, ...(location === null ? {} : { location }) });
  if (movements.error !== null) return <ProblemNotice error={movements.error} />;
  if (movements.data === undefined) return <Skeleton height={120} />;
  const { items, isWhole } = movements.data;
  const rows = sumByType(items);
  const counted = rows.reduce((sum, { units }) => sum + units, 0);
  return (
    <>
      <p>
        {isWhole
          ? 'The sum of everything that ever came in and went out.'
          : `The sum of the last ${formatCount(items.length, 'movement')}, and of what was there before them.`}
      </p>
      <table className={classes['sum']}>
        <tbody>
          {!isWhole && <SumLine label="Before them" units={onHand - counted} />}
          {rows.map(({ type, count, units }) => (
            <SumLine
              key={type}
              label={`${wordOf(type)}, ${count === 1 ? 'once' : `${formatNumber(count)} times`}`}
              units={units}
            />
          ))}
        </tbody>
        <tfoot>
          <SumLine label="On hand" units={onHand} isTotal />
        </tfoot>
      </table>
    </>
  );
}

function AvailableSum({ levels }: { levels: readonly ShownLevel[] }) {
  const total = levelTotals(levels);
  const atInactive = inactiveUnits(total);
  return (
    <>
      <p>What a new reservation may take: what is there, without what is promised or withheld, never below zero.</p>
      <table className={classes['sum']}>
        <tbody>
          <SumLine label="On hand" units={total.onHand} />
          <SumLine label="Reserved" units={-total.reserved} />
          <SumLine label="Committed" units={-total.committed} />
          <SumLine label="Safety" units={-total.safetyStock} />
          {atInactive > 0 && <SumLine label="At inactive locations" units={-atInactive} />}
          {total.shortage > 0 && <SumLine label="Missing, and therefore not below zero" units={total.shortage} />}
        </tbody>
        <tfoot>
          <SumLine label="Available" units={total.available} isTotal />
        </tfoot>
      </table>
    </>
  );
}

function SumLine({ label, units, isTotal = false }: { label: string; units: number; isTotal?: boolean }) {
  return (
    <tr>
      <th scope="row">{label}</th>
      <td>{formatNumber(units, { signed: !isTotal })}</td>
    </tr>
  );
}
