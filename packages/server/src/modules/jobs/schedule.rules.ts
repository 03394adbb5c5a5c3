import { Cron } from 'croner';
import cronstrue from 'cronstrue';
import { quoted, ScheduleError } from './schedule.error.ts';
import { readTimeZone, type OffsetAt } from './zone.clock.ts';

/**
 * When a job fires: a cron expression on the clock of a place. Pure: instants are milliseconds since the epoch.
 *
 * The expression is read here, so that a refusal says what to write instead. croner finds the next date and time that
 * matches on a calendar without a zone; what the clocks of the place do to it is decided here, since croner 11.0.1
 * drops a daily job where they go forward at the end of a day (America/Nuuk), and reads `0 2,14 * * *` as an interval
 * unless told otherwise. cronstrue says it in words.
 */
export interface Schedule {
  readonly expression: string;
  readonly timeZone: string;
  /** The first fire strictly after an instant; null when there is none before the year 3000. None is before 1970. */
  readonly next: (afterMs: number) => number | null;
  /** The first `max` fires after `fromMs` and up to and including `toMs`. */
  readonly between: (fromMs: number, toMs: number, max: number) => number[];
  /** In words: `At 02:30, Monday through Friday (Europe/Berlin)`. */
  readonly describe: () => string;
}

export const EXPRESSION_MAX = 200;

/**
 * @param expression 5 fields, or 6 with seconds first, or a nickname such as `@daily`
 * @param timeZone an IANA name, such as Europe/Berlin, or UTC
 * @throws ScheduleError also for a schedule that would never fire
 */
export function parseSchedule(expression: string, timeZone: string): Schedule {
  const fields = readExpression(expression);
  refuseNever(fields);
  const offsetAt = readTimeZone(timeZone);
  // With an offset in place of a zone croner counts with numbers alone: 2 µs for a time, where a zone costs 100.
  const calendar = calendarOf(fields);
  const wallFrom = (wallMs: number): number | null => calendar.nextRun(new Date(wallMs - 1))?.getTime() ?? null;
  const clock = { offsetAt, wallFrom, isFixed: isFixedTime(fields) };
  const next = (afterMs: number): number | null => nextFire(clock, afterMs);
  return {
    expression,
    timeZone,
    next,
    between: (fromMs, toMs, max) => firesBetween(next, fromMs, toMs, max),
    describe: () => `${inWords(fields)} (${timeZone})`,
  };
}

/**
 * A schedule that was taken once. What one version of Node.js, ICU or croner has read another may refuse: names of time
 * zones come and go, and in a fleet that is being upgraded several versions look at the same job.
 */
export function readStored(expression: string, timeZone: string): Schedule | ScheduleError {
  try {
    return parseSchedule(expression, timeZone);
  } catch (error) {
    if (error instanceof ScheduleError) return error;
    throw error;
  }
}

// The expression.

interface Field {
  name: string;
  min: number;
  max: number;
  /** Names of the values from `min` on. */
  names: readonly string[];
  /** How many values there are, where the next round begins right after the last; 0 where it does not. */
  cycle: number;
}

const MONTHS = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'];
const WEEKDAYS = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'];

const SECOND: Field = { name: 'second', min: 0, max: 59, names: [], cycle: 60 };
const MINUTE: Field = { name: 'minute', min: 0, max: 59, names: [], cycle: 60 };
const HOUR: Field = { name: 'hour', min: 0, max: 23, names: [], cycle: 24 };
const DAY: Field = { name: 'day of month', min: 1, max: 31, names: [], cycle: 0 };
const MONTH: Field = { name: 'month', min: 1, max: 12, names: MONTHS, cycle: 0 };
const WEEKDAY: Field = { name: 'day of week', min: 0, max: 7, names: WEEKDAYS, cycle: 0 };

const NICKNAMES: ReadonlyMap<string, string> = new Map([
  ['@yearly', '0 0 1 1 *'],
  ['@annually', '0 0 1 1 *'],
  ['@monthly', '0 0 1 * *'],
  ['@weekly', '0 0 * * 0'],
  ['@daily', '0 0 * * *'],
  ['@midnight', '0 0 * * *'],
  ['@hourly', '0 * * * *'],
]);

