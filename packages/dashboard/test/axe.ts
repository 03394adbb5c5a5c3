import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { AxeBuilder } from '@axe-core/playwright';
import type { Page } from 'playwright-core';

type Results = Awaited<ReturnType<AxeBuilder['analyze']>>;

// The builder loads axe, unminified, into the page and into a blank one beside it for every look, which takes three times
// as long as looking: it has frames of other origins in mind, and the dashboard has no frames.
const builder = createRequire(import.meta.url).resolve('@axe-core/playwright');
const AXE = readFileSync(createRequire(builder).resolve('axe-core/axe.min.js'), 'utf8');

/** What axe finds on the page, or a part of it, as it is now: each rule with the elements that break it. */
export async function violationsOf(page: Page, part = 'html'): Promise<string[]> {
  return found(page, part, {});
}

/** The same of colours alone: all that another theme can change. */
export async function contrastViolationsOf(page: Page, part = 'html'): Promise<string[]> {
  return found(page, part, { runOnly: { type: 'rule', values: ['color-contrast', 'link-in-text-block'] } });
}

async function found(page: Page, part: string, rules: object): Promise<string[]> {
  if (!(await page.evaluate(() => 'axe' in globalThis))) await page.evaluate(AXE);
  await page.evaluate(standStill);
  const { violations } = await page.evaluate(
    ([where, options]) => {
      const { axe } = globalThis as unknown as { axe: { run: (where: string, options: object) => Promise<Results> } };
      return axe.run(where, options);
    },
    [part, { ...rules, resultTypes: ['violations'] }] as const,
  );
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 160)).join('\n')}`);
}

/** In the page: a dialog has faded in, and colours are no longer on their way from one theme to the other. */
async function standStill(): Promise<void> {
  const nextFrame = (): Promise<unknown> => new Promise((resolve) => requestAnimationFrame(resolve));
  const ending = (): Animation[] =>
    document.getAnimations().filter(({ effect }) => effect?.getComputedTiming().endTime !== Infinity);
  // What is about to move says so in the frame after the one that it appears in.
  for (let still = 0; still < 2; still += 1) {
    await nextFrame();
    if (ending().length > 0) still = 0;
    await Promise.allSettled(ending().map(({ finished }) => finished));
  }
}
