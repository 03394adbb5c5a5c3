import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core';

// The shell is the same engine without a browser's own windows, and takes a fifth less of the processors.
const NAMES = ['chromium-headless-shell', 'chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome'];

/** The machine's own browser: of CHROMIUM_PATH, else on the PATH. Null where there is none; its suites are then skipped by name. */
export const CHROMIUM = process.env['CHROMIUM_PATH'] ?? findOnPath();

function findOnPath(): string | null {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  return folders.flatMap((folder) => NAMES.map((name) => join(folder, name))).find(isExecutable) ?? null;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

export async function launchChromium(): Promise<Browser> {
  if (CHROMIUM === null) throw new Error('there is no Chromium on the PATH, and CHROMIUM_PATH is not set');
  // Run by root, it has no sandbox of its own; --disable-dev-shm-usage is for containers with a small /dev/shm.
  return chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox', '--disable-dev-shm-usage'] });
}

/** A page, and what its browser complained about. */
export interface WatchedPage {
  page: Page;
  /** Console errors, exceptions, breaches of the policy and dialogs, in order. */
  complaints: string[];
  close: () => Promise<void>;
}

export interface OpenOptions {
  /** Complaints that the story asks for, such as the 401 of a wrong key. */
  expected?: RegExp;
  colorScheme?: 'light' | 'dark';
  reducedMotion?: 'reduce' | 'no-preference';
  /** What its tab remembers from before. */
  session?: Readonly<Record<string, string>>;
}

/** A tab in a context of its own. Done with, it waits for the next story: making one costs more than a page in it. */
interface Tab {
  page: Page;
  context: BrowserContext;
  address: string;
  /** Told what the browser complains about. */
  complain: (text: string) => void;
}

const idleTabs = new WeakMap<Browser, Tab[]>();
/** Here a page of the dashboard has ended: nothing runs, and nothing is called. */
const NOWHERE = '/health/live';
const SIZE = { width: 1280, height: 720 };

/** Opens a page as in a browser that was never used: no cookies, no storage. What scripts it knows already is its secret. */
export async function openPage(browser: Browser, address: string, options: OpenOptions = {}): Promise<WatchedPage> {
  const { expected, colorScheme = 'light', reducedMotion = 'no-preference', session = {} } = options;
  const idle = idleTabs.get(browser) ?? [];
  idleTabs.set(browser, idle);
  const found = idle.findIndex((tab) => tab.address === address);
  const tab = found >= 0 ? idle.splice(found, 1)[0]! : await makeTab(browser, address);
  const complaints: string[] = [];
  tab.complain = (text) => {
    if (expected?.test(text) !== true) complaints.push(text);
  };
  await tab.page.emulateMedia({ colorScheme, reducedMotion });
  await tab.page.evaluate((items) => {
    for (const [name, value] of Object.entries(items)) sessionStorage.setItem(name, value);
  }, session);
  const close = async (): Promise<void> => {
    await forget(tab);
    idle.push(tab);
  };
  return { page: tab.page, complaints, close };
}

async function makeTab(browser: Browser, address: string): Promise<Tab> {
  const context = await browser.newContext({ baseURL: address, locale: 'en-GB', timezoneId: 'UTC', viewport: SIZE });
  const page = await context.newPage();
  const tab: Tab = { page, context, address, complain: () => undefined };
  page.on('console', (message) => {
    const type = message.type();
    if (type === 'error' || type === 'warning') tab.complain(`${type}: ${message.text()}`);
  });
  page.on('pageerror', (error) => tab.complain(`exception: ${error.stack ?? error.message}`));
  page.on('dialog', (dialog) => {
    tab.complain(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  await page.exposeFunction('holdfastComplain', (text: string) => tab.complain(text));
  await page.addInitScript(() => {
    addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI, sourceFile }) => {
      const { holdfastComplain } = globalThis as unknown as { holdfastComplain: (text: string) => void };
      holdfastComplain(`policy: ${violatedDirective} ${blockedURI} ${sourceFile}`);
    });
  });
  await page.goto(NOWHERE);
  return tab;
}

/**
 * Goes to an address, and waits until its page is there with all that it asks for. It is looked for in every frame; a
 * locator that has waited for a quarter of a second looks twice a second.
 */
export async function visit(page: Page, path: string): Promise<void> {
  await page.goto(path);
  await page.waitForFunction(
    () => document.querySelector('#main h1') !== null && document.querySelector('[aria-busy="true"]') === null,
  );
}

/** Leaves nothing behind of what was done in a tab. */
async function forget({ page, context }: Tab): Promise<void> {
  await page.goto(NOWHERE);
  await page.evaluate(() => {
    localStorage.clear();
    sessionStorage.clear();
  });
  await context.clearCookies();
  await page.mouse.move(0, 0);
  await page.setViewportSize(SIZE);
}
