const relative = new Intl.RelativeTimeFormat(undefined, { numeric: 'auto', style: 'narrow' });
const absolute = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });
const zoned = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'long' });

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

/** The moment to the second, with its zone: who asks for it may compare it with another place's. */
export function formatTime(at: string): string {
  return zoned.format(new Date(at));
}

const thisYear = new Intl.DateTimeFormat(undefined, {
  day: 'numeric',
  month: 'short',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
});

/** Without the year, where it is this one: for rows of a list. */
export function formatShortTime(at: string, now: Date = new Date()): string {
  const time = new Date(at);
  return (time.getFullYear() === now.getFullYear() ? thisYear : absolute).format(time);
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
