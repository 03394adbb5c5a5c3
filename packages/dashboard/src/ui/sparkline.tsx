import { pathThrough } from './sparkline.rules.ts';
import classes from './sparkline.module.css';

interface SparklineProps {
  values: readonly number[];
  /** What it shows, in words: `Movements per minute, the last hour: 3 to 41`. */
  label: string;
  width?: number;
  height?: number;
}

/** The course of a number, without axes: beside the number itself. */
export function Sparkline({ values, label, width = 120, height = 28 }: SparklineProps) {
  const line = pathThrough(values, width, height);
  return (
    <svg
      className={classes['spark']}
      width="100%"
      height={height + 2}
      viewBox={`0 -1 ${width} ${height + 2}`}
      preserveAspectRatio="none"
      role="img"
      aria-label={label}
    >
      {line !== '' && (
        <>
          <path d={`${line}L${width} ${height}L0 ${height}Z`} className={classes['area']} />
          <path d={line} className={classes['line']} vectorEffect="non-scaling-stroke" />
        </>
      )}
    </svg>
  );
}
