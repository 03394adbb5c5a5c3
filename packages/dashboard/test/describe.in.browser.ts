import { describe } from 'vitest';
import { CHROMIUM } from './chromium.ts';

/**
 * A story that failed is told once more where it runs unwatched: a browser that shares two cores with the rest of the suite
 * is late now and then, and should not cost a whole run. The run ends with the name of each such story: it is a race, of
 * the test or of the dashboard, and is to be found. By hand it fails at once.
 */
const retry = process.env['CI'] === undefined ? 0 : 1;

/** Stories that need a Chromium, and are skipped by name without one. */
export function describeInBrowser(name: string, stories: () => void): void {
  // The title is the caller's; with options, the stories come third.
  // oxlint-disable-next-line vitest/valid-title, vitest/valid-describe-callback
  describe.skipIf(CHROMIUM === null)(name, { retry }, stories);
}
