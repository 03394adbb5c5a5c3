import { Button } from '@mantine/core';
import { LevelBar } from '../../ui/level.bar.tsx';
import { scaleOf } from '../../ui/level.bar.rules.ts';
import { Num } from '../../ui/num.tsx';
import { useIsPhone } from '../../ui/use.phone.ts';
import type { ExplainedPart } from './explain.panel.tsx';
import { asLevel, levelTotals, type ThenLevel } from './level.shapes.ts';
import classes from './product.module.css';

interface ProductLevelsProps {
  levels: readonly ThenLevel[];
  isThen: boolean;
  onExplain: (part: ExplainedPart, location: string | null) => void;
  onAdjust?: (location: string) => void;
  onSettings?: (location: string) => void;
}

const PARTS: readonly (readonly [part: ExplainedPart, label: string])[] = [
  ['onHand', 'On hand'],
  ['committed', 'Committed'],
  ['reserved', 'Reserved'],
  ['safetyStock', 'Safety'],
  ['available', 'Available'],
];
/** On a phone what is available is seen without a sideways scroll. */
const AVAILABLE_FIRST = [...PARTS.slice(-1), ...PARTS.slice(0, -1)];

/** A row for each location, drawn to one scale; every number can be asked why. */
export function ProductLevels({ levels, isThen, onExplain, onAdjust, onSettings }: ProductLevelsProps) {
  const scale = Math.max(...levels.map((level) => scaleOf(asLevel(level))), 1);
  const ordered = useIsPhone() ? AVAILABLE_FIRST : PARTS;
  const parts = isThen ? ordered.filter(([part]) => part !== 'safetyStock' && part !== 'available') : ordered;
  const total = levelTotals(levels.map(asLevel));
  return (
    <div className={classes['scroll']}>
      <table className={classes['levels']}>
        <caption className="hf-hidden">Levels by location</caption>
        <thead>
          <tr>
            <th>Location</th>
            <th className={classes['barColumn']}>Level</th>
            {parts.map(([part, label]) => (
              <th key={part}>{label}</th>
            ))}
            {onAdjust !== undefined && (
              <th>
                <span className="hf-hidden">Actions</span>
              </th>
            )}
          </tr>
        </thead>
        <tbody>
          {levels.map((then) => {
            const level = asLevel(then);
            return (
              <tr key={level.location}>
                <th scope="row" title={level.location}>
                  {level.location}
                </th>
                <td className={classes['barColumn']}>
                  <LevelBar level={level} scale={scale} />
                </td>
                {parts.map(([part, label]) => (
                  <td key={part}>
                    <Why
                      label={`${label} at ${level.location}`}
                      value={level[part]}
                      isAsked={!isThen}
                      onAsk={() => onExplain(part, level.location)}
                    />
                  </td>
                ))}
                {onAdjust !== undefined && (
                  <td>
                    <Button
                      variant="subtle"
                      size="compact-xs"
                      aria-label={`Adjust at ${level.location}`}
                      onClick={() => onAdjust(level.location)}
                    >
                      Adjust
                    </Button>
                    <Button
                      variant="subtle"
                      color="gray"
                      size="compact-xs"
                      aria-label={`Settings at ${level.location}`}
                      onClick={() => onSettings?.(level.location)}
                    >
                      Settings
                    </Button>
                  </td>
                )}
              </tr>
            );
          })}
        </tbody>
        {levels.length > 1 && (
          <tfoot>
            <tr>
              <th scope="row">All</th>
              <td className={classes['barColumn']} />
              {parts.map(([part, label]) => (
                <td key={part}>
                  <Why
                    label={`${label} in all`}
                    value={total[part]}
                    isAsked={!isThen}
                    onAsk={() => onExplain(part, null)}
                  />
                </td>
              ))}
              {onAdjust !== undefined && <td />}
            </tr>
          </tfoot>
        )}
      </table>
    </div>
  );
}

interface WhyProps {
  label: string;
  value: number;
  isAsked: boolean;
  onAsk: () => void;
}

function Why({ label, value, isAsked, onAsk }: WhyProps) {
  if (!isAsked) return <Num value={value} of={label} />;
  return (
    <button
      type="button"
      className={classes['why']}
      aria-label={`${label}: ${value}. Why?`}
      title="Why?"
      onClick={onAsk}
    >
      <Num value={value} of={label} />
    </button>
  );
}
