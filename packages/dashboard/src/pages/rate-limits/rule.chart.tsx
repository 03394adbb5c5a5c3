import { TimeChart } from '../../ui/time.chart.tsx';
import { courseOf } from './stats.course.ts';
import type { RateStats } from './use.rate.stats.ts';

/** Allowed, refused, and what rules in shadow would have refused, in units of a step. */
export function RuleChart({ title, stats, height = 160 }: { title: string; stats: RateStats; height?: number }) {
  const { times, allowed, refused, shadowRefused } = courseOf(stats.rules, stats);
  return (
    <TimeChart
      title={title}
      times={times}
      height={height}
      isStepped
      series={[
        { label: 'Allowed', colour: '--hf-available', values: allowed },
        { label: 'Refused', colour: '--hf-shortage', dash: [2, 2], values: refused },
        { label: 'Would be refused', colour: '--hf-reserved', dash: [6, 3], values: shadowRefused },
      ]}
    />
  );
}
