import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CHROMIUM, launchChromium, openPage } from './chromium.ts';
import { startDashboard, type DashboardServer } from './dashboard.server.ts';
import { fillShop } from './shop.ts';

describe.skipIf(CHROMIUM === null)('what happens elsewhere, seen in lists that are open', () => {
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

  test('an alert appears in a second window by itself', async () => {
    const alerts = await openPage(browser, server.address);
    await alerts.page.goto('/alerts?sku=BOWL');
    await alerts.page.locator('html[data-live]').waitFor({ state: 'attached' });
    expect(await alerts.page.getByRole('row').filter({ hasText: 'BOWL' }).count()).toBe(0);
    const product = await openPage(browser, server.address);
    await product.page.goto('/inventory/BOWL');
    await product.page.getByRole('button', { name: 'Adjust at WH-MILAN' }).click();
    const dialog = product.page.getByRole('dialog');
    await dialog.getByText('Counted').click();
    await dialog.getByRole('textbox', { name: 'Units counted' }).fill('4');
    await dialog.getByRole('button', { name: 'Set' }).click();
    await alerts.page.getByRole('row').filter({ hasText: 'BOWL' }).first().waitFor();
    expect([...alerts.complaints, ...product.complaints]).toEqual([]);
    await alerts.close();
    await product.close();
  });

  test('a row that changes is written anew where it stands; a new one is announced to who reads', async () => {
    const { page, complaints, close } = await openPage(browser, server.address);
    await page.goto('/reservations');
    await page.locator('html[data-live]').waitFor({ state: 'attached' });
    const grid = page.getByRole('grid', { name: 'Reservations' });
    const row = grid.getByRole('row').filter({ hasText: 'ORDER-1006' });
    await row.getByText('Pending').waitFor();
    const before = await grid.getByRole('row').allTextContents();
    await row.hover();
    const { items } = (await (await server.call('GET', '/reservations?orderId=ORDER-1006')).json()) as {
      items: { id: string }[];
    };
    await server.call('POST', '/inventory/MUG/reserve', { quantity: 1, orderId: 'ORDER-2000' });
    await server.call('POST', `/reservations/${items[0]?.id}/confirm`, {});
    await row.getByText('Confirmed').waitFor();
    await page.getByRole('button', { name: '1 new row: show' }).waitFor();
    expect(await grid.getByRole('row').count()).toBe(before.length);
    await page.getByRole('button', { name: '1 new row: show' }).click();
    await grid.getByRole('row').filter({ hasText: 'ORDER-2000' }).waitFor();
    expect(complaints).toEqual([]);
    await close();
  });
});
