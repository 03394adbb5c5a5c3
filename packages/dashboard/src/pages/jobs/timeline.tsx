import { Link, pathOf } from '../../ui/link.tsx';
import { Moment, TimeAgo } from '../../ui/time.tsx';
import { formatAgo, formatTime } from '../../ui/time.format.ts';
import { roughDuration } from './duration.text.ts';
import { RUN_WORDS, tookMs, type Run } from './job.words.ts';
import { barsOf, marksOf, percentOf, ticksOf, type Axis, type TimelineRow } from './timeline.rules.ts';
import classes from './timeline.module.css';

const MARKS = 6;
/** In percent: a time nearer to an end would stand out of it. */
const MARK_MARGIN = 3;
const DAY_MS = 86_400_000;

/** What is shown of a run that was. */
export type Ran = Pick<Run, 'id' | 'status' | 'startedAt' | 'finishedAt' | 'job'>;

interface TimelineProps {
  rows: readonly TimelineRow<Ran>[];
  axis: Axis;
  nowMs: number;
}

/** A row for each job: bars for what ran, ticks for what is due, a line for now. */
export function Timeline({ rows, axis, nowMs }: TimelineProps) {
  const marks = marksOf(axis, MARKS, new Date(nowMs).getTimezoneOffset()).filter((at) => {
    const percent = percentOf(at, axis);
    return percent > MARK_MARGIN && percent < 100 - MARK_MARGIN;
  });
  return (
    <div className={classes['timeline']}>
      <div className={classes['row']} aria-hidden="true">
        <span />
        <span className={classes['marks']}>
          {marks.map((at) => (
            <span key={at} className={classes['mark']} style={{ left: `${percentOf(at, axis)}%` }}>
              {markText(at, axis)}
            </span>
          ))}
        </span>
      </div>
      <ul className={classes['rows']} aria-label="Jobs, the soonest first">
        {rows.map((row) => (
          <li key={row.jobId} className={classes['row']}>
            <span className={classes['name']}>
              <Link to={pathOf('/jobs', row.jobId)}>{row.name}</Link>
              <span className={classes['soon']}>{nextText(row, nowMs)}</span>
            </span>
            <Track row={row} axis={axis} nowMs={nowMs} marks={marks} />
          </li>
        ))}
      </ul>
      <p className={classes['legend']} aria-hidden="true">
        <span className={classes['keyTick']} /> due <span className={classes['keyBar']} data-status="succeeded" /> ran{' '}
        <span className={classes['keyBar']} data-status="failed" /> failed{' '}
        <span className={classes['keyBar']} data-status="running" /> running
      </p>
    </div>
  );
}

function Track({
  row,
  axis,
  nowMs,
  marks,
}: { row: TimelineRow<Ran>; marks: readonly number[] } & Omit<TimelineProps, 'rows'>) {
  const isAhead = (at: number): boolean => at >= nowMs;
  const ticks = ticksOf(row.dueMs.filter(isAhead), axis);
  return (
    <span className={classes['track']} role="img" aria-label={describeRow(row, nowMs)}>
      {marks.map((at) => (
        <span key={at} className={classes['grid']} style={{ left: `${percentOf(at, axis)}%` }} />
      ))}
      <span className={classes['now']} style={{ left: `${percentOf(nowMs, axis)}%` }} />
      {barsOf(row.runs, axis, nowMs).map(({ run, at, width }) => (
        <span
          key={run.id}
          className={classes['ran']}
          data-status={run.status}
          style={{ left: `${at}%`, width: `${width}%` }}
          title={`${RUN_WORDS[run.status]}, ${formatTime(run.startedAt ?? '')}, ${roughDuration(tookMs(run, nowMs) ?? 0)}`}
        />
      ))}
      {row.goesOn && <span className={classes['on']} style={{ left: `${percentOf(Math.max(...row.dueMs), axis)}%` }} />}
      {ticks.map(({ at, count, firstMs }) => (
        <span
          key={firstMs}
          className={classes['tick']}
          style={{ left: `${at}%` }}
          title={`${formatTime(new Date(firstMs).toISOString())}${count > 1 ? `, and ${count - 1} more` : ''}`}
        />
      ))}
    </span>
  );
}

function markText(at: number, { fromMs, toMs }: Axis): string {
  const date = new Date(at);
  const isMidnight = date.getHours() === 0 && date.getMinutes() === 0;
  if (isMidnight || toMs - fromMs > 3 * DAY_MS) {
    return date.toLocaleDateString(undefined, { weekday: 'short', day: 'numeric' });
  }
  return date.toLocaleTimeString(undefined, { hour: '2-digit', minute: '2-digit' });
}

function nextText({ dueMs }: TimelineRow<Ran>, nowMs: number): string {
  const next = dueMs.filter((at) => at >= nowMs).toSorted((left, right) => left - right)[0];
  return next === undefined ? '' : formatAgo(next, nowMs);
}

function describeRow(row: TimelineRow<Ran>, nowMs: number): string {
  const due = row.dueMs.filter((at) => at >= nowMs).length;
  const failed = row.runs.filter(({ status }) => status === 'failed').length;
  const parts = [
    due === 0 ? 'not due' : `due ${due === 1 ? 'once' : `${due} times`}, next ${nextText(row, nowMs)}`,
    ...(row.runs.length === 0 ? [] : [`ran ${row.runs.length === 1 ? 'once' : `${row.runs.length} times`}`]),
    ...(failed === 0 ? [] : [`failed ${failed === 1 ? 'once' : `${failed} times`}`]),
  ];
  return `${row.name}: ${parts.join(', ')}`;
}

const LINES_MAX = 300;

/** The same, to be read: what is due, the soonest first. */
export function TimelineTable({ rows, nowMs }: Omit<TimelineProps, 'axis'>) {
  const due = rows
    .flatMap(({ jobId, name, dueMs }) => dueMs.map((at) => ({ at, jobId, name })))
    .filter(({ at }) => at >= nowMs)
    .toSorted((left, right) => left.at - right.at)
    .slice(0, LINES_MAX);
  return (
    <div className={classes['scroll']} tabIndex={0} role="region" aria-label="What is due, as a table">
      <table className={classes['table']}>
        <thead>
          <tr>
            <th scope="col">When</th>
            <th scope="col">In</th>
            <th scope="col">Job</th>
          </tr>
        </thead>
        <tbody>
          {due.map(({ at, jobId, name }) => {
            const text = new Date(at).toISOString();
            return (
              <tr key={`${jobId} ${at}`}>
                <td>
                  <Moment at={text} />
                </td>
                <td>
                  <TimeAgo at={text} />
                </td>
                <td>
                  <Link to={pathOf('/jobs', jobId)}>{name}</Link>
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}
