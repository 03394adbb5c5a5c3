import type { Browser, Page, Route } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { violationsOf } from './axe.ts';
import { launchChromium, openPage, type WatchedPage } from './chromium.ts';
import { startDashboard, type DashboardServer } from './dashboard.server.ts';
import { describeInBrowser } from './describe.in.browser.ts';

describeInBrowser('who may use it', () => {
  let server: DashboardServer;
  let browser: Browser;
  beforeAll(async () => {
    [server, browser] = await Promise.all([startDashboard(), launchChromium()]);
  });
  afterAll(async () => {
    await browser.close();
    await server.close();
  });

  const ADMIN = { name: 'Ada Lovelace', login: 'ada@shop.example', password: 'three tired herons by the canal' };

  test('the first run teaches, and its offer can be put off', async () => {
    const { page, complaints, close } = await openPage(browser, server.address);
    await page.goto('/');
    await page.getByRole('heading', { name: 'Say where stock is' }).waitFor();
    await page.getByRole('button', { name: 'Not now' }).click();
    await page.getByRole('complementary', { name: 'First run' }).waitFor({ state: 'detached' });
    await page.reload();
    await page.getByRole('heading', { name: 'Say where stock is' }).waitFor();
    expect(await page.getByRole('button', { name: 'Not now' }).count()).toBe(0);
    expect(complaints).toEqual([]);
    await close();
  });

  test('the first admin is made, and from then on everything asks', async () => {
    const { page, complaints, close } = await openPage(browser, server.address, { expected: /status of 401/ });
    await page.goto('/');
    await page.getByRole('button', { name: 'Create the admin' }).click();
    const dialog = page.getByRole('dialog', { name: 'Create the admin' });
    await dialog.getByRole('textbox', { name: 'Name', exact: true }).fill(ADMIN.name);
    await dialog.getByLabel('Name or e-mail address').fill(ADMIN.login);
    await dialog.locator('input[type="password"]').fill(ADMIN.password);
    await dialog.getByRole('button', { name: 'Create and sign in' }).click();
    await page.getByRole('button', { name: `Sign out ${ADMIN.name}` }).waitFor();
    expect((await server.call('GET', '/products')).status).toBe(401);
    await page.reload();
    await page.getByRole('button', { name: `Sign out ${ADMIN.name}` }).click();
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    expect(await violationsOf(page)).toEqual([]);
    await page.getByLabel('Name or e-mail address').fill(ADMIN.login);
    await page.locator('input[type="password"]').fill('not her password');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByText('This name and password do not belong together.').waitFor();
    await page.locator('input[type="password"]').fill(ADMIN.password);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('button', { name: `Sign out ${ADMIN.name}` }).waitFor();
    expect(complaints).toEqual([]);
    await close();
  });

  test('a key signs in, a wrong one does not, and what it may not do is not shown', async () => {
    const { page, complaints, close } = await openPage(browser, server.address, { expected: /status of 401/ });
    await page.goto('/');
    const key = await makeReader(browser, server.address, ADMIN);
    await page.getByText('API key', { exact: true }).click();
    await page.locator('input[type="password"]').fill('hf_nothing');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByText('This key opens nothing').waitFor();
    await page.locator('input[type="password"]').fill(key);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('heading', { level: 1 }).waitFor();
    await page.getByRole('navigation').getByRole('link', { name: 'Inventory' }).waitFor();
    expect(await page.getByRole('navigation').getByRole('link', { name: 'API keys' }).count()).toBe(0);
    await page.locator('html[data-live]').waitFor({ state: 'attached' });
    expect(complaints).toEqual([]);
    await close();
  });

  /** As her, at a page. */
  async function signedIn(path: string, expected: RegExp): Promise<WatchedPage> {
    const opened = await openPage(browser, server.address, { expected });
    await opened.page.goto(path);
    await signIn(opened.page);
    await opened.page.locator('#main h1').waitFor();
    return opened;
  }

  async function signIn(page: Page, login = ADMIN.login): Promise<void> {
    await page.getByLabel('Name or e-mail address').fill(login);
    await page.locator('input[type="password"]').fill(ADMIN.password);
    await page.getByRole('button', { name: 'Sign in' }).click();
  }

  test('a session that ends in the middle of a form takes nothing of it away', async () => {
    const { page, complaints, close } = await signedIn('/products', /status of 401/);
    await page.getByRole('button', { name: 'New product' }).first().click();
    const form = page.getByRole('dialog', { name: 'New product' });
    await form.getByRole('textbox', { name: 'Sku' }).fill('TEAPOT');
    await form.getByRole('textbox', { name: 'Name' }).fill('Teapot, iron');
    await page.context().clearCookies();
    await form.getByRole('button', { name: 'Save' }).click();
    const again = page.getByRole('dialog', { name: 'Sign in' });
    await again.getByText('Your session has ended').waitFor();
    expect(await violationsOf(page)).toEqual([]);
    await again.getByLabel('Name or e-mail address').and(page.locator(':focus')).waitFor();
    await page.keyboard.press('Escape');
    await page.keyboard.press('Escape');
    await signIn(page);
    await again.waitFor({ state: 'detached' });
    expect(await form.getByRole('textbox', { name: 'Name' }).inputValue()).toBe('Teapot, iron');
    await form.getByRole('button', { name: 'Save' }).click();
    await page.getByText('Made TEAPOT').waitFor();
    await page.getByRole('row').filter({ hasText: 'Teapot, iron' }).waitFor();
    expect(complaints).toEqual([]);
    await close();
  });

  test('what is late of who has left says nothing of who has come, and nothing of it can be taken back', async () => {
    const { page, complaints, close } = await signedIn('/locations', /status of 401/);
    await page.evaluate(async (password) => {
      const make = (path: string, body: object): Promise<Response> =>
        fetch(`/api/v1/${path}`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(body),
        });
      await make('people', { name: 'Mary', login: 'mary', password, scopes: ['admin'] });
      await make('locations', { code: 'WH001', name: 'Main', type: 'warehouse' });
    }, ADMIN.password);
    await page.getByRole('row').filter({ hasText: 'WH001' }).getByRole('gridcell').nth(1).click();
    await page.getByRole('button', { name: 'Deactivate' }).click();
    const undo = page.getByRole('button', { name: 'Undo' });
    await undo.waitFor();
    const release = [
      await holdNext(page, ['GET', '**/api/v1/session'], () =>
        page.evaluate(() => document.dispatchEvent(new Event('visibilitychange'))),
      ),
      await holdNext(
        page,
        ['PATCH', '**/api/v1/locations/WH001'],
        () => page.getByRole('button', { name: 'Activate', exact: true }).click(),
        401,
      ),
    ];
    await page.getByRole('button', { name: `Sign out ${ADMIN.name}` }).click();
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    await signIn(page, 'mary');
    const mary = page.getByRole('button', { name: 'Sign out Mary' });
    await mary.waitFor();
    expect(await undo.count()).toBe(0);
    for (const answer of release) await answer();
    // The command that was refused has been told.
    await page.getByRole('alert').first().waitFor();
    expect(await mary.isVisible()).toBe(true);
    expect(await page.getByRole('dialog').count()).toBe(0);
    expect(complaints).toEqual([]);
    await page.unrouteAll();
    await close();
  });

  test('what somebody may do follows what an admin says, while they are here', async () => {
    const { page, complaints, close } = await signedIn('/products', /status of 40[13]/);
    const as = (scopes: string[]): Promise<void> => setScopes(browser, server.address, { ...ADMIN, scopes });
    const button = page.getByRole('button', { name: 'New product' }).first();
    await button.click();
    const form = page.getByRole('dialog', { name: 'New product' });
    await form.getByRole('textbox', { name: 'Sku' }).fill('KETTLE');
    await form.getByRole('textbox', { name: 'Name' }).fill('Kettle');
    await as(['read']);
    await form.getByRole('button', { name: 'Save' }).click();
    await form.getByRole('alert').filter({ hasText: 'This needs the scope admin; yours: read.' }).waitFor();
    await page.keyboard.press('Escape');
    await button.waitFor({ state: 'detached' });
    for (const path of ['/products/import', '/people']) {
      await page.goto(path);
      await page.getByRole('heading', { name: 'This is not open to you' }).waitFor();
    }
    expect(await violationsOf(page)).toEqual([]);
    await as(['admin']);
    await page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));
    await page.getByRole('button', { name: 'New person' }).first().waitFor();
    expect(complaints).toEqual([]);
    await close();
  });

  test('where the session cannot be ended nobody is told that it was; where it is, every tab knows', async () => {
    const { page, complaints, close } = await signedIn('/', /status of 401|ERR_FAILED/);
    const other = await page.context().newPage();
    await other.goto('/locations');
    await other.locator('#main h1').waitFor();
    await page.route('**/api/v1/session', (route) => route.abort());
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('alert').filter({ hasText: 'The server does not answer' }).first().waitFor();
    await page.unroute('**/api/v1/session');
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    await other.getByRole('heading', { name: 'Sign in' }).waitFor();
    await other.close();
    expect(complaints).toEqual([]);
    await close();
  });

  test('who signs in is told that it cannot be done now, and their password stays', async () => {
    const { page, complaints, close } = await openPage(browser, server.address, {
      expected: /status of (401|503)|ERR_FAILED/,
    });
    await page.goto('/');
    const away = page.getByRole('status').filter({ hasText: 'Until it does nobody can sign in' });
    await page.route('**/health/ready', (route) =>
      route.fulfill({ status: 503, json: { reasons: ['The database does not answer.'] } }),
    );
    const look = (): Promise<boolean> => page.evaluate(() => dispatchEvent(new Event('online')));
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    await look();
    await away.getByText('The database does not answer.').waitFor();
    expect(await violationsOf(page)).toEqual([]);
    await page.route('**/api/v1/session', (route) => route.abort());
    await signIn(page);
    await page.getByRole('alert').filter({ hasText: 'The server does not answer' }).first().waitFor();
    expect(await page.locator('input[type="password"]').inputValue()).toBe(ADMIN.password);
    await page.unrouteAll();
    await look();
    await away.waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('button', { name: `Sign out ${ADMIN.name}` }).waitFor();
    expect(complaints).toEqual([]);
    await close();
  });
});

