import { quoted, ScheduleError } from './schedule.error.ts';

/** By how many milliseconds clocks are ahead of UTC at an instant. */
export type OffsetAt = (instantMs: number) => number;

/** Of the names without a city only UTC and GMT: ICU takes BST for Dhaka's time, and knows an IST and a CST. */
const TIME_ZONE = /^(?:UTC|GMT|(?!SystemV\/)[A-Z][\w+-]*(?:\/[A-Z][\w+-]*)+)$/i;
const OFFSET = /GMT(?:([^\d])(\d\d):(\d\d)(?::(\d\d))?)?$/;

/** @returns by how many milliseconds the clocks of the place are ahead of UTC at an instant */
export function readTimeZone(timeZone: string): OffsetAt {
  const formatter = TIME_ZONE.test(timeZone) ? formatterOf(timeZone) : null;
  if (formatter === null) {
    const shown = /\p{Cc}/u.test(timeZone) ? 'This' : quoted(timeZone);
    const isOffset = /^(?:UTC|GMT)?[+-]\d/i.test(timeZone);
    const fault = isOffset ? 'is an offset, which does not say when clocks change' : 'is not a time zone';
    throw new ScheduleError('timeZone', `${shown} ${fault}: write the name of a place, such as Europe/Berlin, or UTC.`);
  }
  return (instantMs) => {
    const [, sign, hours = '0', minutes = '0', seconds = '0'] = OFFSET.exec(formatter.format(instantMs)) ?? [];
    const size = (Number(hours) * 3_600 + Number(minutes) * 60 + Number(seconds)) * 1_000;
    return sign === '+' ? size : -size;
  };
}

/** Making one is most of the cost of a schedule; the names of zones are few. */
const FORMATTERS = new Map<string, Intl.DateTimeFormat>();

function formatterOf(timeZone: string): Intl.DateTimeFormat | null {
  const known = FORMATTERS.get(timeZone);
  if (known !== undefined) return known;
  try {
    const made = new Intl.DateTimeFormat('en-US', { timeZone, timeZoneName: 'longOffset', year: 'numeric' });
    FORMATTERS.set(timeZone, made);
    return made;
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}
