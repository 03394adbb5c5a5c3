import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { launchChromium, openPage, visit } from './chromium.ts';
import { startDashboard, type DashboardServer } from './dashboard.server.ts';
import { describeInBrowser } from './describe.in.browser.ts';
import { fillShop } from './shop.ts';

/** Of a commit, until the page shows it. */
const SHOWN_WITHIN_MS = 1_000;

const row = (page: Page, name: string) => page.getByRole('row').filter({ has: page.getByRole('rowheader', { name }) });
const numbers = async (page: Page, name: string): Promise<string[]> =>
  (await row(page, name).getByRole('button', { name: /Why/ }).allTextContents()).map((text) => text.trim());

describeInBrowser('the dashboard, in a browser', () => {
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

  test('an adjustment shows its outcome first, is done, and is taken back', async () => {
    const { page, complaints, close } = await openPage(browser, server.address);
    await visit(page, '/inventory/TRAY');
    await page.getByRole('button', { name: 'Adjust at WH-MILAN' }).click();
    const dialog = page.getByRole('dialog', { name: 'Adjust TRAY' });
    await dialog.getByText('Take out').click();
    // Neither fifteen nor one.
    await dialog.getByRole('textbox', { name: 'Units' }).fill('1.5');
    await dialog.getByLabel('Reason').fill('a broken pallet');
    await dialog.getByText('Whole units from 1, as 1,250').waitFor();
    expect(await dialog.getByRole('button', { name: 'Take out' }).isDisabled()).toBe(true);
    await dialog.getByRole('textbox', { name: 'Units' }).fill('5');
    const preview = dialog.getByRole('region', { name: 'What would happen' });
    expect(await preview.textContent()).toBe('On hand80 → 75Available80 → 75');
    await dialog.getByRole('button', { name: 'Take out' }).click();
    await dialog.waitFor({ state: 'detached' });
    // It stays for as long as one points at it.
    await page.getByText('Adjusted −5 of TRAY at WH-MILAN: 75 on hand').hover();
    await expect.poll(() => numbers(page, 'WH-MILAN')).toEqual(['75', '0', '0', '0', '75']);
    await page.getByText('a broken pallet').waitFor();
    await page.getByRole('button', { name: 'Undo' }).click();
    await expect.poll(() => numbers(page, 'WH-MILAN')).toEqual(['80', '0', '0', '0', '80']);
    await page.getByText('takes back adjusted').waitFor();
    expect(complaints).toEqual([]);
    await close();
  });

  test('what is promised is not taken without saying so', async () => {
    const { page, complaints, close } = await openPage(browser, server.address);
    await visit(page, '/inventory/VASE');
    const [onHand = '', , reserved = ''] = await numbersOnceThere(page, 'WH-LUTON');
    expect({ onHand, reserved }).toEqual({ onHand: '18', reserved: '10' });
    await page.getByRole('button', { name: 'Adjust at WH-LUTON' }).click();
    const dialog = page.getByRole('dialog', { name: 'Adjust VASE' });
    await dialog.getByText('Take out').click();
    await dialog.getByRole('textbox', { name: 'Units' }).fill('12');
    await dialog.getByText('10 are promised: this would leave it short by 4.').waitFor();
    expect(await dialog.getByRole('button', { name: 'Take out' }).isDisabled()).toBe(true);
    await dialog.getByLabel('Do it all the same').check();
    await dialog.getByText('It would be short by 4.').waitFor();
    await dialog.getByRole('button', { name: 'Take out' }).click();
    await expect.poll(() => numbers(page, 'WH-LUTON')).toEqual(['6', '0', '10', '0', '0']);
    expect(complaints).toEqual([]);
    await close();
  });

  test('a transfer moves both sides at once', async () => {
    const { page, complaints, close } = await openPage(browser, server.address);
    await visit(page, '/inventory/HERON');
    const before = await numbersOnceThere(page, 'WH-MILAN');
    await page.getByRole('button', { name: 'Transfer' }).click();
    const dialog = page.getByRole('dialog', { name: 'Transfer HERON' });
    await dialog.getByRole('combobox', { name: 'To' }).click();
    await page.getByRole('option', { name: 'WH-MILAN · Milan' }).click();
    await dialog.getByRole('textbox', { name: 'Units' }).fill('4');
    await dialog.getByRole('button', { name: 'Transfer' }).click();
    await page.getByText('Moved 4 of HERON from WH-LUTON to WH-MILAN').waitFor();
    await expect.poll(async () => (await numbers(page, 'WH-MILAN'))[0]).toBe(String(Number(before[0]) + 4));
    expect(complaints).toEqual([]);
    await close();
  });

  test('every number can be asked why', async () => {
    const { page, complaints, close } = await openPage(browser, server.address);
    await visit(page, '/inventory/MUG');
    await page.getByRole('button', { name: /^On hand at WH-LUTON/ }).click();
    const panel = page.getByRole('complementary', { name: 'On hand, WH-LUTON: why' });
    await expect.poll(() => panel.getByRole('row').allTextContents()).toContain('Received, once+120');
    expect(await panel.getByRole('row').last().textContent()).toMatch(/^On hand\d+$/);
    await page.keyboard.press('Escape');
    await panel.waitFor({ state: 'detached' });
    expect(complaints).toEqual([]);
    await close();
  });

  test('a change that somebody else makes is shown within a second, in the list and on the page', async () => {
    const list = await openPage(browser, server.address);
    const product = await openPage(browser, server.address);
    await visit(list.page, '/inventory?search=BOWL');
    await visit(product.page, '/inventory/BOWL');
    await Promise.all([waitForLive(list.page), waitForLive(product.page)]);
    await numbersOnceThere(product.page, 'WH-LUTON');
    const cell = list.page.getByRole('row').filter({ hasText: 'WH-LUTON' }).getByRole('gridcell').nth(3);
    let onHand = Number(await cell.textContent());
    let tookMs = Infinity;
    // One is enough: what else the machine does is not what is measured.
    for (let round = 0; round < 20 && tookMs >= SHOWN_WITHIN_MS; round += 1) {
      onHand += 7;
      const startedMs = performance.now();
      await server.call('POST', '/inventory/BOWL/adjust', { location: 'WH-LUTON', type: 'add', quantity: 7 });
      await expect.poll(() => cell.textContent()).toBe(String(onHand));
      await expect.poll(async () => (await numbers(product.page, 'WH-LUTON'))[0]).toBe(String(onHand));
      tookMs = performance.now() - startedMs;
    }
    expect(tookMs).toBeLessThan(SHOWN_WITHIN_MS);
    expect([...list.complaints, ...product.complaints]).toEqual([]);
    await list.close();
    await product.close();
  });

  test('filters, sort and search are in the address, and a link shows the same', async () => {
    const { page, complaints, close } = await openPage(browser, server.address);
    await visit(page, '/inventory');
    await page.getByRole('searchbox', { name: 'Search products' }).fill('tray');
    await expect.poll(() => page.url()).toContain('search=tray');
    await page.getByRole('button', { name: 'On hand' }).click();
    await expect.poll(() => page.url()).toContain('sort=onHand');
    await expect.poll(() => rowsOf(page)).toEqual(['TRAY WH-MILAN', 'TRAY WH-LUTON']);
    await visit(page, '/inventory?search=tray&sort=-onHand');
    await expect.poll(() => rowsOf(page)).toEqual(['TRAY WH-LUTON', 'TRAY WH-MILAN']);
    await page.getByRole('button', { name: 'Filter' }).click();
    await page.getByRole('menuitem', { name: 'Location' }).click();
    await page.getByRole('button', { name: 'Milan' }).click();
    await expect.poll(() => rowsOf(page)).toEqual(['TRAY WH-MILAN']);
    await page.getByRole('button', { name: 'Remove the filter Location' }).click();
    await expect.poll(() => rowsOf(page)).toHaveLength(2);
    expect(complaints).toEqual([]);
    await close();
  });

  test('the list is worked with the keyboard', async () => {
    const { page, complaints, close } = await openPage(browser, server.address);
    await visit(page, '/');
    await page.locator('#main h1').waitFor();
    await page.keyboard.press('g');
    await page.keyboard.press('i');
    await page.getByRole('grid', { name: 'Inventory' }).focus();
    await expect.poll(async () => (await rowsOf(page)).length).toBeGreaterThan(5);
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await expect.poll(() => new URL(page.url()).pathname).toBe('/inventory/HERON');
    await page.keyboard.press('?');
    await page.getByRole('dialog', { name: 'Keys' }).waitFor();
    await page.keyboard.press('Escape');
    await page.keyboard.press('Control+k');
    await page.getByRole('textbox', { name: 'Find anything' }).fill('enamel');
    await page.getByRole('button', { name: 'Tray, enamel TRAY' }).waitFor();
    await page.keyboard.press('Enter');
    await expect.poll(() => new URL(page.url()).pathname).toBe('/inventory/TRAY');
    expect(complaints).toEqual([]);
    await close();
  });

  test('who works by keyboard goes on where they were, whatever closes', async () => {
    const { page, complaints, close } = await openPage(browser, server.address, { reducedMotion: 'reduce' });
    const focused = (): Promise<string> =>
      page.evaluate(() => {
        const { ariaLabel, textContent, tagName } = document.activeElement ?? document.body;
        return tagName === 'BODY' ? 'nothing' : (ariaLabel ?? textContent);
      });
    const press = async (name: string | RegExp): Promise<string> => {
      await page.getByRole('button', { name, exact: true }).first().focus();
      const had = await focused();
      await page.keyboard.press('Enter');
      return had;
    };
    await visit(page, '/inventory/TRAY');
    for (const name of ['Reserve', 'Transfer', 'Adjust', 'Adjust at WH-MILAN', /^On hand at WH-MILAN/]) {
      const had = await press(name);
      const opened = page.getByRole('dialog').or(page.getByRole('complementary', { name: /why$/ }));
      await opened.waitFor();
      await page.keyboard.press('Escape');
      await opened.waitFor({ state: 'detached' });
      await expect.poll(focused).toBe(had);
    }
    await visit(page, '/locations');
    await page.getByRole('grid').press('Enter');
    await press('Edit');
    await page.getByRole('dialog').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await expect.poll(focused).toBe('Edit');
    await page.keyboard.press('Escape');
    await page.getByRole('complementary', { name: 'WH-LUTON' }).waitFor({ state: 'detached' });
    await expect.poll(focused).toBe('Locations');
    await visit(page, '/reservations?orderId=ORDER-1005');
    await page.getByRole('grid').press('Enter');
    await press('Confirm');
    await page.getByRole('button', { name: 'Ship', exact: true }).waitFor();
    // What was pressed is there no more.
    await expect.poll(focused).toBe('ORDER-1005');
    expect(complaints).toEqual([]);
    await close();
  });

  test('the theme follows the system, and the button', async () => {
    const { page, complaints, close } = await openPage(browser, server.address, { colorScheme: 'dark' });
    await visit(page, '/');
    const scheme = (): Promise<string | null> => page.locator('html').getAttribute('data-mantine-color-scheme');
    expect(await scheme()).toBe('dark');
    await page.emulateMedia({ colorScheme: 'light' });
    await expect.poll(scheme).toBe('light');
    await page.getByRole('button', { name: 'Theme' }).click();
    await expect.poll(scheme).toBe('dark');
    await page.reload();
    expect(await scheme()).toBe('dark');
    expect(complaints).toEqual([]);
    await close();
  });

  test('a name that would be markup is text, everywhere', async () => {
    const name = '<img src=x onerror=alert(1)><script>alert(2)</script>';
    await server.call('POST', '/products', { sku: 'HOSTILE', name, category: '"><svg onload=alert(3)>' });
    const reason = '</q><iframe srcdoc="<script>alert(4)</script>">';
    await server.call('POST', '/inventory/HOSTILE/adjust', { location: 'WH-LUTON', type: 'add', quantity: 3, reason });
    const { page, complaints, close } = await openPage(browser, server.address);
    await visit(page, '/inventory/HOSTILE');
    await page.getByRole('heading', { name }).waitFor();
    await page.getByText(reason).waitFor();
    await visit(page, `/inventory?search=${encodeURIComponent('<b onclick=alert(5)>')}`);
    await page.getByText('No level is like that').waitFor();
    await visit(page, '/inventory/%3Cscript%3Ealert(6)%3C%2Fscript%3E');
    await page.locator('#main h1').waitFor();
    await visit(page, '/');
    await page.getByRole('heading', { name: 'Latest movements' }).waitFor();
    expect(complaints.filter((text) => !/status of (400|404)/.test(text))).toEqual([]);
    await close();
  });

  test('a server that goes away is told quietly, what is shown is kept, and is live again when it comes back', async () => {
    const { page, complaints, close } = await openPage(browser, server.address, {
      // A part of the page may be on its way just then: it is asked for again.
      expected: /ERR_(CONNECTION|INCOMPLETE|EMPTY)|status of 503|Unable to preload|dynamically imported module/,
    });
    await visit(page, '/inventory/MUG');
    const before = await numbersOnceThere(page, 'WH-LUTON');
    await waitForLive(page);
    await server.kill();
    await page.getByText(/The server does not answer. What you see is as of/).waitFor();
    expect(await numbers(page, 'WH-LUTON')).toEqual(before);
    await server.restart();
    await page.getByText(/What you see is as of/).waitFor({ state: 'detached' });
    await server.call('POST', '/inventory/MUG/adjust', { location: 'WH-LUTON', type: 'add', quantity: 9 });
    await expect
      .poll(async () => (await numbers(page, 'WH-LUTON'))[0], { timeout: 30_000 })
      .toBe(String(Number(before[0]) + 9));
    expect(complaints).toEqual([]);
    await close();
  });
});

async function numbersOnceThere(page: Page, name: string): Promise<string[]> {
  await row(page, name).first().waitFor();
  return numbers(page, name);
}

/** The stream is open: from now on events arrive by themselves. */
async function waitForLive(page: Page): Promise<void> {
  await page.locator('html[data-live]').waitFor({ state: 'attached' });
}

/** What the rows of the inventory say first: product and location. */
async function rowsOf(page: Page): Promise<string[]> {
  const rows = await page.getByRole('grid', { name: 'Inventory' }).getByRole('row').all();
  const texts = await Promise.all(rows.slice(1).map((one) => one.getByRole('gridcell').allTextContents()));
  return texts.map((cells) => cells.slice(0, 2).join(' ').trim()).filter((text) => text !== '');
}
