import 'uplot/dist/uPlot.min.css';
import { useEffect, useRef } from 'react';
import { useComputedColorScheme } from '@mantine/core';
import uPlot from 'uplot';
import { formatNumber } from './num.tsx';
import type { TimeChartProps } from './time.chart.types.ts';
import classes from './time.chart.module.css';

const CROSSHAIR = 'page';
const AXIS_PX = 52;
/** For a time to the second, with room beside it. */
const LABEL_PX = 76;

/** uPlot on a canvas. Loaded with the first chart. */
export function TimeChartPlot({ times, series, isStepped = false, height = 200 }: TimeChartProps) {
  const box = useRef<HTMLDivElement>(null);
  const scheme = useComputedColorScheme('light', { getInitialValueInEffect: false });
  // Redrawn when what is drawn changes, not when an equal array comes anew.
  const drawn = JSON.stringify([times, series.map(({ values }) => values)]);
  useEffect(() => {
    const element = box.current;
    if (element === null) return;
    const style = getComputedStyle(document.documentElement);
    const colourOf = (name: string): string => style.getPropertyValue(name).trim();
    const options = optionsFor({ series, isStepped, height, width: element.clientWidth, colourOf });
    const data = [times.map((time) => time / 1_000), ...series.map(({ values }) => [...values])];
    const plot = new uPlot(options, data as uPlot.AlignedData, element);
    const observer = new ResizeObserver(() => plot.setSize({ width: element.clientWidth, height }));
    observer.observe(element);
    return () => {
      observer.disconnect();
      plot.destroy();
    };
    // `drawn` stands for times and series.
    // oxlint-disable-next-line react/exhaustive-deps
  }, [drawn, isStepped, height, scheme]);
  return <div ref={box} className={classes['plot']} style={{ height }} aria-hidden="true" />;
}

const DAY_S = 86_400;
const dayFormat = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short' });
const minuteFormat = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });
const secondFormat = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' });

/** In the reader's locale; midnight is its day. */
function timeLabels(seconds: readonly number[], stepS: number): string[] {
  return seconds.map((second) => {
    const date = new Date(second * 1_000);
    const isMidnight = date.getHours() === 0 && date.getMinutes() === 0 && date.getSeconds() === 0;
    if (stepS >= DAY_S || isMidnight) return dayFormat.format(date);
    return (stepS < 60 ? secondFormat : minuteFormat).format(date);
  });
}

interface OptionsInput extends Pick<TimeChartProps, 'series'> {
  isStepped: boolean;
  height: number;
  width: number;
  colourOf: (name: string) => string;
}

function optionsFor({ series, isStepped, height, width, colourOf }: OptionsInput): uPlot.Options {
  const axis: uPlot.Axis = {
    stroke: colourOf('--hf-dim'),
    grid: { stroke: colourOf('--hf-line'), width: 1 },
    ticks: { show: false },
    font: '12px system-ui',
  };
  const stepped = uPlot.paths.stepped;
  return {
    width,
    height,
    legend: { show: false },
    cursor: { sync: { key: CROSSHAIR }, points: { size: 6 }, drag: { x: false, y: false } },
    scales: { y: { range: (_plot, _low, high) => [0, Math.max(1, high * 1.08)] } },
    axes: [
      {
        ...axis,
        size: 28,
        grid: { show: false },
        space: LABEL_PX,
        values: (_plot, values, _axis, _space, step) => timeLabels(values, step),
      },
      {
        ...axis,
        size: AXIS_PX,
        values: (_plot, values) => values.map((value) => formatNumber(value, { short: true })),
      },
    ],
    series: [
      {},
      ...series.map(({ label, colour, dash }): uPlot.Series => {
        return {
          label,
          stroke: colourOf(colour),
          width: 2,
          points: { show: false },
          ...(dash === undefined ? {} : { dash: [...dash] }),
          ...(isStepped && stepped !== undefined ? { paths: stepped({ align: 1 }) } : {}),
        };
      }),
    ],
  };
}