/** Does what asks for something, and keeps the answer back. Gives the way to let it come, as it was or as a refusal. */
async function holdNext(
  page: Page,
  [method, url]: readonly [string, string],
  act: () => Promise<unknown>,
  status?: number,
): Promise<() => Promise<void>> {
  let hold: ((route: Route) => void) | null = null;
  const held = new Promise<Route>((resolve) => (hold = resolve));
  await page.route(url, (route) => {
    if (hold === null || route.request().method() !== method) return route.fallback();
    hold(route);
    hold = null;
    return undefined;
  });
  await act();
  const route = await held;
  const response = await route.fetch();
  return async () => {
    await route.fulfill({ response, ...(status === undefined ? {} : { status }) });
    // By the time of the next answer that one has been read.
    await page.evaluate(() => fetch('/health/live'));
  };
}

/** What she may do is changed by another admin. */
async function setScopes(
  browser: Browser,
  address: string,
  admin: { login: string; password: string; scopes: string[] },
): Promise<void> {
  const { page, close } = await openPage(browser, address);
  await page.goto('/');
  const status = await page.evaluate(async ({ login, password, scopes }) => {
    const ask = (method: string, path: string, body?: object): Promise<Response> =>
      fetch(`/api/v1${path}`, {
        method,
        headers: { 'content-type': 'application/json' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
    const other = { name: 'Grace', login: 'grace', password, scopes: ['admin'] };
    await ask('POST', '/session', { login, password });
    await ask('POST', '/people', other);
    await ask('POST', '/session', { login: other.login, password });
    const { items } = (await (await ask('GET', '/people')).json()) as { items: { id: string; login: string }[] };
    const id = items.find((person) => person.login === login)?.id;
    return (await ask('PATCH', `/people/${id}`, { scopes })).status;
  }, admin);
  expect(status).toBe(200);
  await close();
}

/** A key that may only read, made by the admin in a page of her own. */
async function makeReader(
  browser: Browser,
  address: string,
  admin: { login: string; password: string },
): Promise<string> {
  const { page, close } = await openPage(browser, address);
  await page.goto('/');
  const key = await page.evaluate(async ({ login, password }) => {
    const headers = { 'content-type': 'application/json' };
    await fetch('/api/v1/session', { method: 'POST', headers, body: JSON.stringify({ login, password }) });
    const body = JSON.stringify({ name: 'reader', scopes: ['read'] });
    const answer = await fetch('/api/v1/api-keys', { method: 'POST', headers, body });
    return ((await answer.json()) as { key: string }).key;
  }, admin);
  await close();
  return key;
}
