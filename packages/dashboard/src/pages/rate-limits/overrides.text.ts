import type { RateLimit } from './rate-limit.words.ts';

type Overrides = RateLimit['overrides'];

/** A line for each subject: `customer-42 = 500`, or `customer-42 = 500, 800` with a burst. */
export function overridesText(overrides: Overrides): string {
  return Object.entries(overrides)
    .map(([subject, { limit, burst }]) => `${subject} = ${limit}${burst === null ? '' : `, ${burst}`}`)
    .join('\n');
}

/** Gives the first line that it cannot read instead. */
export function parseOverrides(text: string): Overrides | { wrong: string } {
  const overrides: Overrides = {};
  for (const line of text.split('\n')) {
    if (line.trim() === '') continue;
    const [, subject = '', limit = '', burst] = /^\s*(.+?)\s*=\s*(\d+)(?:\s*,\s*(\d+))?\s*$/.exec(line) ?? [];
    if (subject === '') return { wrong: line.trim() };
    overrides[subject] = { limit: Number(limit), burst: burst === undefined ? null : Number(burst) };
  }
  return overrides;
}

export function isReadable(parsed: Overrides | { wrong: string }): parsed is Overrides {
  return typeof parsed['wrong'] !== 'string';
}
