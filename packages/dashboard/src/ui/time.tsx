import { useEffect, useMemo, useState } from 'react';
import { serverNow } from '../api/server.clock.ts';
import { formatAgo, formatLeft, formatShortTime, formatTime } from './time.format.ts';
import { useNow } from './use.now.ts';
import classes from './time.module.css';

/** How long ago; the moment itself is in its title. */
export function TimeAgo({ at }: { at: string | null | undefined }) {
  // What came since the last tick is not yet to come.
  const seenMs = useMemo(() => (at === undefined ? 0 : serverNow()), [at]);
  const now = Math.max(seenMs, useNow(10_000));
  if (at == null) return <span>–</span>;
  return (
    <time dateTime={at} title={formatTime(at)} className={classes['time']}>
      {formatAgo(Date.parse(at), now)}
    </time>
  );
}

export function Moment({ at }: { at: string | null | undefined }) {
  if (at == null) return <span>–</span>;
  return (
    <time dateTime={at} title={formatTime(at)} className={classes['time']}>
      {formatShortTime(at)}
    </time>
  );
}

const SOON_MS = 60_000;

/** The time that is left, to the second. */
export function Countdown({ until, onOver }: { until: string; onOver?: () => void }) {
  const now = useNow(1_000);
  const left = Date.parse(until) - now;
  const isOver = left <= 0;
  const [told, setTold] = useState(false);
  useEffect(() => {
    if (!isOver || told) return;
    setTold(true);
    onOver?.();
  }, [isOver, told, onOver]);
  return (
    <time
      dateTime={until}
      title={`until ${formatTime(until)}`}
      className={classes['countdown']}
      data-soon={left < SOON_MS || undefined}
    >
      {isOver ? 'lapsed' : formatLeft(left)}
    </time>
  );
}
