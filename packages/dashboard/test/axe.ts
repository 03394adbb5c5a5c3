import { AxeBuilder } from '@axe-core/playwright';
import type { Page } from 'playwright-core';

/** What axe finds on the page, or a part of it, as it is now: each rule with the elements that break it. */
export async function violationsOf(page: Page, part = 'html'): Promise<string[]> {
  return found(new AxeBuilder({ page }).include(part));
}

/** The same of colours alone: all that another theme can change. */
export async function contrastViolationsOf(page: Page, part = 'html'): Promise<string[]> {
  return found(new AxeBuilder({ page }).include(part).withRules(['color-contrast', 'link-in-text-block']));
}

async function found(builder: AxeBuilder): Promise<string[]> {
  const { violations } = await builder.analyze();
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 160)).join('\n')}`);
}
