const QUOTED_MAX = 40;

/** A schedule that is refused. Its message is a sentence for the person who wrote the schedule. */
export class ScheduleError extends Error {
  override readonly name = 'ScheduleError';
  readonly field: 'schedule' | 'timeZone';

  constructor(field: 'schedule' | 'timeZone', message: string) {
    super(message);
    this.field = field;
  }
}

export function quoted(text: string): string {
  const characters = Array.from(text);
  return characters.length > QUOTED_MAX ? `"${characters.slice(0, QUOTED_MAX).join('')}…"` : `"${text}"`;
}
