import type { Browser, Route } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { launchChromium, openPage } from './chromium.ts';
import { startDashboard, type DashboardServer } from './dashboard.server.ts';
import { describeInBrowser } from './describe.in.browser.ts';

const ROWS = 1_000_000;

/** A page of a million levels, which would take an hour to make: a cursor is the number of its first row. */
function pageOfLevels(cursor: number, limit: number): object {
  const items = Array.from({ length: Math.min(limit, ROWS - cursor) }, (_, index) => {
    const at = cursor + index;
    return {
      sku: `SKU-${String(at).padStart(7, '0')}`,
      location: 'WH-LUTON',
      onHand: at,
      reserved: 0,
      committed: 0,
      safetyStock: 0,
      available: at,
      incoming: 0,
      shortage: 0,
      reorderPoint: null,
      reorderQuantity: null,
      maxLevel: null,
      bin: { zone: null, aisle: null, shelf: null },
      version: 1,
      lastMovementAt: null,
      lastCountAt: null,
    };
  });
  return { items, nextCursor: cursor + limit < ROWS ? String(cursor + limit) : null };
}

/** Six hundred of them, on three pages. */
function pageOfAlerts(from: number): object {
  const items = Array.from({ length: 200 }, (_, index) => {
    const id = `01a1fdbf-0000-7000-8000-${String(from + index).padStart(12, '0')}`;
    const sku = `SKU-${String(from + index).padStart(8, '0')}`;
    const at = '2026-01-05T10:00:00.000Z';
    return {
      id,
      sku,
      location: 'WH-LUTON',
      type: 'low_stock',
      status: 'active',
      quantity: 1,
      threshold: 2,
      openedAt: at,
    };
  });
  return { items, nextCursor: from + 200 < 600 ? String(from + 200) : null };
}

describeInBrowser('a list of a million rows', () => {
  let server: DashboardServer;
  let browser: Browser;
  beforeAll(async () => {
    [server, browser] = await Promise.all([startDashboard(), launchChromium()]);
  });
  afterAll(async () => {
    await browser.close();
    await server.close();
  });

  test('asks for each page once, two at a time at most, and keeps a screenful of rows', async () => {
    const { page, complaints, close } = await openPage(browser, server.address);
    const asked: string[] = [];
    let [underWay, mostAtOnce] = [0, 0];
    await page.route('**/api/v1/inventory?*', async (route: Route) => {
      const { searchParams } = new URL(route.request().url());
      asked.push(searchParams.get('cursor') ?? 'first');
      underWay += 1;
      mostAtOnce = Math.max(mostAtOnce, underWay);
      const body = pageOfLevels(Number(searchParams.get('cursor') ?? 0), Number(searchParams.get('limit')));
      await new Promise((resolve) => setTimeout(resolve, 15));
      underWay -= 1;
      await route.fulfill({ json: body }).catch(() => undefined);
    });
    await page.goto('/inventory');
    const grid = page.getByRole('grid', { name: 'Inventory' });
    await page.getByText('SKU-0000003').waitFor();
    // As the stream of events opens, what is shown is asked for once more.
    await page.locator('html[data-live]').waitFor({ state: 'attached' });

    // To the end of what is known, again and again: thirty pages on.
    await grid.evaluate(async (element) => {
      for (let round = 0; round < 400 && element.scrollHeight < 30 * 200 * 32; round += 1) {
        element.scrollTop = element.scrollHeight;
        await new Promise((resolve) => setTimeout(resolve, 25));
      }
    });
    expect(asked.length).toBeGreaterThanOrEqual(29);
    const others = asked.filter((cursor) => cursor !== 'first');
    expect(new Set(others).size).toBe(others.length);
    expect(mostAtOnce).toBeLessThanOrEqual(2);

    // A drag of the scroll bar over all of it asks for nothing on the way: it is known, or not stopped at.
    const before = asked.length;
    await grid.evaluate(async (element) => {
      for (let step = 60; step >= 0; step -= 1) {
        element.scrollTop = (element.scrollHeight * step) / 60;
        await new Promise((resolve) => requestAnimationFrame(resolve));
      }
    });
    await page.getByText('SKU-0000003').waitFor();
    expect(asked.length - before).toBeLessThanOrEqual(2);

    // Who opens a row far down and goes Back is there again.
    const top = 12 * 200 * 32;
    await grid.evaluate((element, to) => element.scrollTo({ top: to }), top);
    await page.getByText('SKU-0002405').waitFor();
    await page.getByRole('link', { name: 'Home', exact: true }).click();
    await grid.waitFor({ state: 'detached' });
    await page.goBack();
    await page.getByText('SKU-0002405').waitFor();
    expect(await grid.evaluate((element) => element.scrollTop)).toBe(top);
    await grid.evaluate((element) => element.scrollTo({ top: 0 }));
    await page.getByText('SKU-0000003').waitFor();
    expect(await grid.getByRole('row').count()).toBeLessThan(80);
    expect(complaints).toEqual([]);
    await close();
  });

  test('Shift selects the rows that were scrolled past as well', async () => {
    const { page, complaints, close } = await openPage(browser, server.address);
    await page.route('**/api/v1/alerts?*', (route: Route) => {
      const from = Number(new URL(route.request().url()).searchParams.get('cursor') ?? 0);
      return route.fulfill({ json: pageOfAlerts(from) });
    });
    await page.goto('/alerts');
    const grid = page.getByRole('grid', { name: 'Alerts' });
    await grid.getByRole('checkbox').first().click();
    const toTheEnd = async (): Promise<boolean> => {
      await grid.press('End');
      return page.getByText('SKU-00000599').isVisible();
    };
    await expect.poll(toTheEnd, { timeout: 10_000 }).toBe(true);
    await grid.press('Shift+Space');
    await page.getByText('600 selected').waitFor();
    expect(complaints).toEqual([]);
    await close();
  });
});
