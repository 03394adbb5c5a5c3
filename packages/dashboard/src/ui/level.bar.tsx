import { Tooltip } from '@mantine/core';
import {
  describeBar,
  inactiveUnits,
  layOutBar,
  PARTS,
  scaleOf,
  type LevelNumbers,
  type Part,
} from './level.bar.rules.ts';
import { formatNumber } from './num.tsx';
import classes from './level.bar.module.css';

export const PART_NAMES: Record<Part, string> = {
  committed: 'Committed',
  reserved: 'Reserved',
  safety: 'Safety',
  inactive: 'At inactive locations',
  available: 'Available',
};

interface LevelBarProps {
  level: LevelNumbers;
  /** The units of the whole length, where bars are compared; else the level fills it. */
  scale?: number;
  size?: 'row' | 'page';
  /** With the numbers below it. */
  withLabels?: boolean;
}

/** The one picture of a level, in the order of PARTS; incoming to the right, a shortage left of zero. */
export function LevelBar({ level, scale = scaleOf(level), size = 'row', withLabels = false }: LevelBarProps) {
  const { shortage, segments, incoming } = layOutBar(level, Math.max(scale, scaleOf(level)));
  const label = describeBar(level);
  return (
    <div className={classes['figure']}>
      <Tooltip label={label} disabled={withLabels}>
        <div role="img" aria-label={label} className={classes['bar']} data-size={size}>
          {shortage.units > 0 && <span className={classes['shortage']} style={{ width: `${shortage.percent}%` }} />}
          <span className={classes['zero']} />
          {segments.map(({ part, percent }) => (
            <span key={part} className={classes['segment']} data-part={part} style={{ width: `${percent}%` }} />
          ))}
          {incoming.units > 0 && <span className={classes['incoming']} style={{ width: `${incoming.percent}%` }} />}
        </div>
      </Tooltip>
      {withLabels && <LevelLegend level={level} />}
    </div>
  );
}

interface LevelLegendProps {
  level?: LevelNumbers;
  /** Where no level is given: some that it explains are at inactive locations. */
  withInactive?: boolean;
}

/** Which pattern is what, with the numbers where a level is given. */
export function LevelLegend({ level, withInactive = false }: LevelLegendProps) {
  const units: Record<Part, number> | null =
    level === undefined
      ? null
      : {
          committed: level.committed,
          reserved: level.reserved,
          safety: level.safetyStock,
          inactive: inactiveUnits(level),
          available: level.available,
        };
  const shown = PARTS.filter((part) => part !== 'inactive' || (units === null ? withInactive : units.inactive > 0));
  return (
    <ul className={classes['legend']}>
      {shown.map((part) => (
        <li key={part}>
          <span className={classes['key']} data-part={part} aria-hidden="true" />
          {PART_NAMES[part]}
          {units !== null && <b>{formatNumber(units[part])}</b>}
        </li>
      ))}
      {level !== undefined && (level.incoming ?? 0) > 0 && (
        <li>
          <span className={classes['key']} data-part="incoming" aria-hidden="true" />
          Incoming <b>{formatNumber(level.incoming ?? 0)}</b>
        </li>
      )}
      {level !== undefined && level.shortage > 0 && (
        <li className={classes['short']}>
          <span className={classes['key']} data-part="shortage" aria-hidden="true" />
          Short by <b>{formatNumber(level.shortage)}</b>
        </li>
      )}
    </ul>
  );
}
