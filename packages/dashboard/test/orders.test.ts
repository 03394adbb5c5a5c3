import { fileURLToPath } from 'node:url';
import type { Browser, Route } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { launchChromium, openPage, visit } from './chromium.ts';
import { startDashboard, type DashboardServer } from './dashboard.server.ts';
import { describeInBrowser } from './describe.in.browser.ts';
import { fillShop } from './shop.ts';

const ORDERS = fileURLToPath(new URL('../../../demo/online-retail-2010-12.csv', import.meta.url));

describeInBrowser('a shop at work', () => {
  let server: DashboardServer;
  let browser: Browser;
  beforeAll(async () => {
    [server, browser] = await Promise.all([startDashboard(), launchChromium()]);
    await fillShop(server);
    await server.call('POST', '/locations', { code: 'UK-LUTON', name: 'Luton', type: 'warehouse' });
  });
  afterAll(async () => {
    await browser.close();
    await server.close();
  });

  test('an alert that is raised elsewhere appears in a second window by itself', async () => {
    const alerts = await openPage(browser, server.address);
    await visit(alerts.page, '/alerts?sku=BOWL');
    await alerts.page.locator('html[data-live]').waitFor({ state: 'attached' });
    expect(await alerts.page.getByRole('row').filter({ hasText: 'BOWL' }).count()).toBe(0);
    const product = await openPage(browser, server.address);
    await visit(product.page, '/inventory/BOWL');
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
    await visit(page, '/reservations');
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
    // What came while another page was shown is there, on both.
    const go = (name: string): Promise<void> => page.getByRole('link', { name, exact: true }).first().click();
    await go('Home');
    const movements = page.getByRole('region', { name: 'Latest movements' }).getByRole('listitem');
    const moved = async (): Promise<string> => (await movements.allTextContents())[0] ?? '';
    await expect.poll(moved).toContain('MUG');
    await go('Alerts');
    await page.getByRole('grid', { name: 'Alerts' }).waitFor();
    await server.call('POST', '/inventory/TRAY/reserve', { quantity: 1, orderId: 'ORDER-2001' });
    // Heard before it is gone back.
    await page.getByRole('link', { name: 'Ledger', exact: true }).click();
    await page.getByRole('grid', { name: 'Ledger' }).getByRole('row').filter({ hasText: 'TRAY' }).first().waitFor();
    await go('Home');
    await expect.poll(moved).toContain('TRAY');
    await go('Reservations');
    await grid.getByRole('row').filter({ hasText: 'ORDER-2001' }).waitFor();
    // What is opened beside the list is closed by Back as by Escape.
    for (const leave of [() => page.goBack(), () => page.keyboard.press('Escape')]) {
      await grid.press('Enter');
      const panel = page.getByRole('complementary', { name: 'ORDER-2001' });
      await panel.waitFor();
      await leave();
      await panel.waitFor({ state: 'detached' });
      expect(new URL(page.url()).pathname + new URL(page.url()).search).toBe('/reservations');
    }
    expect(complaints).toEqual([]);
    await close();
  });

  test('the catalog of its own file of orders is imported, one of it received, reserved, confirmed and shipped', async () => {
    const { page, complaints, close } = await openPage(browser, server.address);
    await visit(page, '/products/import');
    await page.locator('input[type="file"]').setInputFiles(ORDERS);
    const plan = page.getByRole('region', { name: 'What would happen' });
    await plan.getByText('85123A').waitFor();
    await page.getByRole('button', { name: /^Import [\d,]+ products$/ }).click();
    const progress = page.getByRole('region', { name: 'Progress' });
    await progress.getByText(/([\d,]+) of \1 done/).waitFor();

    await visit(page, '/inventory/85123A');
    await page.getByRole('heading', { name: 'WHITE HANGING HEART T-LIGHT HOLDER' }).waitFor();
    await page.getByRole('button', { name: 'Adjust', exact: true }).click();
    const adjust = page.getByRole('dialog', { name: 'Adjust 85123A' });
    await adjust.getByRole('combobox', { name: 'Location' }).click();
    await page.getByRole('option', { name: 'UK-LUTON · Luton' }).click();
    await adjust.getByRole('textbox', { name: 'Units' }).fill('50');
    await adjust.getByRole('button', { name: 'Put in' }).click();
    await page.getByText('Received +50 of 85123A at UK-LUTON: 50 on hand').waitFor();

    await page.getByRole('button', { name: 'Reserve', exact: true }).click();
    const reserve = page.getByRole('dialog', { name: 'Reserve 85123A' });
    await reserve.getByRole('textbox', { name: 'Units' }).fill('6');
    await reserve.getByRole('textbox', { name: 'Order' }).fill('536365');
    expect(await reserve.getByRole('region', { name: 'What would happen' }).textContent()).toBe(
      'Reserved0 → 6Available50 → 44',
    );
    await reserve.getByRole('button', { name: 'Reserve' }).click();
    await page.getByText('Reserved 6 of 85123A for 536365').waitFor();

    await page.getByRole('tab', { name: 'Reservations' }).click();
    await page.getByRole('link', { name: '536365' }).click();
    await expect.poll(() => new URL(page.url()).pathname).toMatch(/^\/reservations\//);
    await page.getByRole('button', { name: 'Confirm', exact: true }).click();
    await page.getByRole('button', { name: 'Ship', exact: true }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Ship what is open' }).click();
    await page.getByText('Shipped 536365').waitFor();
    const level = (await (await server.call('GET', '/inventory/85123A/locations/UK-LUTON')).json()) as object;
    expect(level).toMatchObject({ onHand: 44, reserved: 0, committed: 0, available: 44 });
    expect(complaints).toEqual([]);
    await close();
  });

  test('who asks why an order was cancelled is told', async () => {
    const { items } = (await (await server.call('GET', '/reservations?orderId=ORDER-1003')).json()) as {
      items: { id: string }[];
    };
    const { page, complaints, close } = await openPage(browser, server.address);
    await visit(page, `/reservations/${items[0]?.id}`);
    const cancelled = page.locator('dt', { hasText: 'Cancelled' }).locator('+ dd');
    expect(await cancelled.getByText('changed their mind', { exact: true }).isVisible()).toBe(true);
    // And why the rest was, of one that is shipped.
    const hold = { lines: [{ sku: 'TRAY', quantity: 3, location: 'WH-LUTON' }] };
    const { id } = (await (await server.call('POST', '/reservations', hold)).json()) as { id: string };
    await server.call('POST', `/reservations/${id}/confirm`, {});
    await server.call('POST', `/reservations/${id}/ship`, {
      lines: [{ sku: 'TRAY', quantity: 1, location: 'WH-LUTON' }],
    });
    await server.call('POST', `/reservations/${id}/cancel`, { reason: 'one was enough' });
    await visit(page, `/reservations/${id}`);
    await page.getByText('one was enough', { exact: true }).waitFor();
    expect(complaints).toEqual([]);
    await close();
  });

  test("a level has settings of its own, and what is not set follows the product's", async () => {
    await server.call('POST', '/products', { sku: 'SHELF', name: 'Shelf' });
    await server.call('POST', '/inventory/SHELF/adjust', { location: 'UK-LUTON', type: 'add', quantity: 44 });
    const { page, complaints, close } = await openPage(browser, server.address);
    await visit(page, '/inventory/SHELF');
    await page.getByRole('button', { name: 'Settings at UK-LUTON' }).click();
    const dialog = page.getByRole('dialog', { name: 'SHELF at UK-LUTON' });
    await dialog.getByRole('textbox', { name: 'Safety stock' }).fill('4');
    await dialog.getByRole('textbox', { name: 'Aisle' }).fill('7');
    await dialog.getByRole('button', { name: 'Save' }).click();
    await dialog.waitFor({ state: 'detached' });
    await page.getByRole('button', { name: /^Available at UK-LUTON: 40/ }).waitFor();
    const level = (await (await server.call('GET', '/inventory/SHELF/locations/UK-LUTON')).json()) as object;
    expect(level).toMatchObject({ safetyStock: 4, reorderPoint: null, bin: { zone: null, aisle: '7', shelf: null } });
    // What somebody else set meanwhile is what the form begins with, not what it had before.
    await server.call('PATCH', '/inventory/SHELF/locations/UK-LUTON', { safetyStock: 9 });
    await page.getByRole('button', { name: /^Available at UK-LUTON: 35/ }).waitFor();
    await page.getByRole('button', { name: 'Settings at UK-LUTON' }).click();
    expect(await dialog.getByRole('textbox', { name: 'Safety stock' }).inputValue()).toBe('9');
    expect(complaints).toEqual([]);
    await close();
  });

  test('what was asked for is told, and taken back, though its event comes before its answer', async () => {
    const { page, complaints, close } = await openPage(browser, server.address);
    await visit(page, '/locations');
    await page.locator('html[data-live]').waitFor({ state: 'attached' });
    await page.getByRole('row').filter({ hasText: 'WH-MILAN' }).getByRole('gridcell').nth(1).click();
    const activate = page.getByRole('button', { name: 'Activate', exact: true });
    await page.route('**/locations/WH-MILAN', async (route) => {
      const response = await route.fetch();
      if (route.request().method() === 'PATCH') await activate.waitFor();
      await route.fulfill({ response });
    });
    await page.getByRole('button', { name: 'Deactivate' }).click();
    await page.getByText('WH-MILAN is inactive').waitFor();
    await page.unrouteAll({ behavior: 'wait' });
    await page.getByRole('button', { name: 'Undo' }).click();
    await page.getByRole('button', { name: 'Deactivate' }).waitFor();
    expect(complaints).toEqual([]);
    await close();
  });

  test('what moved before the first events came is on the home page', async () => {
    const { page, complaints, close } = await openPage(browser, server.address);
    let hold: (route: Route) => void = () => undefined;
    const stream = new Promise<Route>((resolve) => (hold = resolve));
    await page.route('**/events/stream', (route) => hold(route), { times: 1 });
    await visit(page, '/');
    const movements = page.getByRole('region', { name: 'Latest movements' }).getByRole('listitem');
    await movements.first().waitFor();
    await server.call('POST', '/inventory/HERON/adjust', { location: 'WH-LUTON', type: 'add', quantity: 77 });
    await (await stream).continue();
    await movements.filter({ hasText: '+77' }).waitFor();
    expect(complaints).toEqual([]);
    await close();
  });
});
