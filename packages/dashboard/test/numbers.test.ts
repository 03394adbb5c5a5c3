import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { violationsOf } from './axe.ts';
import { launchChromium, openPage, visit } from './chromium.ts';
import { startDashboard, type DashboardServer } from './dashboard.server.ts';
import { describeInBrowser } from './describe.in.browser.ts';

/** The only product, at an open and at a closed place. */
const SKU = 'MUG';

describeInBrowser('what is shown while it changes', () => {
  let server: DashboardServer;
  let browser: Browser;
  beforeAll(async () => {
    [server, browser] = await Promise.all([startDashboard(), launchChromium()]);
    await done('POST', '/locations', { code: 'OPEN', name: 'Open', type: 'warehouse', priority: 1 });
    await done('POST', '/locations', { code: 'SHUT', name: 'Shut', type: 'store', priority: 2 });
    await done('POST', '/products', { sku: SKU, name: 'Mug', reorderPoint: 10, safetyStock: 3 });
    await receive('OPEN', 30);
    await receive('SHUT', 30);
    await done('PATCH', '/locations/SHUT', { active: false });
  });
  afterAll(async () => {
    await browser.close();
    await server.close();
  });

  async function done(method: string, path: string, body?: object): Promise<void> {
    const answer = await server.call(method, path, body);
    expect(answer.ok, `${method} ${path}: ${answer.status}`).toBe(true);
  }
  const receive = (location: string, quantity: number, sku = SKU): Promise<void> =>
    done('POST', `/inventory/${sku}/adjust`, { location, type: 'add', quantity, movement: 'receipt' });

  async function at(path: string, act: (page: Page) => Promise<void>, expected = /never/): Promise<void> {
    const session = { 'holdfast.firstRun.putOff': 'yes' };
    const opened = await openPage(browser, server.address, { reducedMotion: 'reduce', session, expected });
    await visit(opened.page, path);
    await opened.page.locator('html[data-live]').waitFor();
    await act(opened.page);
    expect(opened.complaints).toEqual([]);
    await opened.close();
  }
  const bar = (page: Page, label: string): Promise<void> => page.getByRole('img', { name: label }).first().waitFor();

  test('the list follows a receipt at a closed place, its opening, the settings and the name of a product', () =>
    at('/inventory', async (page) => {
      await receive('SHUT', 5);
      await bar(page, 'on hand 35, committed 0, reserved 0, safety 3, available 0, at inactive locations 32');
      await done('PATCH', '/locations/SHUT', { active: true });
      await bar(page, 'on hand 35, committed 0, reserved 0, safety 3, available 32');
      await done('PATCH', `/products/${SKU}`, { safetyStock: 12 });
      await bar(page, 'on hand 35, committed 0, reserved 0, safety 12, available 23');
      await done('PATCH', `/products/${SKU}`, { sku: 'CUP' });
      await page.getByRole('link', { name: 'CUP' }).first().waitFor();
      await done('PATCH', '/products/CUP', { sku: SKU });
      // A level that was not there is announced, or comes by itself where nobody reads.
      await done('POST', '/products', { sku: 'JUG', name: 'Jug' });
      await receive('OPEN', 4, 'JUG');
      await page.getByRole('link', { name: 'JUG' }).waitFor();
    }));

  test("a product's page follows its name, and the closing of a place", () =>
    at(`/inventory/${SKU}`, async (page) => {
      await done('PATCH', `/products/${SKU}`, { name: 'Mug, blue' });
      await page.getByRole('heading', { name: 'Mug, blue' }).waitFor();
      await done('PATCH', '/locations/SHUT', { active: false });
      await bar(page, 'on hand 35, committed 0, reserved 0, safety 12, available 0');
      await page.getByRole('button', { name: 'Available at SHUT: 0. Why?' }).click();
      await page.getByRole('row', { name: 'At inactive locations −23' }).waitFor();
    }));

  test('home has the sums of after the last hold, with what is missing, and what is closed', () =>
    at('/', async (page) => {
      const hold = { lines: [{ sku: SKU, quantity: 10, location: 'OPEN' }], ttlSeconds: 600 };
      const { id } = (await (await server.call('POST', '/reservations', hold)).json()) as { id: string };
      await bar(page, 'on hand 69, committed 0, reserved 10, safety 12, available 12, at inactive locations 35');
      await done('POST', `/reservations/${id}/confirm`, {});
      const lost = { location: 'OPEN', type: 'set', quantity: 4, movement: 'count', force: true };
      await done('POST', `/inventory/${SKU}/adjust`, lost);
      await bar(
        page,
        'on hand 43, committed 10, reserved 0, safety 0, available 4, at inactive locations 35, short by 6',
      );
      await done('POST', '/products', { sku: 'VASE', name: 'Vase' });
      await page.getByText('of 3 products').waitFor();
    }));

  test('on a slow line the place of a level is known before the list of all, and a double click is one command', () =>
    at(`/inventory/${SKU}`, async (page) => {
      let sent = 0;
      await page.route(/\/locations\?|\/adjust$/, async (route) => {
        if (route.request().method() === 'POST') sent += 1;
        await page.locator('body[data-go-on]').waitFor();
        await route.continue();
      });
      await page.getByRole('button', { name: 'Adjust at OPEN' }).click();
      const dialog = page.getByRole('dialog');
      expect(await dialog.getByRole('combobox', { name: 'Location' }).inputValue()).toBe('OPEN');
      await dialog.getByRole('textbox', { name: 'Units' }).fill('2');
      await dialog.getByRole('button', { name: 'Put in' }).dblclick();
      await page.evaluate(() => document.body.toggleAttribute('data-go-on'));
      await page.getByRole('button', { name: 'Undo' }).waitFor();
      expect(sent).toBe(1);
      expect(await page.getByRole('button', { name: 'Undo' }).count()).toBe(1);
      await page.unrouteAll({ behavior: 'ignoreErrors' });
    }));

  test('of many locations the first are listed, and any is found by a part of its name', () =>
    at(`/inventory/${SKU}`, async (page) => {
      const items = Array.from({ length: 100 }, (_, index) => {
        return { code: `S${index}`, name: `Store ${index}`, active: true };
      });
      await page.route('**/api/v1/locations?*', (route) => route.fulfill({ json: { items, nextCursor: null } }));
      await page.getByRole('button', { name: 'Adjust', exact: true }).click();
      const choice = page.getByRole('dialog').getByRole('combobox', { name: 'Location' });
      await page.getByText('The first 60 of 101; type for the others.').waitFor();
      await choice.click();
      await expect.poll(() => page.getByRole('option').count()).toBe(60);
      await choice.fill('store 99');
      await page.getByRole('option', { name: 'S99 · Store 99' }).waitFor();
      await page.unrouteAll({ behavior: 'ignoreErrors' });
    }));

  test('beside the box of a row a finger selects as well, and opens nothing', () =>
    at('/alerts', async (page) => {
      await page
        .getByRole('gridcell')
        .first()
        .click({ position: { x: 3, y: 3 } });
      await page.getByText('1 selected').waitFor();
      expect(await page.getByRole('complementary', { name: SKU }).count()).toBe(0);
    }));

  test('a name that is written from the right begins there, and is cut off at its end', () =>
    at('/products', async (page) => {
      await done('POST', '/products', { sku: 'KOB', name: 'كوب أزرق 12 قطعة (خزف)' });
      const cell = page.getByRole('gridcell', { name: /^كوب/ });
      await cell.waitFor();
      expect(await cell.evaluate((element) => getComputedStyle(element).direction)).toBe('rtl');
    }));

  /** A form's requests, with values that it would not send by itself. */
  async function sendInstead(page: Page, path: string, values: object): Promise<void> {
    await page.route(`**/api/v1${path}`, (route) =>
      route.request().method() === 'POST' ? route.continue({ postData: JSON.stringify(values) }) : route.continue(),
    );
  }
  /** Each that is marked, with what its description says last. */
  const wrongFields = (form: Locator): Promise<string[]> =>
    form.locator('[aria-invalid="true"]').evaluateAll((fields) =>
      fields.map((field) => {
        const said = document.getElementById(field.getAttribute('aria-describedby')?.split(' ').at(-1) ?? '');
        return `${field.getAttribute('name')}: ${said?.textContent}`;
      }),
    );

  test('what a refusal is about is marked in the form, and has the focus, until it is changed', () =>
    at(
      '/products',
      async (page) => {
        await page.getByRole('button', { name: 'New product' }).first().click();
        const form = page.getByRole('dialog', { name: 'New product' });
        const sku = form.getByRole('textbox', { name: 'Sku' });
        const refused = form.locator('[aria-invalid="true"]:focus');
        await form.getByRole('textbox', { name: 'Name' }).fill('Mug');
        // One that the rules refuse, and one that is taken.
        for (const text of ['a mug', SKU]) {
          await sku.fill(text);
          expect(await form.locator('[aria-invalid="true"]').count()).toBe(0);
          await form.getByRole('button', { name: 'Save' }).click();
          await refused.waitFor();
          expect(await refused.getAttribute('name')).toBe('sku');
        }
        expect(await wrongFields(form)).toEqual([
          `sku: A product, perhaps an archived one, already has the sku ${SKU}.`,
        ]);
        const numbers = ['unitCost', 'reorderPoint', 'reorderQuantity', 'maxLevel', 'safetyStock'];
        const wrong = Object.fromEntries(numbers.map((name) => [name, -1]));
        await sendInstead(page, '/products', { sku: 'PAN', name: 'Pan', ...wrong });
        await form.getByRole('button', { name: 'Save' }).click();
        await form.locator('[name="unitCost"][aria-invalid="true"]:focus').waitFor();
        expect(await wrongFields(form)).toEqual(numbers.map((name) => `${name}: must be at least 0`));
        expect(await violationsOf(page, '[role="dialog"]')).toEqual([]);
        await page.unrouteAll({ behavior: 'ignoreErrors' });
      },
      /status of 4(00|09)/,
    ));

  test('a row of a rule that is refused is found where it is hidden, and says which it is', () =>
    at(
      '/rate-limits',
      async (page) => {
        const wrongRow = { overrides: { 'a/b': { limit: 0 } }, schedule: { to: 'soon' } };
        const right = { name: 'Checkout', algorithm: 'token_bucket', limit: 5, windowMs: 1_000, subject: 'api_key' };
        await sendInstead(page, '/rate-limits', { ...right, ...wrongRow });
        await page.getByRole('button', { name: 'New rule' }).click();
        const form = page.getByRole('dialog', { name: 'New rate limit' });
        await form.getByLabel('Name').fill('Checkout');
        await form.getByRole('button', { name: 'Save' }).click();
        await form.getByRole('textbox', { name: 'Other limits for some' }).waitFor();
        expect(await wrongFields(form)).toEqual([
          'schedule/to: must be an RFC 3339 time between 1970 and 9999, such as 2026-11-20T10:00:00Z',
          'overrides: a/b limit must be at least 1',
        ]);
        await page.unrouteAll({ behavior: 'ignoreErrors' });
      },
      /status of 400/,
    ));

  test('tabs that were opened in the background leave the connections to the one that is looked at', async () => {
    const context = await browser.newContext({ baseURL: server.address });
    // As many as a browser has connections to a server. One of them is looked at later.
    const tabs = await Promise.all(Array.from({ length: 6 }, () => context.newPage()));
    for (const tab of tabs) {
      await tab.addInitScript(() => {
        Object.defineProperty(document, 'hidden', { get: () => !('isLookedAt' in globalThis), configurable: true });
      });
      await visit(tab, '/inventory');
    }
    await receive('OPEN', 1, 'JUG');
    const seen = await context.newPage();
    await visit(seen, '/inventory/JUG');
    await bar(seen, 'on hand 5');
    const [first] = tabs;
    await first!.evaluate(() => {
      Object.assign(globalThis, { isLookedAt: true });
      document.dispatchEvent(new Event('visibilitychange'));
    });
    // What moved before it was first looked at was told to nobody there.
    await bar(first!, 'on hand 5');
    await context.close();
  });
});
