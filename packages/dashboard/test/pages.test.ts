import { AxeBuilder } from '@axe-core/playwright';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { pages } from '../src/app/page.registry.ts';
import { CHROMIUM, launchChromium, openPage } from './chromium.ts';
import { startDashboard, type DashboardServer } from './dashboard.server.ts';
import { fillShop } from './shop.ts';

/** Addresses besides those of the registry: details, panels. */
const DETAILS = ['/inventory/MUG', '/inventory?status=low', '/nowhere'];
const PHONE = { width: 390, height: 844 };

test('every page is in a folder that is named by its path', () => {
  const files = Object.keys(import.meta.glob('../src/pages/*/*.page.ts'));
  const folders = files.map((path) => /pages\/([^/]+)\/\1\.page\.ts$/.exec(path)?.[1]);
  expect(folders.map((name) => (name === 'home' ? '/' : `/${name}`)).toSorted()).toEqual(
    pages.map(({ path }) => path).toSorted(),
  );
});

test('no two pages have one key, or one place', () => {
  const keys = pages.flatMap(({ key }) => key ?? []);
  expect(new Set(keys).size).toBe(keys.length);
  const places = pages.map(({ order }) => order);
  expect(new Set(places).size).toBe(places.length);
});

describe.skipIf(CHROMIUM === null)('every page, in a browser', () => {
  let server: DashboardServer;
  let browser: Browser;
  beforeAll(async () => {
    [server, browser] = await Promise.all([startDashboard(), launchChromium()]);
    await fillShop(server);
  });
  afterAll(async () => {
    await browser.close();
    await server.close();
  });

  const addresses = [...pages.map(({ path }) => path as string), ...DETAILS];

  describe.each(['light', 'dark'] as const)('%s', (colorScheme) => {
    test.each(addresses)('%s has nothing that axe finds, and no complaint', async (path) => {
      const expected = path === '/nowhere' ? /404/ : undefined;
      const opened = await openPage(browser, server.address, {
        colorScheme,
        reducedMotion: 'reduce',
        ...(expected === undefined ? {} : { expected }),
      });
      await opened.page.goto(path);
      await opened.page.locator('main h1').first().waitFor();
      await opened.page.waitForLoadState('load');
      await opened.page.locator('[aria-busy="true"]').waitFor({ state: 'detached' });
      const { violations } = await new AxeBuilder({ page: opened.page }).analyze();
      const found = violations.map(
        ({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 160)).join('\n')}`,
      );
      expect(found).toEqual([]);
      expect(opened.complaints).toEqual([]);
      await opened.close();
    });
  });

  test.each(addresses)('%s fits on a phone', async (path) => {
    const opened = await openPage(browser, server.address, { viewport: PHONE });
    await opened.page.goto(path);
    await opened.page.locator('main h1').first().waitFor();
    const overflow = await opened.page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    expect(overflow).toBeLessThanOrEqual(0);
    await opened.close();
  });
});
