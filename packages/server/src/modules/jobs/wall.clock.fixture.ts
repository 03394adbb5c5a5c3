// What a clock on the wall shows, read from Intl minute by minute, and what should fire by it.

export const MINUTE_MS = 60_000;
export const HOUR_MS = 3_600_000;

/** An instant as it is written here: without what is nought. */
export function iso(atMs: number | null): string {
  return atMs === null ? 'never' : new Date(atMs).toISOString().replace(':00.000Z', 'Z');
}

export interface WallMinute {
  atMs: number;
  /** What the clock shows, counted as if it were UTC. */
  wallMs: number;
}

/** What an expression means, by what a clock shows. */
export interface Matcher {
  seconds: readonly number[];
  isFixed: boolean;
  matches: (wallMs: number) => boolean;
}

/** Changes of every kind: an hour, half an hour, two hours, a day; at night, at midnight, over midnight, at 00:01. */
export const CHANGES: readonly [timeZone: string, change: string][] = [
  ['Europe/Berlin', '2026-03-29T01:00Z'],
  ['Europe/Berlin', '2099-10-25T01:00Z'],
  ['Europe/Dublin', '2026-10-25T01:00Z'],
  ['America/New_York', '2026-03-08T07:00Z'],
  ['America/New_York', '2026-11-01T06:00Z'],
  ['Australia/Lord_Howe', '2026-04-04T15:00Z'],
  ['Australia/Lord_Howe', '2026-10-03T15:30Z'],
  ['America/Havana', '2026-03-08T05:00Z'],
  ['America/Havana', '2026-11-01T05:00Z'],
  ['Asia/Beirut', '2026-03-28T22:00Z'],
  ['Asia/Beirut', '2026-10-24T21:00Z'],
  ['America/Nuuk', '2024-03-31T01:00Z'],
  ['America/Nuuk', '2024-10-27T01:00Z'],
  ['America/St_Johns', '2010-03-14T03:31Z'],
  ['America/St_Johns', '2010-11-07T02:31Z'],
  ['Pacific/Apia', '2011-12-30T10:00Z'],
  ['Pacific/Chatham', '2026-04-04T14:00Z'],
  ['Pacific/Chatham', '2026-09-26T14:00Z'],
  ['Antarctica/Troll', '2026-03-29T01:00Z'],
  ['Antarctica/Troll', '2026-10-25T01:00Z'],
  ['Africa/Casablanca', '2026-02-15T02:00Z'],
  ['Asia/Kolkata', '2026-02-28T18:30Z'],
];

/** Two days, with the change on the first of them. */
export function windowAround(change: string): [fromMs: number, toMs: number] {
  return [Date.parse(change) - 20 * HOUR_MS, Date.parse(change) + 28 * HOUR_MS];
}

const clocks = new Map<string, WallMinute[]>();

/** Each minute from two days before the window, so that it is known which times of day have been, to a day after. */
export function wallClock(timeZone: string, change: string): WallMinute[] {
  const known = clocks.get(timeZone + change);
  if (known !== undefined) return known;
  const [from, to] = windowAround(change);
  const formatter = formatterOf(timeZone);
  const minutes: WallMinute[] = [];
  for (let atMs = from - 24 * HOUR_MS; atMs <= to + 24 * HOUR_MS; atMs += MINUTE_MS)
    minutes.push({ atMs, wallMs: shownBy(formatter, atMs) });
  clocks.set(timeZone + change, minutes);
  return minutes;
}

function formatterOf(timeZone: string): Intl.DateTimeFormat {
  return new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short', timeStyle: 'medium' });
}

function shownBy(formatter: Intl.DateTimeFormat, atMs: number): number {
  return Date.parse(`${formatter.format(atMs).replace(' ', 'T')}Z`);
}

/** Whether the clocks of a place are put forward or back within a day. */
export function clocksMove(timeZone: string, dayMs: number): boolean {
  const formatter = formatterOf(timeZone);
  return shownBy(formatter, dayMs + 24 * HOUR_MS) - shownBy(formatter, dayMs) !== 24 * HOUR_MS;
}

/** What fires on such a clock up to an instant: a fixed time of day once, also where it is left out or comes twice. */
export function expectedFires(clock: WallMinute[], { seconds, isFixed, matches }: Matcher, toMs: number): number[] {
  const shown = new Set<number>();
  const days = new Set(clock.map(({ wallMs }) => Math.floor(wallMs / (24 * HOUR_MS))));
  const fired = new Set<number>();
  let before = clock[0]?.wallMs ?? 0;
  for (const { atMs, wallMs } of clock) {
    for (let missed = before + MINUTE_MS; missed < wallMs; missed += MINUTE_MS) {
      if (isFixed && matches(missed) && days.has(Math.floor(missed / (24 * HOUR_MS)))) fired.add(atMs);
    }
    if (matches(wallMs) && !(isFixed && shown.has(wallMs)))
      seconds.forEach((second) => fired.add(atMs + second * 1_000));
    shown.add(wallMs);
    before = wallMs;
  }
  const from = (clock[0]?.atMs ?? 0) + 24 * HOUR_MS;
  return [...fired].filter((atMs) => atMs >= from && atMs <= toMs).toSorted((left, right) => left - right);
}
