import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { violationsOf } from './axe.ts';
import { launchChromium, openPage, visit } from './chromium.ts';
import { startFreezable, type FreezableServer } from './dashboard.server.ts';
import { describeInBrowser } from './describe.in.browser.ts';
import { fillShop } from './shop.ts';

describeInBrowser('a database that stands still, in a browser', () => {
  let server: FreezableServer;
  let browser: Browser;
  beforeAll(async () => {
    [server, browser] = await Promise.all([startFreezable(), launchChromium()]);
    await fillShop(server);
  });
  afterAll(async () => {
    await browser.close();
    await server.close();
  });

  test('it is told by one bar though the page asks for nothing, and what is shown is new when it is over', async () => {
    const { page, complaints, close } = await openPage(browser, server.address, { expected: /status of 503/ });
    await visit(page, '/inventory/BOWL');
    await page.locator('html[data-live]').waitFor({ state: 'attached' });
    const onHand = page
      .getByRole('row')
      .filter({ has: page.getByRole('rowheader', { name: 'WH-LUTON' }) })
      .getByRole('button', { name: /^On hand/ });
    expect(await onHand.textContent()).toBe('64');

    await server.freeze();
    const bar = page.getByRole('status').filter({ hasText: 'What you see is as of' });
    await bar.waitFor();
    expect(await bar.textContent()).toMatch(
      /^The database does not answer\. What you see is as of \d\d:\d\d:\d\d and may be old\./,
    );
    // The stream is open, and its heartbeats are heard: it has nothing to say of the database.
    expect(await page.locator('html[data-live]').count()).toBe(1);
    expect(await page.getByText(/does not answer/).count()).toBe(1);
    expect(await onHand.textContent()).toBe('64');
    expect(await violationsOf(page)).toEqual([]);

    const asked = page.waitForResponse((answer) => answer.ok() && answer.url().endsWith('/api/v1/inventory/BOWL'));
    await server.thaw();
    await bar.waitFor({ state: 'detached' });
    await asked;
    await page.getByRole('status').filter({ hasText: 'It is ready again' }).waitFor({ state: 'attached' });
    await server.call('POST', '/inventory/BOWL/adjust', { location: 'WH-LUTON', type: 'add', quantity: 9 });
    await expect.poll(() => onHand.textContent()).toBe('73');
    expect(complaints).toEqual([]);
    await close();
  });
});
