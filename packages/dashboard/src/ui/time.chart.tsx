import { lazy, Suspense, useState } from 'react';
import { Skeleton, Table } from '@mantine/core';
import '@mantine/core/styles/Table.css';
import { formatNumber } from './num.tsx';
import { PartBoundary } from './part.boundary.tsx';
import { formatTime } from './time.format.ts';
import type { TimeChartProps } from './time.chart.types.ts';
import classes from './time.chart.module.css';

const Plot = lazy(async () => ({ default: (await import('./time.chart.plot.tsx')).TimeChartPlot }));
const TABLE_ROWS_MAX = 200;

/** Values over time. Charts of one page share a crosshair; each can be read as a table. */
export function TimeChart(props: TimeChartProps) {
  const { title, times, series, height = 200 } = props;
  const [isTable, setIsTable] = useState(false);
  return (
    <figure className={classes['figure']}>
      <figcaption className={classes['caption']}>
        <span className={classes['title']}>{title}</span>
        <span className={classes['legend']}>
          {series.map(({ label, colour, dash }) => (
            <span key={label} className={classes['entry']}>
              <svg width="18" height="8" aria-hidden="true">
                <line
                  x1="0"
                  x2="18"
                  y1="4"
                  y2="4"
                  stroke={`var(${colour})`}
                  strokeWidth="2.5"
                  {...(dash === undefined ? {} : { strokeDasharray: dash.join(' ') })}
                />
              </svg>
              {label}
            </span>
          ))}
        </span>
        <button type="button" className={classes['switch']} aria-pressed={isTable} onClick={() => setIsTable(!isTable)}>
          {isTable ? 'As a chart' : 'As a table'}
        </button>
      </figcaption>
      {isTable ? (
        <ChartTable {...props} />
      ) : (
        <PartBoundary fallback={<ChartTable {...props} />}>
          <Suspense fallback={<Skeleton height={height} />}>
            <Plot {...props} />
          </Suspense>
        </PartBoundary>
      )}
      {!isTable && (
        <p className="hf-hidden">
          {series.map(({ label, values }) => `${label}: now ${formatNumber(values.at(-1) ?? 0)}.`).join(' ')}
          {times.length === 0 ? 'There are no values.' : ''}
        </p>
      )}
    </figure>
  );
}

function ChartTable({ title, times, series }: TimeChartProps) {
  const first = Math.max(0, times.length - TABLE_ROWS_MAX);
  const rows = times.slice(first).map((time, index) => ({ time, index: first + index }));
  return (
    <div className={classes['scroll']} tabIndex={0} role="region" aria-label={`${title}, as a table`}>
      <Table withRowBorders stickyHeader>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Time</Table.Th>
            {series.map(({ label }) => (
              <Table.Th key={label} className={classes['number']}>
                {label}
              </Table.Th>
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {rows.toReversed().map(({ time, index }) => (
            <Table.Tr key={index}>
              <Table.Td>{formatTime(new Date(time).toISOString())}</Table.Td>
              {series.map(({ label, values }) => (
                <Table.Td key={label} className={classes['number']}>
                  {values[index] == null ? '–' : formatNumber(values[index])}
                </Table.Td>
              ))}
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </div>
  );
}
