import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { contrastViolationsOf, violationsOf } from './axe.ts';
import { launchChromium, openPage, visit } from './chromium.ts';
import { startDashboard, type DashboardServer } from './dashboard.server.ts';
import { describeInBrowser } from './describe.in.browser.ts';

const ACT_WITHIN_MS = 20_000;
const PHONE = { width: 390, height: 844 };

/** What jobs call: /held answers when it is let go, /broken with 500 until it is mended, others at once. */
interface Target {
  url: string;
  letGo: () => void;
  mend: () => void;
  close: () => void;
}

async function startTarget(): Promise<Target> {
  const held: ServerResponse[] = [];
  let isBroken = true;
  const server: Server = createServer((request, response) => {
    request.resume();
    if (request.url === '/held') held.push(response);
    else response.writeHead(request.url === '/broken' && isBroken ? 500 : 200).end('answered');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    letGo: () => {
      for (const response of held.splice(0)) response.end('answered');
    },
    mend: () => {
      isBroken = false;
    },
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

const button = (within: Page | Locator, name: string): Locator => within.getByRole('button', { name, exact: true });
const rowOf = (page: Page, text: string): Locator => page.getByRole('row').filter({ hasText: text }).first();
const openRow = (page: Page, text: string): Promise<void> => rowOf(page, text).getByRole('gridcell').nth(2).click();

describeInBrowser('jobs in the dashboard', () => {
  let server: DashboardServer;
  let browser: Browser;
  let target: Target;
  beforeAll(async () => {
    target = await startTarget();
    [server, browser] = await Promise.all([startDashboard({ HOLDFAST_EGRESS_ALLOW: '127.0.0.1' }), launchChromium()]);
  });
  afterAll(async () => {
    target.letGo();
    await browser.close();
    await server.close();
    target.close();
  });

  /** Makes a job by the API; its id. */
  async function made(job: object): Promise<string> {
    const answer = await server.call('POST', '/jobs', { type: 'http_request', retries: 0, ...job });
    expect(answer.status).toBe(201);
    return ((await answer.json()) as { id: string }).id;
  }

  async function statusOf(runId: string): Promise<string> {
    const answer = await server.call('GET', `/runs/${runId}`);
    return ((await answer.json()) as { status: string }).status;
  }

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

  test('the first job is made in the form: its schedule in words, and what is wrong at its field', () =>
    at(
      '/jobs',
      async (page) => {
        await rowOf(page, 'Expire holds').filter({ hasText: 'Always' }).waitFor();
        await button(page, 'Make the first job').click();
        const dialog = page.getByRole('dialog', { name: 'New job' });
        await dialog.getByLabel('Name').fill('Tell the shop');
        await dialog.getByRole('combobox', { name: 'What it does' }).click();
        await page.getByRole('option', { name: 'Send an HTTP request' }).click();
        await dialog.getByLabel('URL').fill('ftp://shop.example.com');
        await dialog.getByLabel('Authorization', { exact: true }).fill('Bearer secret');
        await dialog.getByLabel('Headers').fill('x-shop: berlin');
        await dialog.getByLabel('Cron').fill('0 0 30 2 *');
        await dialog.getByText(/^This schedule /).waitFor();
        await button(dialog, 'Workdays at 6').click();
        await dialog.getByText('At 06:00, Monday through Friday (UTC)').waitFor();
        await expect.poll(() => dialog.getByRole('list', { name: 'Next runs' }).getByRole('listitem').count()).toBe(5);
        await button(dialog, 'Save').click();
        const url = dialog.getByRole('textbox', { name: 'URL' });
        await expect.poll(() => url.getAttribute('aria-invalid')).toBe('true');
        await url.fill(`${target.url}/hook`);
        await button(dialog, 'Save').click();
        await dialog.waitFor({ state: 'detached' });
        await rowOf(page, 'Tell the shop').filter({ hasText: 'Monday through Friday' }).waitFor();
        const { items } = (await (await server.call('GET', '/jobs?search=Tell')).json()) as { items: object[] };
        expect(items[0]).toMatchObject({ schedule: '0 6 * * 1-5', config: { headers: { 'x-shop': 'berlin' } } });
      },
      /400/,
    ));

  test('an edited job keeps its secret, and what somebody else changed is not written over', async () => {
    const id = await made({ name: 'Signed', config: { url: `${target.url}/hook`, authorization: 'Bearer secret' } });
    await at(
      '/jobs',
      async (page) => {
        await openRow(page, 'Signed');
        const panel = page.getByRole('complementary', { name: 'Signed' });
        await button(panel, 'Edit').click();
        const dialog = page.getByRole('dialog', { name: 'Edit Signed' });
        await dialog.getByPlaceholder('stays as it is').first().waitFor();
        await dialog.getByText('After other jobs').click();
        await dialog.getByRole('combobox', { name: 'After' }).click();
        await page.getByRole('option', { name: 'Verify all numbers' }).click();
        await server.call('PATCH', `/jobs/${id}`, { description: 'by another' });
        await button(dialog, 'Save').click();
        await button(dialog, 'Show it as it is now').click();
        await panel.getByText('by another').waitFor();
        await button(panel, 'Edit').click();
        await dialog.getByLabel('Description').fill('by me');
        await button(dialog, 'Save').click();
        await panel.getByText('by me').waitFor();
      },
      /412/,
    );
  });

  test('a run is followed while it works, and cancelled', async () => {
    const id = await made({ name: 'Slow', config: { url: `${target.url}/held` } });
    await at('/jobs', async (page) => {
      await openRow(page, 'Slow');
      const panel = page.getByRole('complementary', { name: 'Slow' });
      await button(panel, 'Run now').click();
      await rowOf(page, 'Slow').filter({ hasText: 'Running' }).waitFor();
      await panel.getByRole('link', { name: /Running/ }).click();
      await page.getByRole('heading', { name: 'Run of Slow' }).waitFor();
      await page.getByText('waiting for the answer').waitFor();
      await button(page, 'Cancel').click();
      await button(page.getByRole('dialog'), 'Cancel the run').click();
      await page.getByText(/was cancelled on /).waitFor();
      const answer = await server.call('GET', `/jobs/${id}`);
      expect(await answer.json()).toMatchObject({ lastRun: { status: 'cancelled' } });
    });
  });

  test('a run shows the end of its log, what came before it, and its files', async () => {
    const rows = Array.from({ length: 600 }, (_, index) => `NOT A SKU ${index},a name`);
    const content = ['sku,name', ...rows].join('\n');
    const id = await made({ name: 'Catalogue', type: 'import_products', config: { source: { content } } });
    const run = (await (await server.call('POST', `/jobs/${id}/run`, {})).json()) as { id: string };
    // A page opened while the run goes on has read it from its first line.
    await expect.poll(() => statusOf(run.id), { timeout: ACT_WITHIN_MS }).toBe('succeeded');
    await at(`/jobs/runs/${run.id}`, async (page) => {
      const file = page.getByRole('link', { name: 'refused.csv' });
      await file.waitFor();
      const log = page.getByRole('list', { name: 'Lines of the log' });
      await log.getByText('NOT A SKU 599').waitFor();
      const belowEnd = (): Promise<number> =>
        log.evaluate((box) => box.scrollHeight - box.scrollTop - box.clientHeight);
      await expect.poll(belowEnd).toBeLessThan(2);
      await expect.poll(() => log.getByText('"NOT A SKU 0"').count()).toBe(0);
      await button(page, 'Show earlier lines').click();
      await log.getByText('"NOT A SKU 0"').waitFor();
      const fetched = await fetch(new URL((await file.getAttribute('href')) ?? '', server.address));
      expect(await fetched.text()).toContain('NOT A SKU 599');
    });
  });

  test('runs that failed are found, redriven together, and succeed', async () => {
    const id = await made({ name: 'Broken', config: { url: `${target.url}/broken` } });
    for (let count = 0; count < 2; count += 1) {
      const run = (await (await server.call('POST', `/jobs/${id}/run`, {})).json()) as { id: string };
      // One that fails while the list of failed ones is open is announced, and not put into it.
      await expect.poll(() => statusOf(run.id)).toBe('failed');
    }
    await at(`/jobs/runs?jobId=${id}`, async (page) => {
      await button(page, 'Failed only').click();
      await page.getByRole('row').filter({ hasText: 'Failed' }).nth(1).waitFor();
      await page.getByRole('checkbox').nth(0).click();
      await page
        .getByRole('checkbox')
        .nth(1)
        .click({ modifiers: ['Shift'] });
      target.mend();
      await button(page, 'Redrive 2 failed').click();
      await page.getByText('2 wait again').waitFor();
      await button(page, 'Failed only').click();
      await page.getByRole('row').filter({ hasText: 'Succeeded' }).nth(1).waitFor();
    });
  });

  test('a job is switched off and deleted by the keyboard, and made anew by Undo', async () => {
    await made({ name: 'Snapshot', type: 'stock_snapshot', schedule: '30 2 * * *' });
    await at('/jobs?search=Snapshot', async (page) => {
      await rowOf(page, 'Snapshot').waitFor();
      await page.getByRole('grid', { name: 'Jobs' }).focus();
      await page.keyboard.press('Enter');
      const panel = page.getByRole('complementary', { name: 'Snapshot' });
      await button(panel, 'Switch off').focus();
      await page.keyboard.press('Enter');
      await rowOf(page, 'Snapshot').filter({ hasText: 'Off' }).waitFor();
      await button(panel, 'More').focus();
      await page.keyboard.press('Enter');
      await page.getByRole('menuitem', { name: 'Delete' }).focus();
      await page.keyboard.press('Enter');
      const dialog = page.getByRole('dialog', { name: 'Delete Snapshot?' });
      await dialog.getByText('It has never run.').waitFor();
      await button(dialog, 'Delete it').and(page.locator(':focus')).waitFor();
      await page.keyboard.press('Enter');
      await page.getByText('No job is like that').waitFor();
      await page.getByText('Deleted Snapshot').locator('..').getByRole('button', { name: 'Undo' }).click();
      await rowOf(page, 'Snapshot').filter({ hasText: 'Off' }).waitFor();
    });
  });

  test("Holdfast's own jobs can be run, and not deleted", () =>
    at('/jobs?system=true', async (page) => {
      await openRow(page, 'Verify all numbers');
      const panel = page.getByRole('complementary');
      await button(panel, 'More').click();
      await page.getByRole('menuitem', { name: 'Redrive all failed runs' }).waitFor();
      expect(await page.getByRole('menuitem', { name: 'Delete' }).count()).toBe(0);
      await page.keyboard.press('Escape');
      await button(panel, 'Run now').click();
      await rowOf(page, 'Verify all numbers').filter({ hasText: 'Succeeded' }).waitFor();
    }));

  test('the timeline and the graph lead to their jobs, and can be read', async () => {
    // Within the hour, and not while this test looks: then the second would have run, too.
    const minutes = [10, 20, 30, 40, 50].map((ahead) => (new Date().getUTCMinutes() + ahead) % 60).join(',');
    const first = await made({ name: 'First', config: { url: target.url }, schedule: `${minutes} * * * *` });
    await made({ name: 'Second', config: { url: target.url }, dependencies: [first] });
    await at('/jobs/next?ahead=1', async (page) => {
      await page.getByRole('img', { name: /^First: due 5 times/ }).waitFor();
      await button(page, 'As a table').click();
      expect(await page.getByRole('row').filter({ hasText: 'First' }).count()).toBeGreaterThanOrEqual(5);
      await page.getByRole('link', { name: 'Graph' }).click();
      await button(page, 'As a list').click();
      await page.getByRole('row', { name: 'Second First is skipped never ran' }).waitFor();
      await button(page, 'As a graph').click();
      await page.getByRole('link', { name: 'Second' }).click();
      await page.getByRole('heading', { name: 'Second', level: 1 }).waitFor();
    });
  });

  // The list of jobs itself is looked at in pages.test.ts.
  const LOOKED_AT: [path: string, part: string, act?: (page: Page) => Promise<void>][] = [
    ['/jobs', 'aside', async (page) => openRow(page, 'Signed')],
    ['/jobs', '[role="dialog"]', async (page) => button(page, 'New job').click()],
    ['/jobs/runs', 'aside', async (page) => openRow(page, 'Slow')],
    ['/jobs/runs', 'main'],
    ['/jobs/next', 'main'],
    ['/jobs/graph', 'main'],
  ];

  test.each(LOOKED_AT)('%s, %s: nothing that axe finds in either theme, and it fits on a phone', (path, part, act) =>
    at(path, async (page) => {
      await act?.(page);
      await page.locator(part).first().waitFor();
      expect(await violationsOf(page, part)).toEqual([]);
      await page.emulateMedia({ colorScheme: 'dark', reducedMotion: 'reduce' });
      await page.locator('html[data-mantine-color-scheme="dark"]').waitFor({ state: 'attached' });
      expect(await contrastViolationsOf(page, part)).toEqual([]);
      await page.setViewportSize(PHONE);
      await expect
        .poll(() => page.evaluate(() => document.documentElement.scrollWidth - innerWidth))
        .toBeLessThanOrEqual(0);
    }),
  );
});
