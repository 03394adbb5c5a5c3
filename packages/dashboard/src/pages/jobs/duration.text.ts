const UNITS_MS = { d: 86_400_000, h: 3_600_000, min: 60_000, s: 1_000, ms: 1 } as const;
type Unit = keyof typeof UNITS_MS;

const SPELLED: Readonly<Record<string, Unit>> = {
  d: 'd',
  day: 'd',
  days: 'd',
  h: 'h',
  hour: 'h',
  hours: 'h',
  m: 'min',
  min: 'min',
  minute: 'min',
  minutes: 'min',
  s: 's',
  sec: 's',
  second: 's',
  seconds: 's',
  ms: 'ms',
};

/** `1 h 30 min` of 5,400,000: exact, so that it can be read back. */
export function durationText(ms: number): string {
  if (ms === 0) return '0 s';
  let rest = ms;
  const parts: string[] = [];
  for (const [unit, size] of Object.entries(UNITS_MS)) {
    const count = Math.floor(rest / size);
    if (count > 0) parts.push(`${count} ${unit}`);
    rest -= count * size;
  }
  return parts.join(' ');
}

/** Milliseconds of `1 h 30 min`, `90s` or `1.5 hours`; null where it is none of these. */
export function parseDuration(text: string): number | null {
  const whole = text.trim().toLowerCase();
  if (!/^(?:\d+(?:\.\d+)?\s*[a-z]+\s*)+$/.test(whole)) return null;
  let sum = 0;
  for (const [, count = '', word = ''] of whole.matchAll(/(\d+(?:\.\d+)?)\s*([a-z]+)/g)) {
    const unit = SPELLED[word];
    if (unit === undefined) return null;
    sum += Number(count) * UNITS_MS[unit];
  }
  return Math.round(sum);
}

/** As one reads it at a glance: `340 ms`, `1.2 s`, `2 min 5 s`, `1 h 4 min`, `3 d 2 h`. */
export function roughDuration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 59_950) return `${(ms / 1_000).toFixed(ms < 9_950 ? 1 : 0)} s`;
  const seconds = Math.round(ms / 1_000);
  if (seconds < 3_600) return pair(Math.floor(seconds / 60), 'min', seconds % 60, 's');
  const minutes = Math.round(seconds / 60);
  if (minutes < 1_440) return pair(Math.floor(minutes / 60), 'h', minutes % 60, 'min');
  const hours = Math.round(minutes / 60);
  return pair(Math.floor(hours / 24), 'd', hours % 24, 'h');
}

function pair(large: number, largeUnit: Unit, small: number, smallUnit: Unit): string {
  return small === 0 ? `${large} ${largeUnit}` : `${large} ${largeUnit} ${small} ${smallUnit}`;
}
