import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ScheduleError } from './schedule.error.ts';
import { EXPRESSION_MAX, parseSchedule } from './schedule.rules.ts';
import { clocksMove, HOUR_MS, iso, MINUTE_MS } from './wall.clock.fixture.ts';

const JANUARY = Date.UTC(2026, 0, 1);

function fires(expression: string, timeZone: string, from: string, to: string): string[] {
  return parseSchedule(expression, timeZone).between(Date.parse(from), Date.parse(to), 100).map(iso);
}

function refusal(expression: string, timeZone = 'UTC'): ScheduleError {
  try {
    parseSchedule(expression, timeZone);
  } catch (error) {
    if (error instanceof ScheduleError) return error;
    throw error;
  }
  throw new Error(`${expression} in ${timeZone} is taken`);
}

describe('the next fire', () => {
  it.each([
    ['30 2 * * *', 'UTC', '2026-01-01T02:30Z'],
    ['0 */6 * * *', 'UTC', '2026-01-01T06:00Z'],
    ['*/10 30 2 * * *', 'UTC', '2026-01-01T02:30Z'],
    ['5 30 2 * * *', 'UTC', '2026-01-01T02:30:05.000Z'],
    ['30 2 * * *', 'Europe/Berlin', '2026-01-01T01:30Z'],
    ['@hourly', 'Asia/Kolkata', '2026-01-01T00:30Z'],
    ['@Weekly', 'UTC', '2026-01-04T00:00Z'],
    ['0 0 * * mon', 'UTC', '2026-01-05T00:00Z'],
    ['0 0 * * FRI-SUN', 'UTC', '2026-01-02T00:00Z'],
    ['0 0 * * 7', 'UTC', '2026-01-04T00:00Z'],
    ['0 0 ? FEB ?', 'UTC', '2026-02-01T00:00Z'],
    ['0 0 L * *', 'UTC', '2026-01-31T00:00Z'],
    ['0 0 LW * *', 'UTC', '2026-01-30T00:00Z'],
    ['0 0 31W * *', 'UTC', '2026-01-30T00:00Z'],
    ['0 0 * * 1#3', 'UTC', '2026-01-19T00:00Z'],
    ['0 0 * * SUNL', 'UTC', '2026-01-25T00:00Z'],
    ['0 0 13 * 5', 'UTC', '2026-01-02T00:00Z'],
    ['0 0 29 2 *', 'UTC', '2028-02-29T00:00Z'],
    ['0 0 * 2 MON#5', 'UTC', '2044-02-29T00:00Z'],
    ['30 2 1 7 *', 'Europe/Berlin', '2026-07-01T00:30Z'],
    ['30 2 1 12 *', 'Europe/Berlin', '2026-12-01T01:30Z'],
    ['30 2 1 7 *', 'Australia/Sydney', '2026-06-30T16:30Z'],
    ['30 2 29 3 *', 'Europe/Berlin', '2026-03-29T01:00Z'],
    // A day that never comes, or a Monday; the seventh day is the first one, also where it is counted.
    ['0 0 30 2 MON', 'UTC', '2026-02-02T00:00Z'],
    ['0 0 * * 7#1', 'UTC', '2026-01-04T00:00Z'],
    ['0 0 * * 7L', 'UTC', '2026-01-25T00:00Z'],
  ])('of %s in %s, asked at the start of 2026, is %s', (expression, timeZone, expected) => {
    expect(iso(parseSchedule(expression, timeZone).next(JANUARY))).toBe(expected);
  });

  it('is found across all that clocks do until then', () => {
    // Samoa's clocks went forward by an hour, and then by a day.
    const { next } = parseSchedule('0 0 1 1 *', 'Pacific/Apia');
    expect(iso(next(Date.UTC(2011, 8, 1)))).toBe('2011-12-31T10:00Z');
  });

  it('is strictly after, to the millisecond', () => {
    const { next } = parseSchedule('0 0 * * *', 'UTC');
    expect([JANUARY - 1, JANUARY - 0.5, JANUARY, JANUARY + 0.5].map((atMs) => iso(next(atMs)))).toEqual([
      '2026-01-01T00:00Z',
      '2026-01-01T00:00Z',
      '2026-01-02T00:00Z',
      '2026-01-02T00:00Z',
    ]);
  });

  it('knows that 2100 is no leap year', () => {
    const { next } = parseSchedule('0 0 29 2 *', 'America/New_York');
    expect(iso(next(Date.UTC(2096, 1, 28)))).toBe('2096-02-29T05:00Z');
    expect(iso(next(Date.UTC(2097, 0, 1)))).toBe('2104-02-29T05:00Z');
  });

  it('knows clocks that are ahead or behind by seconds', () => {
    const { next } = parseSchedule('0 0 * * *', 'Africa/Monrovia');
    expect(next(Date.UTC(1971, 0, 1))).toBe(Date.UTC(1971, 0, 1, 0, 44, 30));
  });

  it('is none from the year 3000 on, and none before 1970', () => {
    const { next, between } = parseSchedule('0 0 1 1 *', 'UTC');
    expect([Date.UTC(2999, 0, 1), 8.64e15, 1e300, Infinity].map(next)).toEqual([null, null, null, null]);
    expect([-1, -8.64e15, -Infinity].map(next)).toEqual([0, 0, 0]);
    expect(between(Date.UTC(2998, 0, 1), Infinity, 9)).toEqual([Date.UTC(2999, 0, 1)]);
    expect(() => next(Number.NaN)).toThrow(RangeError);
  });

  it('between two instants leaves out the first, takes the second, and no more than asked for', () => {
    const { between } = parseSchedule('0 * * * *', 'UTC');
    expect(between(JANUARY, JANUARY + 2 * HOUR_MS, 9)).toEqual([JANUARY + HOUR_MS, JANUARY + 2 * HOUR_MS]);
    expect(between(JANUARY, JANUARY + 2 * HOUR_MS, 1)).toEqual([JANUARY + HOUR_MS]);
    expect(between(JANUARY, JANUARY + 2 * HOUR_MS, 0)).toEqual([]);
    expect(between(JANUARY, JANUARY, 9)).toEqual([]);
  });
});

