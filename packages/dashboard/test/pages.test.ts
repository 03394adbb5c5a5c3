import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { pages } from '../src/app/page.registry.ts';
import { contrastViolationsOf, violationsOf } from './axe.ts';
import { launchChromium, openPage, visit } from './chromium.ts';
import { startDashboard, type DashboardServer } from './dashboard.server.ts';
import { describeInBrowser } from './describe.in.browser.ts';
import { fillShop } from './shop.ts';

/** Addresses besides those of the registry: details, panels. */
const DETAILS = ['/inventory/MUG', '/inventory?status=low'];
/** What nobody links to: what the page then says, and the answer of the server that it comes with. */
const TYPED: [path: string, says: string, answer: RegExp][] = [
  ['/nowhere', 'No such page', /404/],
  ['/jobs/upcoming', 'No such page', /nothing/],
  ['/inventory/MUG?at=yesterday', 'must be', /400/],
];
/** The narrowest, and a desk's screen at 400 %. */
const PHONE = { width: 320, height: 640 };

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

describeInBrowser('every page, in a browser', () => {
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

  test.each(addresses)(
    '%s: nothing that axe finds in either theme, no complaint, and it fits on a phone',
    async (path) => {
      const { page, complaints, close } = await openPage(browser, server.address, { reducedMotion: 'reduce' });
      await visit(page, path);
      expect(await violationsInBothThemes(page)).toEqual([]);
      await page.setViewportSize(PHONE);
      await expect
        .poll(() => page.evaluate(() => document.documentElement.scrollWidth - innerWidth))
        .toBeLessThanOrEqual(0);
      expect(complaints).toEqual([]);
      await close();
    },
  );

  test.each(TYPED)('%s says "%s"', async (path, says, answer) => {
    const { page, complaints, close } = await openPage(browser, server.address, {
      reducedMotion: 'reduce',
      expected: answer,
    });
    await visit(page, path);
    await page.getByText(says).first().waitFor();
    expect(await violationsInBothThemes(page)).toEqual([]);
    expect(complaints).toEqual([]);
    await close();
  });

  test('levels are seen in forced colours and on paper, which is white and has no buttons', async () => {
    const { page, complaints, close } = await openPage(browser, server.address, { colorScheme: 'dark' });
    await visit(page, '/inventory');
    const colour = (): Promise<string> =>
      page
        .locator('[data-part="available"]')
        .last()
        .evaluate((part) => getComputedStyle(part).backgroundColor);
    const seen = await colour();
    await page.emulateMedia({ forcedColors: 'active' });
    expect(await colour()).toBe(seen);
    await page.emulateMedia({ forcedColors: 'none', media: 'print' });
    const theme = page.locator('html');
    await page.evaluate(() => dispatchEvent(new Event('beforeprint')));
    expect(await theme.getAttribute('data-mantine-color-scheme')).toBe('light');
    expect(await page.getByRole('row').count()).toBeGreaterThan(12);
    expect(await page.getByRole('button', { name: 'Export' }).isVisible()).toBe(false);
    expect(await page.getByRole('navigation').isVisible()).toBe(false);
    expect(await page.getByRole('grid').evaluate((list) => list.scrollHeight - list.clientHeight)).toBe(0);
    await page.evaluate(() => dispatchEvent(new Event('afterprint')));
    expect(await theme.getAttribute('data-mantine-color-scheme')).toBe('dark');
    await page.emulateMedia({ media: 'screen' });
    expect(complaints).toEqual([]);
    await close();
  });

  test('on a phone what is available, and what is on hand, is seen without a sideways scroll', async () => {
    const { page, complaints, close } = await openPage(browser, server.address, { reducedMotion: 'reduce' });
    const rightOf = async (part: Locator): Promise<number> => {
      const box = await part.boundingBox();
      return (box?.x ?? Infinity) + (box?.width ?? 0);
    };
    const headings = (): Promise<string[]> => page.getByRole('columnheader').allTextContents();
    await visit(page, '/inventory');
    expect((await headings()).slice(0, 3)).toEqual(['Product', 'Location', 'Level']);
    await page.setViewportSize({ width: 390, height: 844 });
    const shown = ['Product', 'Available', 'On hand', 'Location'];
    await expect.poll(async () => (await headings()).slice(0, 4)).toEqual(shown);
    const edge = await rightOf(page.getByRole('grid'));
    for (const name of shown) expect(await rightOf(page.getByRole('columnheader', { name }))).toBeLessThanOrEqual(edge);
    for (const [path, ...names] of [
      ['/reservations', 'Order', 'State', 'Time left', 'Units'],
      ['/alerts', 'Alert', 'Product', 'Status'],
      ['/ledger', 'Product', 'Movement', 'On hand', 'When'],
    ] as const) {
      await visit(page, path);
      const end = page.getByRole('columnheader', { name: names.at(-1) as string, exact: true });
      expect(await rightOf(end)).toBeLessThanOrEqual(edge);
      expect((await headings()).filter((name) => name !== 'Selected').slice(0, names.length)).toEqual(names);
    }
    await visit(page, '/inventory/MUG');
    const available = page.getByRole('button', { name: /^Available at WH-LUTON/ });
    expect(await rightOf(available)).toBeLessThanOrEqual(390);
    expect(complaints).toEqual([]);
    await close();
  });

  const OVERLAYS: [name: string, path: string, open: (page: Page) => Promise<void>][] = [
    ['the palette', '/', async (page) => page.keyboard.press('Control+k')],
    ['the keys', '/', async (page) => page.keyboard.press('?')],
    ['creating the admin', '/', async (page) => page.getByRole('button', { name: 'Create the admin' }).click()],
    [
      'an adjustment',
      '/inventory/MUG',
      async (page) => page.getByRole('button', { name: 'Adjust', exact: true }).first().click(),
    ],
    ['a transfer', '/inventory/MUG', async (page) => page.getByRole('button', { name: 'Transfer' }).click()],
    [
      'the settings of a level',
      '/inventory/MUG',
      async (page) =>
        page
          .getByRole('button', { name: /^Settings at/ })
          .first()
          .click(),
    ],
  ];

  test.each(OVERLAYS)('%s: nothing that axe finds in either theme', async (_name, path, open) => {
    const { page, complaints, close } = await openPage(browser, server.address, { reducedMotion: 'reduce' });
    await visit(page, path);
    await open(page);
    await page.getByRole('dialog').waitFor();
    expect(await violationsInBothThemes(page)).toEqual([]);
    expect(complaints).toEqual([]);
    await close();
  });
});

async function violationsInBothThemes(page: Page): Promise<string[]> {
  await show(page, 'light');
  const violations = await violationsOf(page);
  await show(page, 'dark');
  return [...violations, ...(await contrastViolationsOf(page))];
}

async function show(page: Page, colorScheme: 'light' | 'dark'): Promise<void> {
  await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
  await page.locator(`html[data-mantine-color-scheme="${colorScheme}"]`).waitFor({ state: 'attached' });
}