function calendarOf(fields: ReadFields): Cron {
  try {
    return new Cron(fields.map(({ text }) => text).join(' '), { utcOffset: 0 });
  } catch (error) {
    return refuse(`The schedule cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** One field as croner takes it, and as cronstrue says it right. */
interface ReadField {
  text: string;
  words: string;
  /** The days, hours, … that it names; empty where it says `*` or counts from the end. */
  values: readonly number[];
}

type ReadFields = readonly [ReadField, ReadField, ReadField, ReadField, ReadField, ReadField];

const ANY: ReadField = { text: '*', words: '*', values: [] };

function refuse(message: string): never {
  throw new ScheduleError('schedule', message);
}

function readExpression(expression: string): ReadFields {
  if (expression.length > EXPRESSION_MAX) refuse(`A schedule has at most ${EXPRESSION_MAX} characters.`);
  if (/\p{Cc}/u.test(expression))
    refuse('A schedule is one line: it has no tabs, line breaks or other control characters.');
  const words = splitWords(expression.trim().toUpperCase());
  const [second, minute, hour, day, month, weekday] = words.length === 5 ? ['0', ...words] : words;
  if (words.length > 6 || !second || !minute || !hour || !day || !month || !weekday)
    refuse(
      'A schedule has 5 fields (minute, hour, day of month, month, day of week), or 6 with seconds first; ' +
        `this one has ${words.length}${words.length === 7 ? '. It cannot name years' : ''}.`,
    );
  if (/\*\/(?!1$)/.test(day) ? !isAny(weekday) : /\*\/(?!1$)/.test(weekday) && !isAny(day))
    refuse(
      'With both day fields set, cron programs disagree on a step from *. ' +
        'Write it as a range, such as 1-31/2: the schedule then fires on days that match either field.',
    );
  return [
    readField(SECOND, second),
    readField(MINUTE, minute),
    readField(HOUR, hour),
    readField(DAY, isAny(day) ? '*' : day),
    readField(MONTH, month),
    readField(WEEKDAY, isAny(weekday) ? '*' : weekday),
  ];
}

function splitWords(text: string): string[] {
  if (text === '') refuse('A schedule is missing: write one such as "30 2 * * *", or a nickname such as @daily.');
  if (!text.startsWith('@')) return text.split(/ +/);
  const nickname = text.toLowerCase();
  const known = [...NICKNAMES.keys()].join(', ');
  return (NICKNAMES.get(nickname) ?? refuse(`${quoted(nickname)} is not known: use one of ${known}.`)).split(' ');
}

/** `?` is how Quartz says that a day field does not count. */
function isAny(text: string): boolean {
  return text === '*' || text === '?' || text === '*/1';
}

/** A part of a list. One that is marked (`L`, `5#2`, `15W`) depends on the month. */
interface Item {
  text: string;
  values: readonly number[];
  isMarked: boolean;
  /** Of one that has a step: whether it starts from `*`. */
  step: { by: number; isOfAll: boolean } | null;
}

function readField(field: Field, text: string): ReadField {
  if (text === '*' || text === '*/1') return ANY;
  const items = text.split(',').map((item) => readItem(field, item));
  refuseMixture(field, text, items);
  return {
    text: items.map((item) => item.text).join(','),
    words: wordsOf(field, items),
    values: items.some((item) => item.values.length === 0) ? [] : items.flatMap((item) => item.values),
  };
}

function refuseMixture(field: Field, text: string, items: readonly Item[]): void {
  if (items.length === 1) return;
  if (items.some((item) => item.text === '*' || item.text.endsWith('W')))
    refuse(`The ${field.name} field ${quoted(text)} is a list: *, LW and W must stand alone.`);
  if (field === WEEKDAY && items.some((item) => item.isMarked) && !items.every((item) => item.isMarked))
    refuse(`The day of week field ${quoted(text)} mixes days of every week with counted ones: make two jobs of it.`);
}

/** cronstrue reads a step as "every n", which is true only where n steps end with the round. */
function wordsOf(field: Field, items: readonly Item[]): string {
  const isTrue = ({ step }: Item): boolean =>
    step === null || (items.length === 1 && step.isOfAll && step.by < field.cycle && field.cycle % step.by === 0);
  if (items.every(isTrue)) return items.map((item) => item.text).join(',');
  const unmarked = items.filter((item) => !item.isMarked).flatMap((item) => item.values);
  const values = [...new Set(unmarked)].toSorted((left, right) => left - right);
  return [...values, ...items.filter((item) => item.isMarked).map((item) => item.text)].join(',');
}

function readItem(field: Field, item: string): Item {
  const marked = readMarked(field, item);
  if (marked !== null) return marked;
  const match = /^(?:\*|([A-Z\d]+)(?:-([A-Z\d]+))?)(?:\/(\d+))?$/.exec(item);
  if (match === null) refuse(`The ${field.name} field cannot be ${quoted(item)}: ${formsOf(field)}.`);
  const [, lower, upper, every] = match;
  if (lower !== undefined && upper === undefined && every !== undefined)
    refuse(`The ${field.name} ${quoted(item)} has a step but no range: write ${lower}-${lastOf(field)}/${every}.`);
  const step = every === undefined ? null : { by: readStep(field, every), isOfAll: lower === undefined };
  const from = lower === undefined ? field.min : valueOf(field, lower, item);
  const to = lower === undefined ? lastOf(field) : upper === undefined ? from : endOf(field, from, upper, item);
  if (from > to)
    refuse(
      `The ${field.name} range ${quoted(item)} runs backwards: write ${from}-${lastOf(field)},${field.min}-${to}.`,
    );
  const by = step?.by ?? 1;
  const values = Array.from({ length: Math.floor((to - from) / by) + 1 }, (_, index) => from + index * by);
  const range = lower === undefined ? '*' : upper === undefined ? `${from}` : `${from}-${to}`;
  return { text: step === null ? range : `${range}/${by}`, values, isMarked: false, step };
}

function readMarked(field: Field, item: string): Item | null {
  if (field === DAY) {
    if (item === 'L' || item === 'LW') return { text: item, values: [], isMarked: true, step: null };
    const near = /^(\d+)W$/.exec(item)?.[1];
    if (near === undefined) return null;
    const day = valueOf(field, near, item);
    return { text: `${day}W`, values: [day], isMarked: true, step: null };
  }
  const counted = field === WEEKDAY ? /^(\d+|[A-Z]{3})(L|#[1-5])$/.exec(item) : null;
  if (counted === null) return null;
  const [, weekday = '', mark = ''] = counted;
  return { text: `${valueOf(field, weekday, item)}${mark}`, values: [], isMarked: true, step: null };
}

function valueOf(field: Field, text: string, item: string): number {
  const named = field.names.indexOf(text);
  if (named >= 0) return field.min + named;
  if (!/^\d+$/.test(text)) refuse(`The ${field.name} field cannot be ${quoted(item)}: ${formsOf(field)}.`);
  const value = Number(text);
  if (value < field.min || value > field.max)
    refuse(`The ${field.name} ${quoted(text)} is out of range: it goes from ${field.min} to ${field.max}.`);
  return value;
}

/** A Sunday that ends a range, as in FRI-SUN, ends the week. */
function endOf(field: Field, from: number, text: string, item: string): number {
  const value = valueOf(field, text, item);
  if (field !== WEEKDAY) return value;
  return text === 'SUN' && from > 0 ? 7 : from === 0 ? Math.min(value, 6) : value;
}

/** The last of its values that is no second name of another. */
function lastOf(field: Field): number {
  return field === WEEKDAY ? 6 : field.max;
}

function readStep(field: Field, text: string): number {
  const by = Number(text);
  const most = lastOf(field) - field.min + 1;
  if (by < 1 || by > most)
    refuse(`The step ${quoted(`/${text}`)} of the ${field.name} field is out of range: it goes from 1 to ${most}.`);
  return by;
}

function formsOf(field: Field): string {
  const names = field.names.length === 0 ? '' : ` or names such as ${field.names[1]}`;
  const marks = field === DAY ? ', L, LW or 15W' : field === WEEKDAY ? ', FRI#2 or FRIL' : '';
  return `it takes *, numbers from ${field.min} to ${field.max}${names}, lists, ranges and steps${marks}`;
}

const LONGEST = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** With a day of the week it always fires: where both day fields are set, a day needs to match one of them. */
function refuseNever([, , , day, month, weekday]: ReadFields): void {
  if (day.values.length === 0 || weekday !== ANY) return;
  const longest = Math.max(...(month === ANY ? LONGEST : month.values.map((value) => LONGEST[value - 1] ?? 0)));
  const first = Math.min(...day.values);
  if (first > longest)
    refuse(`This schedule would never fire: no month that it names has a day ${first}. The longest has ${longest}.`);
}

function inWords(fields: ReadFields): string {
  const words = cronstrue.toString(fields.map((field) => field.words).join(' '), { use24HourTimeFormat: true });
  // cronstrue leaves out the "and" before a day that is counted in the month.
  return words.replace(' of the month, on the ', ' of the month, and on the ');
}

/**
 * A job at times of day, as opposed to one every so often: no wildcard and no step in seconds, minutes or hours. The
 * two are treated apart by cron (Vixie's, "wild" jobs) when the clocks change.
 */
function isFixedTime([second, minute, hour]: ReadFields): boolean {
  return [second, minute, hour].every(({ text }) => !/[*/]/.test(text));
}

// The fires.

interface ScheduleClock {
  offsetAt: OffsetAt;
  /** The first time at or after a time that matches, both as clocks show them, counted as if that were UTC. */
  wallFrom: (wallMs: number) => number | null;
  isFixed: boolean;
}

const DAY_MS = 86_400_000;
/** No clocks changed twice within a week since 1970, and none by more than one day. */
const LOOK_MS = 2 * DAY_MS;
/** croner gives up at the year 3000. */
const END_MS = Date.UTC(3000, 0, 1);

function nextFire({ offsetAt, wallFrom, isFixed }: ScheduleClock, afterMs: number): number | null {
  if (Number.isNaN(afterMs)) throw new RangeError('a schedule was asked for its fires after NaN');
  let fromMs = Math.max(Math.floor(afterMs) + 1, 0);
  if (fromMs >= END_MS) return null;
  if (isFixed) fromMs = afterRepeat(offsetAt, fromMs);
  // Of the moment before, so that a change at `fromMs` itself is seen.
  let offset = offsetAt(fromMs - 1);
  for (;;) {
    const wall = wallFrom(fromMs + offset);
    if (wall === null) return null;
    const atMs = wall - offset;
    const change = firstChange(offsetAt, fromMs, fromMs + LOOK_MS, offset);
    if (change !== null && atMs >= change) {
      const moved = offsetAt(change) - offset;
      if (isFixed && isLeftOut(wall, change + offset, change + offset + moved)) return change;
      fromMs = isFixed ? Math.max(change, change - moved) : change;
      offset += moved;
    } else if (atMs <= fromMs + LOOK_MS) {
      return atMs;
    } else {
      // Whatever clocks do until then: offsets are 26 hours apart at most, so nothing fires before.
      fromMs = Math.max(fromMs + LOOK_MS, atMs - LOOK_MS);
      offset = offsetAt(fromMs);
    }
  }
}

/**
 * A time of day that clocks go past when they are put forward is kept when they have been. Not on a day that is left
 * out as a whole, such as 30 December 2011 on Samoa: the next day has its own.
 */
function isLeftOut(wall: number, gapFrom: number, gapTo: number): boolean {
  const dayStart = Math.floor(wall / DAY_MS) * DAY_MS;
  return wall < gapTo && !(dayStart >= gapFrom && dayStart + DAY_MS <= gapTo);
}

/** Times of day that come twice fire the first time: an instant in the second round moves to its end. */
function afterRepeat(offsetAt: OffsetAt, fromMs: number): number {
  const offset = offsetAt(fromMs - DAY_MS);
  const change = firstChange(offsetAt, fromMs - DAY_MS, fromMs, offset);
  return change === null ? fromMs : Math.max(fromMs, change + offset - offsetAt(change));
}

/** The first instant from `fromMs` to `toMs` at which the clocks are no longer `offset` ahead. */
function firstChange(offsetAt: OffsetAt, fromMs: number, toMs: number, offset: number): number | null {
  if (offsetAt(toMs) === offset) return null;
  let before = fromMs - 1;
  let after = toMs;
  while (after - before > 1) {
    const middle = Math.floor((before + after) / 2);
    if (offsetAt(middle) === offset) before = middle;
    else after = middle;
  }
  return after;
}

function firesBetween(next: Schedule['next'], fromMs: number, toMs: number, max: number): number[] {
  const fires: number[] = [];
  while (fires.length < max) {
    const atMs = next(fires.at(-1) ?? fromMs);
    if (atMs === null || atMs > toMs) break;
    fires.push(atMs);
  }
  return fires;
}