describe('a time of day that the clocks leave out', () => {
  it.each([
    ['30 2 * * *', 'Europe/Berlin', ['2026-03-28T01:30Z', '2026-03-29T01:00Z', '2026-03-30T00:30Z']],
    ['30 2,14 * * *', 'Europe/Berlin', ['2026-03-29T01:00Z', '2026-03-29T12:30Z']],
    ['0,30 2,3 * * *', 'Europe/Berlin', ['2026-03-29T01:00Z', '2026-03-29T01:30Z']],
    ['15 2 * * *', 'Australia/Lord_Howe', ['2026-10-02T15:45Z', '2026-10-03T15:30Z', '2026-10-04T15:15Z']],
    ['0 0 * * *', 'America/Havana', ['2026-03-07T05:00Z', '2026-03-08T05:00Z', '2026-03-09T04:00Z']],
    ['0 0 * * *', 'Asia/Beirut', ['2026-03-27T22:00Z', '2026-03-28T22:00Z', '2026-03-29T21:00Z']],
    // The hour before midnight is left out: the day ends without it.
    ['30 23 * * *', 'America/Nuuk', ['2026-03-28T01:30Z', '2026-03-29T01:00Z', '2026-03-30T00:30Z']],
  ])('fires once, when it is past: %s in %s', (expression, timeZone, expected) => {
    const first = Date.parse(expected[0] ?? '');
    const last = Date.parse(expected.at(-1) ?? '');
    expect(
      parseSchedule(expression, timeZone)
        .between(first - 1, last, 9)
        .map(iso),
    ).toEqual(expected);
  });

  it('does not fire on a day that is left out as a whole', () => {
    // Samoa went from 29 to 31 December 2011.
    expect(fires('30 2 * * *', 'Pacific/Apia', '2011-12-29', '2012-01-01')).toEqual([
      '2011-12-29T12:30Z',
      '2011-12-30T12:30Z',
      '2011-12-31T12:30Z',
    ]);
    expect(fires('0 0 30 12 *', 'Pacific/Apia', '2011-01-01', '2013-01-01')).toEqual(['2012-12-29T10:00Z']);
  });

  it('is nothing to a job that fires every so often', () => {
    const night: [string, string] = ['2026-03-29T00:30Z', '2026-03-29T01:30Z'];
    const quarters = ['2026-03-29T00:45Z', '2026-03-29T01:00Z', '2026-03-29T01:15Z', '2026-03-29T01:30Z'];
    expect(fires('*/15 * * * *', 'Europe/Berlin', ...night)).toEqual(quarters);
    expect(fires('*/15 2 * * *', 'Europe/Berlin', ...night)).toEqual([]);
  });
});

