const time = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });
const day = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' });

/** To the minute, and without the day where it is today: `02:30`, `21 Nov, 02:30`. */
export function momentText(at: string, now: Date = new Date()): string {
  const date = new Date(at);
  return (date.toDateString() === now.toDateString() ? time : day).format(date);
}
