import { inspect } from 'node:util';
import { expect } from 'vitest';
import type { Report } from './scenario.ts';

/** How long something may take is a rule that a machine with other work to do breaks for us. */
const IS_OF_TIME = / within \d+ s/;

/** Everything held. @throws Error that {@link JUDGED} tries again, where all that is wrong is how long something took */
export function expectHeld({ faults }: Pick<Report, 'faults'>): void {
  expect(faults.filter(({ rule }) => !IS_OF_TIME.test(rule))).toEqual([]);
  if (faults.length > 0) throw new Error(`too slow: ${inspect(faults, { depth: null })}`);
}

/** What takes too long by itself takes too long each time. Whatever else is wrong was wrong, and is not tried again. */
export const JUDGED = { timeout: 300_000, retry: { count: 2, condition: /^too slow: / } };