describe('a time of day that comes twice', () => {
  it.each([
    ['30 2 * * *', 'Europe/Berlin', '2026-10-25', '2026-10-26T00:30Z', ['2026-10-25T00:30Z']],
    [
      '0,30 2 * * *',
      'Europe/Berlin',
      '2026-10-24T12:00Z',
      '2026-10-26T00:30Z',
      ['2026-10-25T00:00Z', '2026-10-25T00:30Z'],
    ],
    ['45 1 * * *', 'Australia/Lord_Howe', '2026-04-04', '2026-04-05T12:00Z', ['2026-04-04T14:45Z']],
    ['0 0 * * *', 'America/Havana', '2026-11-01', '2026-11-02', ['2026-11-01T04:00Z']],
    ['30 23 * * *', 'Asia/Beirut', '2026-10-24T12:00Z', '2026-10-25T12:00Z', ['2026-10-24T20:30Z']],
    // At 00:01 the clocks went back into the day before, so that midnight came twice.
    ['0 0 * * *', 'America/St_Johns', '2010-11-07', '2010-11-08', ['2010-11-07T02:30Z']],
  ])('fires the first time only: %s in %s', (expression, timeZone, from, to, expected) => {
    expect(fires(expression, timeZone, from, to)).toEqual(expected);
  });

  it('fires the first time only, also when asked between the two', () => {
    const { next } = parseSchedule('30 2 * * *', 'Europe/Berlin');
    expect(iso(next(Date.parse('2026-10-25T00:30Z')))).toBe('2026-10-26T01:30Z');
    expect(iso(next(Date.parse('2026-10-25T01:15Z')))).toBe('2026-10-26T01:30Z');
  });

  it.each([
    ['*/15 * * * *', 'Europe/Berlin', 15],
    ['* * * * *', 'Europe/Berlin', 1],
    ['0 * * * *', 'Europe/Berlin', 60],
    ['*/15 * * * *', 'Australia/Lord_Howe', 15],
    ['*/15 * * * *', 'America/St_Johns', 15],
    ['0 * * * *', 'Asia/Beirut', 60],
  ])('loses and doubles nothing of %s in %s all year', (expression, timeZone, minutes) => {
    const from = Date.UTC(2010, 0, 1);
    const { next } = parseSchedule(expression, timeZone);
    const days = Array.from({ length: 365 }, (_, day) => from + day * 24 * HOUR_MS);
    for (const day of days.filter((dayMs) => clocksMove(timeZone, dayMs))) {
      for (let atMs = day; atMs < day + 24 * HOUR_MS; atMs += minutes * MINUTE_MS)
        expect(iso(next(atMs))).toBe(iso(atMs + minutes * MINUTE_MS));
    }
  });
});

