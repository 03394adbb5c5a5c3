import { useMemo, useState } from 'react';
import { Button, SegmentedControl, Skeleton, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { get } from '../../api/queries.ts';
import { serverNow } from '../../api/server.clock.ts';
import { ProblemNotice } from '../../ui/problem.notice.tsx';
import { TimeChart } from '../../ui/time.chart.tsx';
import { useNow } from '../../ui/use.now.ts';
import { courseFromLedger, instantsBetween, type Course } from './course.rules.ts';
import type { ShownLevel } from './level.shapes.ts';
import { useMovements, type Movements } from './use.movements.ts';
import classes from './product.module.css';

const SPANS = { '1 h': 3_600_000, '24 h': 86_400_000, '7 d': 604_800_000, '90 d': 7_776_000_000 } as const;
type Span = keyof typeof SPANS;

/** Where a thousand movements do not reach back, the server is asked for so many instants. */
const INSTANTS = 25;
const REDRAW_MS = 10_000;

interface ProductCourseProps {
  sku: string;
  levels: readonly ShownLevel[];
  /** To look at an instant of the past. */
  onAt: (at: string) => void;
}

export function ProductCourse({ sku, levels, onAt }: ProductCourseProps) {
  const [chosen, setChosen] = useState<Span | null>(null);
  const day = useMovements({ sku, from: useDayAgo() });
  const span = chosen ?? shortestSpan(day.data);
  const [typed, setTyped] = useState('');
  const toMs = useNow(REDRAW_MS);
  // Of whole minutes, so that the question stays the same while one looks.
  const fromMs = Math.floor((toMs - SPANS[span]) / 60_000) * 60_000;
  const movements = useMovements({ sku, from: new Date(fromMs).toISOString() });
  const sampled = useSampledCourse(sku, { fromMs, span, enabled: movements.data?.isWhole === false });
  const exact = useMemo(() => {
    if (movements.data?.isWhole !== true) return null;
    const sum = (pick: (level: ShownLevel) => number): number => levels.reduce((all, level) => all + pick(level), 0);
    const now = {
      onHand: sum((level) => level.onHand),
      reserved: sum((level) => level.reserved),
      committed: sum((level) => level.committed),
    };
    return courseFromLedger(now, movements.data.items, { fromMs, toMs });
  }, [movements.data, levels, fromMs, toMs]);
  const course = exact ?? sampled.data ?? null;
  const error = movements.error ?? sampled.error;
  return (
    <section className={classes['course']} aria-label="Over time">
      {error !== null && course === null && <ProblemNotice error={error} />}
      {course === null && error === null && <Skeleton height={232} />}
      {course !== null && (
        <TimeChart
          title={`How much was there, and promised?${exact === null ? ` In ${INSTANTS} instants.` : ''}`}
          times={course.times}
          isStepped={exact !== null}
          series={[
            { label: 'On hand', colour: '--hf-available', values: course.onHand },
            { label: 'Committed', colour: '--hf-committed', values: course.committed, dash: [8, 4] },
            { label: 'Reserved', colour: '--hf-reserved', values: course.reserved, dash: [2, 3] },
          ]}
        />
      )}
      <div className={classes['spans']}>
        <SegmentedControl aria-label="Span" value={span} onChange={setChosen} data={Object.keys(SPANS) as Span[]} />
        <form
          className={classes['instant']}
          onSubmit={(event) => {
            event.preventDefault();
            if (typed !== '') onAt(new Date(typed).toISOString());
          }}
        >
          <TextInput
            type="datetime-local"
            aria-label="An instant of the past"
            step={1}
            value={typed}
            onChange={(event) => setTyped(event.currentTarget.value)}
          />
          <Button type="submit" variant="default" disabled={typed === ''}>
            Show it then
          </Button>
        </form>
      </div>
    </section>
  );
}

/** A whole minute a day ago, the same while the page is open. */
function useDayAgo(): string {
  const [dayAgo] = useState(() => new Date(Math.floor(serverNow() / 60_000) * 60_000 - SPANS['24 h']).toISOString());
  return dayAgo;
}

/** The one that shows what happened, where nobody chose: an hour, if all of today's movements are in it. */
function shortestSpan(day: Movements | undefined): Span {
  const oldest = day?.items.at(-1);
  const isWithinHour = oldest !== undefined && Date.parse(oldest.at) > serverNow() - SPANS['1 h'];
  return day?.isWhole === true && isWithinHour ? '1 h' : '24 h';
}

function useSampledCourse(sku: string, { fromMs, span, enabled }: { fromMs: number; span: Span; enabled: boolean }) {
  return useQuery({
    queryKey: ['product course', sku, span, Math.floor(fromMs / (SPANS[span] / INSTANTS))],
    enabled,
    staleTime: Infinity,
    queryFn: async ({ signal }): Promise<Course> => {
      const times = instantsBetween(fromMs, fromMs + SPANS[span] - 60_000, INSTANTS);
      const course: Course = { times, onHand: [], reserved: [], committed: [] };
      // One after the other: a chart is no reason to press the server.
      for (const time of times) {
        const asked = { path: { sku }, query: { at: new Date(time).toISOString() } };
        const { totals } = await get('/api/v1/inventory/{sku}', asked, signal);
        course.onHand.push(totals.onHand);
        course.reserved.push(totals.reserved);
        course.committed.push(totals.committed);
      }
      return course;
    },
  });
}
