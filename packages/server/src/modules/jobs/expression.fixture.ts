import fc from 'fast-check';
import { ScheduleError } from './schedule.error.ts';
import { parseSchedule } from './schedule.rules.ts';
import type { Matcher } from './wall.clock.fixture.ts';

// Expressions, each with its own meaning beside it.

interface Part {
  text: string;
  has: (value: number, date: Date) => boolean;
}

const any: Part = { text: '*', has: () => true };

function numbers(min: number, max: number, usual: fc.Arbitrary<number>): fc.Arbitrary<Part> {
  const size = max - min + 1;
  const list = fc.uniqueArray(usual, { minLength: 1, maxLength: 4 }).map((values): Part => {
    return { text: values.join(), has: (value) => values.includes(value) };
  });
  const range = fc.tuple(usual, usual, fc.integer({ min: 1, max: size })).map(([a, b, by]): Part => {
    const [from, to] = [Math.min(a, b), Math.max(a, b)];
    const text = by === 1 ? `${from}-${to}` : `${from}-${to}/${by}`;
    return { text, has: (value) => value >= from && value <= to && (value - from) % by === 0 };
  });
  const step = fc.integer({ min: 2, max: size }).map((by): Part => {
    return { text: `*/${by}`, has: (value) => (value - min) % by === 0 };
  });
  return fc.oneof({ weight: 4, arbitrary: list }, range, step, fc.constant(any));
}

function dayInMonth(date: Date, day: number): Date {
  return new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), day));
}

function lengthOf(date: Date): number {
  return new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate();
}

function isWorkday(date: Date): boolean {
  return date.getUTCDay() % 6 !== 0;
}

/** The day from Monday to Friday that is nearest, within the month: a Saturday gives way to the day before first. */
function nearestWorkday(date: Date, day: number): number | undefined {
  const length = lengthOf(date);
  const near = [day, day - 1, day + 1, day - 2, day + 2].filter((value) => value >= 1 && value <= length);
  return day > length ? undefined : near.find((value) => isWorkday(dayInMonth(date, value)));
}

const someDay = fc.integer({ min: 1, max: 31 });

const dayOfMonth: fc.Arbitrary<Part> = fc.oneof(
  { weight: 6, arbitrary: fc.constant(any) },
  { weight: 2, arbitrary: numbers(1, 31, someDay) },
  fc.constant<Part>({ text: 'L', has: (day, date) => day === lengthOf(date) }),
  fc.constant<Part>({ text: 'LW', has: (day, date) => day === nearestWorkdayBefore(date) }),
  someDay.map((near): Part => ({ text: `${near}W`, has: (day, date) => day === nearestWorkday(date, near) })),
);

function nearestWorkdayBefore(date: Date): number {
  let day = lengthOf(date);
  while (!isWorkday(dayInMonth(date, day))) day -= 1;
  return day;
}

const NAMES = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'];
const someWeekday = fc.integer({ min: 0, max: 6 });

const dayOfWeek: fc.Arbitrary<Part> = fc.oneof(
  { weight: 8, arbitrary: fc.constant(any) },
  { weight: 2, arbitrary: numbers(0, 6, someWeekday) },
  someWeekday.map((weekday): Part => ({ text: NAMES[weekday] ?? '', has: (value) => value === weekday })),
  fc.tuple(someWeekday, fc.integer({ min: 1, max: 5 })).map(([weekday, nth]): Part => {
    const has = (value: number, date: Date): boolean => value === weekday && Math.ceil(date.getUTCDate() / 7) === nth;
    return { text: `${NAMES[weekday]}#${nth}`, has };
  }),
  someWeekday.map((weekday): Part => {
    const has = (value: number, date: Date): boolean => value === weekday && date.getUTCDate() + 7 > lengthOf(date);
    return { text: `${weekday}L`, has };
  }),
);

const isOpen = ({ text }: Part): boolean => /[*/]/.test(text);
const nightHour = fc.oneof({ weight: 3, arbitrary: fc.constantFrom(0, 1, 2, 3, 23) }, fc.integer({ min: 0, max: 23 }));
const secondsList = fc.uniqueArray(fc.integer({ min: 0, max: 59 }), { minLength: 1, maxLength: 2 });

/** Any expression that fires at all. */
export const anExpression: fc.Arbitrary<{ text: string; matcher: Matcher }> = fc
  .record({
    seconds: fc.option(secondsList, { nil: null, freq: 3 }),
    minute: numbers(0, 59, fc.oneof(fc.constantFrom(0, 15, 30, 45), fc.integer({ min: 0, max: 59 }))),
    hour: numbers(0, 23, nightHour),
    day: dayOfMonth,
    month: fc.oneof({ weight: 5, arbitrary: fc.constant(any) }, numbers(1, 12, fc.integer({ min: 1, max: 12 }))),
    weekday: dayOfWeek,
  })
  .filter(({ day, weekday }) => day === any || weekday === any || !`${day.text}${weekday.text}`.includes('*'))
  .map(({ seconds, minute, hour, day, month, weekday }) => {
    const fields = [minute, hour, day, month, weekday].map(({ text }) => text).join(' ');
    const matches = (wallMs: number): boolean => {
      const date = new Date(wallMs);
      const [isDay, isWeekday] = [day.has(date.getUTCDate(), date), weekday.has(date.getUTCDay(), date)];
      const isDate = day !== any && weekday !== any ? isDay || isWeekday : isDay && isWeekday;
      if (!isDate || !month.has(date.getUTCMonth() + 1, date)) return false;
      return hour.has(date.getUTCHours(), date) && minute.has(date.getUTCMinutes(), date);
    };
    return {
      text: seconds === null ? fields : `${seconds.join()} ${fields}`,
      matcher: { seconds: seconds ?? [0], isFixed: !isOpen(minute) && !isOpen(hour), matches },
    };
  })
  .filter(({ text }) => !isNever(text));

/** Days that no month of the expression has are refused; that is tested with the rules. */
function isNever(text: string): boolean {
  try {
    parseSchedule(text, 'UTC');
    return false;
  } catch (error) {
    if (error instanceof ScheduleError && error.message.includes('never fire')) return true;
    throw error;
  }
}