describe('a schedule in words', () => {
  it.each([
    ['30 2 * * 1-5', 'At 02:30, Monday through Friday'],
    ['*/15 * * * *', 'Every 15 minutes'],
    ['*/45 * * * *', 'At 0 and 45 minutes past the hour'],
    ['*/60 */24 * * *', 'At 00:00'],
    ['0 8-18/5 * * *', 'At 08:00, 13:00 and 18:00'],
    ['0 0 1 */3 *', 'At 00:00, on day 1 of the month, only in January, April, July, and October'],
    ['0 0 * * */3', 'At 00:00, only on Sunday, Wednesday, and Saturday'],
    ['0 0 5-20/7,L * *', 'At 00:00, on day 5, 12, 19, and the last day of the month'],
    ['0 0 * * FRI-SUN', 'At 00:00, Friday through Sunday'],
    ['0 0 * * 0-7', 'At 00:00, Sunday through Saturday'],
    ['0 0 13 * 5', 'At 00:00, on day 13 of the month, and on Friday'],
    ['0 0 13 * FRI#2', 'At 00:00, on day 13 of the month, and on the second Friday of the month'],
    ['0 0 LW * *', 'At 00:00, on the last weekday of the month'],
    ['5 30 2 ? * *', 'At 02:30:05'],
    ['@hourly', 'Every hour'],
  ])('%s is: %s', (expression, words) => {
    expect(parseSchedule(expression, 'Europe/Berlin').describe()).toBe(`${words} (Europe/Berlin)`);
  });
});

