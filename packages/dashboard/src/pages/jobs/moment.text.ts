const DAY_MS = 86_400_000;
const time = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });
const weekday = new Intl.DateTimeFormat(undefined, { weekday: 'short', hour: '2-digit', minute: '2-digit' });
const day = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' });

/** To the minute, with no more of the day than is needed: `02:30` today, `Sat 02:30` within days, `21 Dec, 02:30`. */
export function momentText(at: string, now: Date = new Date()): string {
  const date = new Date(at);
  if (date.toDateString() === now.toDateString()) return time.format(date);
  return (Math.abs(date.getTime() - now.getTime()) < 6 * DAY_MS ? weekday : day).format(date);
}
