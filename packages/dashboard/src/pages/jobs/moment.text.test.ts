import { expect, test } from 'vitest';
import { momentText } from './moment.text.ts';

const now = new Date(2026, 10, 20, 12);
const weekdayOf = (date: Date): string => date.toLocaleDateString(undefined, { weekday: 'short' });

test('a moment has no more of its day than is needed to find it', () => {
  const [today, soon, later] = [
    new Date(2026, 10, 20, 17, 5),
    new Date(2026, 10, 22, 17, 5),
    new Date(2026, 11, 24, 17, 5),
  ];
  expect(momentText(today.toISOString(), now)).not.toContain(weekdayOf(today));
  expect(momentText(soon.toISOString(), now)).toContain(weekdayOf(soon));
  expect(momentText(later.toISOString(), now)).toContain('24');
  expect(momentText(later.toISOString(), now)).not.toContain(weekdayOf(later));
});
