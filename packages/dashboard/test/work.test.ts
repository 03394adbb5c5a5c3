import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { contrastViolationsOf, violationsOf } from './axe.ts';
import { launchChromium, openPage, visit } from './chromium.ts';
import { startDashboard, type DashboardServer } from './dashboard.server.ts';
import { describeInBrowser } from './describe.in.browser.ts';
import { fillShop } from './shop.ts';

/** Of whatever is clicked or waited for. */
const ACT_WITHIN_MS = 20_000;

/** What a shop's endpoint was sent. */
async function startEndpoint(): Promise<{ url: string; received: string[]; server: Server }> {
  const received: string[] = [];
  const server = createServer((request, response) => {
    request.resume().on('end', () => {
      received.push(String(request.headers['webhook-id']));
      response.writeHead(204).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hooks`, received, server };
}

const button = (within: Page | Locator, name: string): Locator => within.getByRole('button', { name, exact: true });
const rowOf = (page: Page, text: string): Locator => page.getByRole('row').filter({ hasText: text }).first();
/** A cell that is no link. */
const openRow = (page: Page, text: string, cell = 1): Promise<void> =>
  rowOf(page, text).getByRole('gridcell').nth(cell).click();

describeInBrowser('work in the dashboard', () => {
  let server: DashboardServer;
  let browser: Browser;
  let endpoint: Awaited<ReturnType<typeof startEndpoint>>;
  beforeAll(async () => {
    endpoint = await startEndpoint();
    [server, browser] = await Promise.all([startDashboard({ HOLDFAST_EGRESS_ALLOW: '127.0.0.1' }), launchChromium()]);
    await fillShop(server);
  });
  afterAll(async () => {
    await browser.close();
    await server.close();
    endpoint.server.close();
  });

  /** Opens a page, does something there, and looks that the browser had no complaint. */
  async function at(path: string, act: (page: Page) => Promise<void>, expected?: RegExp): Promise<void> {
    const opened = await openPage(browser, server.address, {
      reducedMotion: 'reduce',
      // The offer of the first run is a story of its own.
      session: { 'holdfast.firstRun.putOff': 'yes' },
      ...(expected === undefined ? {} : { expected }),
    });
    opened.page.setDefaultTimeout(ACT_WITHIN_MS);
    await visit(opened.page, path);
    await act(opened.page);
    expect(opened.complaints).toEqual([]);
    await opened.close();
  }

  test('a reservation is confirmed and shipped, beside the list', () =>
    at('/reservations', async (page) => {
      await openRow(page, 'ORDER-1005', 2);
      const panel = page.getByRole('complementary', { name: 'ORDER-1005' });
      await button(panel, 'Confirm').click();
      await button(panel, 'Ship').click();
      await button(page.getByRole('dialog'), 'Ship what is open').click();
      await rowOf(page, 'ORDER-1005').filter({ hasText: 'Shipped' }).waitFor();
      const answer = await server.call('GET', '/reservations?orderId=ORDER-1005');
      expect((await answer.json()) as object).toMatchObject({ items: [{ status: 'shipped' }] });
      await page.keyboard.press('Escape');
      await panel.waitFor({ state: 'detached' });
    }));

  test('many alerts are acknowledged at once', () =>
    at('/alerts', async (page) => {
      await page.getByRole('checkbox').nth(0).click();
      await page
        .getByRole('checkbox')
        .nth(1)
        .click({ modifiers: ['Shift'] });
      await page.getByText('2 selected').waitFor();
      await button(page.getByRole('toolbar', { name: 'Selected rows' }), 'Acknowledge').click();
      await page.getByText('Acknowledged 2').waitFor();
      await page.getByRole('row').filter({ hasText: 'Acknowledged' }).nth(1).waitFor();
    }));

  test('what somebody else changed is not written over', () =>
    at(
      '/locations',
      async (page) => {
        await openRow(page, 'WH-MILAN');
        await button(page, 'Edit').click();
        const dialog = page.getByRole('dialog', { name: 'Edit WH-MILAN' });
        await dialog.getByLabel('Name').fill('Milano, by me');
        await server.call('PATCH', '/locations/WH-MILAN', { name: 'Milano, by another' });
        // It came in below the form, and the form is still of what was before.
        await page.getByRole('heading', { name: 'WH-MILAN: Milano, by another', includeHidden: true }).waitFor();
        await button(dialog, 'Save').click();
        await dialog.getByRole('alert').waitFor();
        const answer = await server.call('GET', '/locations/WH-MILAN');
        expect((await answer.json()) as object).toMatchObject({ name: 'Milano, by another' });
      },
      /412/,
    ));

  test('a file of orders becomes products, and says what it refused', () =>
    at('/products/import', async (page) => {
      const rows = ['StockCode,Description,UnitPrice', '85123A,"HEART, WHITE",2.55', '85123A,"HEART, WHITE",2.95'];
      rows.push('BANK CHARGES,,15', '71053,<img src=x onerror=alert(1)>,3.39', '22752,,7.65');
      await page
        .locator('input[type=file]')
        .setInputFiles({ name: 'orders.csv', mimeType: 'text/csv', buffer: Buffer.from(rows.join('\n')) });
      await page.getByText('Row 6, 22752: has no name').waitFor();
      await button(page, 'Import 2 products').click();
      await page.getByText('2 of 2 done: 2 made.').waitFor();
      const answer = await server.call('GET', '/products/71053');
      expect((await answer.json()) as object).toMatchObject({ name: '<img src=x onerror=alert(1)>', unitCost: 3.39 });
    }));

  test('a webhook is made, tested, and sends a range again', () =>
    at('/webhooks', async (page) => {
      await page.getByRole('button', { name: 'New webhook' }).first().click();
      const dialog = page.getByRole('dialog');
      await dialog.getByLabel('Address').fill(endpoint.url);
      await button(dialog, 'Save').click();
      await page.getByText(/whsec_/).waitFor();
      // It is not shown again: only the button closes it.
      await page.keyboard.press('Escape');
      await button(page, 'I have it').click();
      await page.getByRole('link', { name: endpoint.url }).click();
      await button(page, 'Send a test').click();
      await page.getByText('The endpoint took the test: 204').waitFor();
      await button(page, 'More').click();
      await page.getByRole('menuitem', { name: 'Send a range again' }).click();
      await page.getByRole('dialog').getByLabel('From').fill('1');
      await button(page, 'Send again').click();
      await page.getByText(/\d+ events will be sent again/).waitFor();
      await rowOf(page, 'Delivered').waitFor();
      // The test is not among the deliveries: this one is another.
      expect(endpoint.received.length).toBeGreaterThan(1);
      await button(page, 'Pause').click();
      await button(page, 'Undo').click();
      await button(page, 'Pause').waitFor();
    }));

  test('a rate limit is tried, made in shadow, let refuse, and taken back', () =>
    at('/rate-limits', async (page) => {
      await page.getByRole('button', { name: 'New rule' }).click();
      const dialog = page.getByRole('dialog', { name: 'New rate limit' });
      await dialog.getByLabel('Name').fill('Login');
      await dialog.getByLabel('Fixed window').check();
      await dialog.getByRole('textbox', { name: 'Limit' }).fill('5');
      // One of a minute may begin anew while this test looks.
      await dialog.getByRole('textbox', { name: 'In', exact: true }).fill('40000');
      await dialog.getByLabel('Path').fill('/login');
      await dialog.getByText('Up to 10 can pass around the end of a window.').waitFor();
      await button(dialog, 'Try it against the last hour').click();
      await dialog.getByText(/It would have refused nothing/).waitFor();
      await button(dialog, 'Save').click();
      await dialog.waitFor({ state: 'detached' });
      await rowOf(page, 'Login').filter({ hasText: 'Shadow' }).waitFor();
      const rules = (await (await server.call('GET', '/rate-limits')).json()) as { items: { id: string }[] };
      const check = { subject: 'customer-1', rateLimit: rules.items[0]?.id };
      const allowed = async (): Promise<number> => {
        const answer = await server.call('POST', '/rate-limits/check/batch', {
          checks: Array.from({ length: 8 }, () => check),
        });
        return ((await answer.json()) as { allowed: number }).allowed;
      };
      expect(await allowed()).toBe(8);
      await openRow(page, 'Login');
      const panel = page.getByRole('complementary', { name: 'Login' });
      await button(panel, 'Let it refuse').click();
      // It stays for as long as one points at it.
      await page.getByText('Login: refuses from now on').hover();
      expect(await allowed()).toBeLessThan(8);
      // By the keyboard: for as long as it can be undone, the word of it lies over the button.
      await panel.getByRole('textbox', { name: 'Subject' }).fill('customer-1');
      await page.keyboard.press('Enter');
      await panel.getByText(/0 of 5 left/).waitFor();
      await button(page.getByRole('alert').filter({ hasText: 'Login: refuses from now on' }), 'Undo').click();
      await rowOf(page, 'Login').filter({ hasText: 'Shadow' }).waitFor();
    }));

  test('two clicks on Undo take an adjustment back once, and the ledger offers it no more', () =>
    at('/inventory/HERON', async (page) => {
      await button(page, 'Adjust at WH-MILAN').click();
      await page.getByRole('textbox', { name: 'Units' }).fill('5');
      await button(page.getByRole('dialog'), 'Put in').click();
      await page.getByText('Received +5 of HERON at WH-MILAN: 16 on hand').waitFor();
      await button(page, 'Undo').dblclick();
      await page.getByText('Taken back: Received +5').waitFor();
      await page.getByRole('listitem').filter({ hasText: '+5' }).getByText('taken back', { exact: true }).waitFor();
      await expect.poll(() => page.getByRole('listitem').filter({ hasText: '−5' }).count()).toBe(1);
      const level = await server.call('GET', '/inventory/HERON/locations/WH-MILAN');
      expect((await level.json()) as object).toMatchObject({ onHand: 11 });
    }));

  test('what was sent, and whose answer was lost, is done once however often it is sent', () =>
    at(
      '/inventory/VASE',
      async (page) => {
        let isDone = false;
        await page.route('**/adjust', async (route) => {
          if (!isDone) await route.fetch();
          isDone = true;
          await route.abort();
        });
        await button(page, 'Adjust at WH-MILAN').click();
        const dialog = page.getByRole('dialog');
        await dialog.getByRole('textbox', { name: 'Units' }).fill('9');
        await button(dialog, 'Put in').click();
        await dialog.getByText('What you sent may be done or not').waitFor();
        await page.unroute('**/adjust');
        await button(dialog, 'Put in').click();
        await page.getByText('Received +9 of VASE at WH-MILAN: 15 on hand').waitFor();
        const level = await server.call('GET', '/inventory/VASE/locations/WH-MILAN');
        expect((await level.json()) as object).toMatchObject({ onHand: 15 });
      },
      /ERR_FAILED/,
    ));

  test('a button or a link of a list is pressed by the keyboard, and no row instead of it', () =>
    at('/inventory', async (page) => {
      await button(page, 'On hand').focus();
      await page.keyboard.press('Enter');
      await expect.poll(() => new URL(page.url()).search).toBe('?sort=onHand');
      await rowOf(page, 'TRAY').getByRole('link').focus();
      await page.keyboard.press('Enter');
      await expect.poll(() => new URL(page.url()).pathname).toBe('/inventory/TRAY');
    }));

  test('the settings of a level that somebody else changed meanwhile stay as they set them', () =>
    at('/inventory/BOWL', async (page) => {
      await page.locator('html[data-live]').waitFor({ state: 'attached' });
      await button(page, 'Settings at WH-LUTON').click();
      const dialog = page.getByRole('dialog');
      await dialog.getByRole('textbox', { name: 'Aisle' }).fill('7');
      const told = page.waitForResponse((answer) => answer.ok() && answer.url().endsWith('BOWL/locations/WH-LUTON'));
      await server.call('PATCH', '/inventory/BOWL/locations/WH-LUTON', { reorderPoint: 25 });
      await told;
      await button(dialog, 'Save').click();
      await dialog.waitFor({ state: 'detached' });
      const level = await server.call('GET', '/inventory/BOWL/locations/WH-LUTON');
      expect((await level.json()) as object).toMatchObject({ reorderPoint: 25, bin: { aisle: '7' } });
    }));

  test('a click beside a form takes nothing of it away', () =>
    at('/products', async (page) => {
      await button(page, 'New product').click();
      const name = page.getByRole('dialog').getByRole('textbox', { name: 'Name' });
      await name.fill('Teapot, iron');
      await page.mouse.click(8, 8);
      // A dialog that closes fades out.
      await page.waitForFunction(() => document.getAnimations().length === 0);
      expect(await name.inputValue()).toBe('Teapot, iron');
    }));

  test('what is done all the same is done of what was said, and nothing else', () =>
    at('/inventory/MUG', async (page) => {
      await button(page, 'Adjust at WH-LUTON').click();
      const dialog = page.getByRole('dialog');
      const units = dialog.getByRole('textbox', { name: 'Units' });
      const allTheSame = dialog.getByLabel('Do it all the same');
      await dialog.getByText('Take out').click();
      await units.fill('110');
      await dialog.getByText('12 are promised: this would leave it short by 7.').waitFor();
      await allTheSame.check();
      await units.fill('5');
      await allTheSame.waitFor({ state: 'detached' });
      await units.fill('111');
      await dialog.getByText('12 are promised: this would leave it short by 8.').waitFor();
      expect(await allTheSame.isChecked()).toBe(false);
    }));

  test('a movement leads to its transfer, which says when it was, and in which zone', () =>
    at('/inventory/MUG', async (page) => {
      await page
        .getByRole('link', { name: /^transfer / })
        .first()
        .click();
      await page.getByRole('heading', { name: 'Transfer WH-LUTON → WH-MILAN' }).waitFor();
      expect(await page.locator('#main time').getAttribute('title')).toMatch(/\d\d:\d\d:\d\d UTC$/);
    }));

  test('another filter shows other rows, and what was selected among those before is not', () =>
    at('/alerts', async (page) => {
      await page.getByRole('checkbox').first().click();
      const selected = page.getByRole('toolbar', { name: 'Selected rows' });
      await selected.waitFor();
      await button(page, 'Filter').click();
      await page.getByRole('menuitem', { name: 'Type' }).click();
      await button(page, 'Out of stock').click();
      await selected.waitFor({ state: 'detached' });
    }));

  test('the longest names and the largest numbers cover nothing, and none is read as a smaller one', async () => {
    const [sku, code] = ['S'.repeat(64), 'L'.repeat(64)];
    await server.call('POST', '/locations', { code, name: 'Ł'.repeat(200), type: 'store' });
    await server.call('POST', '/products', { sku, name: 'ك'.repeat(200) });
    const body = { location: code, type: 'add', quantity: 123_456_789_012, movement: 'receipt' };
    await server.call('POST', `/inventory/${sku}/adjust`, body);
    await server.call('POST', '/transfers', { from: code, to: 'WH-LUTON', lines: [{ sku, quantity: 2 }] });
    await at('/', async (page) => {
      for (const width of [1280, 390]) {
        await page.setViewportSize({ width, height: 844 });
        await expect
          .poll(() => page.evaluate(() => document.documentElement.scrollWidth - innerWidth))
          .toBeLessThanOrEqual(0);
        const movement = page.getByRole('listitem').filter({ hasText: 'Came from elsewhere' }).first();
        const word = await movement.getByText('Came from elsewhere').boundingBox();
        const link = await movement.getByRole('link').boundingBox();
        expect(link?.x).toBeGreaterThanOrEqual((word?.x ?? 0) + (word?.width ?? 0));
      }
    });
    await at(`/inventory/${sku}`, async (page) => {
      const adjust = await button(page, `Adjust at ${code}`).boundingBox();
      expect((adjust?.x ?? 0) + (adjust?.width ?? 0)).toBeLessThanOrEqual(1280);
      await page.setViewportSize({ width: 390, height: 844 });
      const movement = page.getByRole('listitem').filter({ hasText: 'Came from elsewhere' });
      const when = await movement.locator('time').boundingBox();
      const word = await movement.getByText('Came from elsewhere').boundingBox();
      expect(word?.x).toBeGreaterThanOrEqual((when?.x ?? 0) + (when?.width ?? 0));
    });
    await at('/ledger', async (page) => {
      await rowOf(page, '+123.5bn').getByTitle('123,456,789,012', { exact: true }).first().waitFor();
      await button(page, 'Filter').click();
      await page.getByRole('menuitem', { name: 'Location' }).click();
      const places = await page.getByRole('group', { name: 'Location' }).boundingBox();
      expect(places?.width).toBeLessThanOrEqual(360);
    });
  });

  test('on a phone every way in which a job may start can be read', () =>
    at('/jobs', async (page) => {
      await page.setViewportSize({ width: 390, height: 844 });
      await button(page, 'New job').click();
      const ways = page.getByRole('radiogroup', { name: 'When it runs' });
      await ways.getByText('When asked').waitFor();
      await expect
        .poll(() => ways.evaluate((element) => element.scrollWidth - element.clientWidth))
        .toBeLessThanOrEqual(0);
    }));

  test('events wait while one reads', () =>
    at('/events', async (page) => {
      const adjust = (): Promise<Response> =>
        server.call('POST', '/inventory/TRAY/adjust', { location: 'WH-LUTON', type: 'add', quantity: 1 });
      await page.getByText('Listening').waitFor();
      await expect
        .poll(async () => {
          await adjust();
          return page.getByText('stock.changed').count();
        })
        .toBeGreaterThan(0);
      await button(page, 'Pause').click();
      const goOn = page.getByRole('button', { name: /^Go on, [1-9]/ });
      await adjust();
      await goOn.waitFor();
      // What came before is drawn by now.
      const shown = await page.getByText('stock.changed').count();
      const waiting = await goOn.textContent();
      await adjust();
      await expect.poll(() => goOn.textContent()).not.toBe(waiting);
      expect(await page.getByText('stock.changed').count()).toBe(shown);
      await goOn.click();
      await expect.poll(() => page.getByText('stock.changed').count()).toBeGreaterThan(shown);
    }));

  const PANELS = [
    ['/alerts', 'LAMP'],
    ['/ledger', 'LAMP'],
    ['/reservations', 'ORDER-1006'],
    ['/transfers', 'WH-MILAN'],
    ['/products', 'Vase'],
    ['/locations', 'WH-LUTON'],
    ['/rate-limits', 'This machine'],
  ] as const;

  // The pages themselves are looked at in pages.test.ts.
  test.each(PANELS)('the panel of %s has nothing that axe finds, in both themes', (path, text) =>
    at(path, async (page) => {
      await openRow(page, text);
      await page.getByRole('complementary').waitFor();
      await page.waitForFunction(() => document.querySelector('[aria-busy="true"]') === null);
      expect(await violationsOf(page, 'aside')).toEqual([]);
      // Of the other theme only the colours are others.
      await page.emulateMedia({ colorScheme: 'dark' });
      expect(await contrastViolationsOf(page, 'aside')).toEqual([]);
    }),
  );

  test('a person is made, and from then on everybody signs in', () =>
    at(
      '/people',
      async (page) => {
        await page.getByRole('button', { name: 'New person' }).first().click();
        const dialog = page.getByRole('dialog', { name: 'New person' });
        await dialog.getByLabel('Name').fill('Grace Hopper');
        await dialog.getByLabel('Signs in as').fill('grace@shop.example');
        await dialog.getByRole('textbox', { name: 'First password' }).fill('a long and quiet river bank');
        await dialog.getByLabel('admin').check();
        expect(await violationsOf(page, '[role="dialog"]')).toEqual([]);
        await button(dialog, 'Save').click();
        await page.getByRole('heading', { name: /Sign in/ }).waitFor();
      },
      /401/,
    ));
});