describe('a schedule is refused', () => {
  it.each([
    ['', 'A schedule is missing: write one such as "30 2 * * *", or a nickname such as @daily.'],
    [' ', 'A schedule is missing: write one such as "30 2 * * *", or a nickname such as @daily.'],
    ['* * *', expect.stringMatching(/^A schedule has 5 fields .* this one has 3\.$/)],
    ['0 0 0 1 1 * 2020', expect.stringMatching(/this one has 7\. It cannot name years\.$/)],
    ['2026-05-05T00:00:00Z', expect.stringMatching(/this one has 1\.$/)],
    ['@every 5m', expect.stringMatching(/^"@every 5m" is not known: use one of @yearly, .*@hourly\.$/)],
    ['@reboot', expect.stringMatching(/^"@reboot" is not known/)],
    ['@constructor', expect.stringMatching(/^"@constructor" is not known/)],
    ['60 * * * *', 'The minute "60" is out of range: it goes from 0 to 59.'],
    ['0 24 * * *', 'The hour "24" is out of range: it goes from 0 to 23.'],
    ['60 0 0 * * *', 'The second "60" is out of range: it goes from 0 to 59.'],
    ['0 0 0 * *', 'The day of month "0" is out of range: it goes from 1 to 31.'],
    ['0 0 * 13 *', 'The month "13" is out of range: it goes from 1 to 12.'],
    ['0 0 * * 8', 'The day of week "8" is out of range: it goes from 0 to 7.'],
    ['*/90 * * * *', 'The step "/90" of the minute field is out of range: it goes from 1 to 60.'],
    ['*/0 * * * *', 'The step "/0" of the minute field is out of range: it goes from 1 to 60.'],
    ['5/15 * * * *', 'The minute "5/15" has a step but no range: write 5-59/15.'],
    ['0 22-2 * * *', 'The hour range "22-2" runs backwards: write 22-23,0-2.'],
    ['0 0 * * FRI-MON', 'The day of week range "FRI-MON" runs backwards: write 5-6,0-1.'],
    ['1,,2 * * * *', 'The minute field cannot be "": it takes *, numbers from 0 to 59, lists, ranges and steps.'],
    ['0 0 L-3 * *', expect.stringMatching(/^The day of month field cannot be "L-3": .* L, LW or 15W\.$/)],
    ['0 0 * JANUARY *', expect.stringMatching(/^The month field cannot be "JANUARY": .* names such as FEB/)],
    ['0 0 * * 1#6', expect.stringMatching(/^The day of week field cannot be "1#6": .* FRI#2 or FRIL\.$/)],
    ['0 0 1,15W * *', 'The day of month field "1,15W" is a list: *, LW and W must stand alone.'],
    ['*,5 * * * *', 'The minute field "*,5" is a list: *, LW and W must stand alone.'],
    ['0 0 * * 1,5L', expect.stringMatching(/mixes days of every week with counted ones: make two jobs of it\.$/)],
    ['0 0 */2 * MON', expect.stringMatching(/^With both day fields set, cron programs disagree/)],
    ['0 0 1 * */2', expect.stringMatching(/^With both day fields set, cron programs disagree/)],
    ['0 0\t* * *', 'A schedule is one line: it has no tabs, line breaks or other control characters.'],
    ['0 0 * * *\n', 'A schedule is one line: it has no tabs, line breaks or other control characters.'],
    ['0 0\u00A0* * *', expect.stringMatching(/this one has 4\.$/)],
    ['٣ 0 * * *', expect.stringMatching(/^The minute field cannot be "٣"/)],
    ['0,'.repeat(100).concat('0 * * * *'), `A schedule has at most ${EXPRESSION_MAX} characters.`],
  ])('%j', (expression, message) => {
    expect(refusal(expression)).toMatchObject({ field: 'schedule', message });
  });

  it.each(['0 0 30 2 *', '0 0 30,31 2 *', '0 0 31 2,4,6,9,11 *', '0 0 31W FEB-JUN/2 *', '0 0 0 30-31 2 ?'])(
    'that would never fire: %s',
    (expression) => {
      expect(refusal(expression).message).toMatch(/^This schedule would never fire: no month that it names has a day/);
    },
  );

  it('as never firing exactly when eight years hold no fire', () => {
    const someDays = fc.uniqueArray(fc.integer({ min: 28, max: 31 }), { minLength: 1 });
    const someMonths = fc.uniqueArray(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(someDays, someMonths, fc.boolean(), (days, months, isNear) => {
        const text = `0 0 ${isNear ? `${days[0]}W` : days.join()} ${months.join()} *`;
        const named = isNear ? days.slice(0, 1) : days;
        const exists = months.some((month) =>
          named.some((day) => new Date(Date.UTC(2024, month - 1, day)).getUTCDate() === day),
        );
        if (exists) expect(parseSchedule(text, 'UTC').next(JANUARY)).toBeLessThan(Date.UTC(2034, 0, 1));
        else expect(refusal(text).message).toMatch(/never fire/);
      }),
    );
  });

  it.each([
    ['+02:00', /^"\+02:00" is an offset, which does not say when clocks change: write the name of a place/],
    ['UTC+2', /is an offset/],
    ['', /^"" is not a time zone: write the name of a place, such as Europe\/Berlin, or UTC\.$/],
    ['Europe/Atlantis', /is not a time zone/],
    ['BST', /is not a time zone/],
    ['SystemV/PST8', /is not a time zone/],
    ['../etc/passwd', /is not a time zone/],
    ['Europe/Berlin\n', /^This is not a time zone/],
    [`A/${'a'.repeat(1_000)}`, /^.{1,150}$/],
  ])('for its time zone %j', (timeZone, message) => {
    expect(refusal('0 0 * * *', timeZone).field).toBe('timeZone');
    expect(refusal('0 0 * * *', timeZone).message).toMatch(message);
  });

  it.each(['UTC', 'GMT', 'Etc/UTC', 'europe/berlin', 'Asia/Kolkata', 'America/Argentina/Buenos_Aires', 'Etc/GMT-14'])(
    'not for its time zone %s',
    (timeZone) => {
      expect(parseSchedule('0 0 * * *', timeZone).timeZone).toBe(timeZone);
    },
  );
});
