import { useEffect, useState } from 'react';
import { useNow } from './use.now.ts';
import classes from './time.module.css';

const relative = new Intl.RelativeTimeFormat(undefined, { numeric: 'auto', style: 'narrow' });
const absolute = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });

const STEPS: readonly [unit: Intl.RelativeTimeFormatUnit, ms: number][] = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
];

/** `3 min ago`; `in 2 hr`. */
export function formatAgo(atMs: number, nowMs: number): string {
  const distance = atMs - nowMs;
  for (const [unit, ms] of STEPS) {
    if (Math.abs(distance) >= ms) return relative.format(Math.round(distance / ms), unit);
  }
  if (Math.abs(distance) < 5_000) return 'now';
  return relative.format(Math.round(distance / 1_000), 'second');
}

export function formatTime(at: string): string {
  return absolute.format(new Date(at));
}

/** How long ago, by the reader's clock; the moment itself is in its title. */
export function TimeAgo({ at }: { at: string | null | undefined }) {
  const now = useNow(10_000);
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
    <time dateTime={at} className={classes['time']}>
      {formatTime(at)}
    </time>
  );
}

const two = (value: number): string => String(value).padStart(2, '0');

/** `1:05:09`, `4:09`, `0:00`. */
export function formatLeft(ms: number): string {
  const seconds = Math.max(0, Math.ceil(ms / 1_000));
  const [days, hours] = [Math.floor(seconds / 86_400), Math.floor(seconds / 3_600) % 24];
  const [minutes, rest] = [Math.floor(seconds / 60) % 60, seconds % 60];
  if (days > 0) return `${days} d ${hours} h`;
  return hours > 0 ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
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
