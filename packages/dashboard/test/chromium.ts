import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome'];

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

export interface OpenOptions extends BrowserContextOptions {
  /** Complaints that the story asks for, such as the 401 of a wrong key. */
  expected?: RegExp;
}

/** Opens a page in a context of its own: no cookies, no storage. */
export async function openPage(browser: Browser, address: string, options: OpenOptions = {}): Promise<WatchedPage> {
  const { expected, ...context } = options;
  const own = await browser.newContext({ baseURL: address, locale: 'en-GB', timezoneId: 'UTC', ...context });
  const page = await own.newPage();
  const complaints: string[] = [];
  const complain = (text: string): void => {
    if (expected?.test(text) !== true) complaints.push(text);
  };
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complain(`${message.type()}: ${message.text()}`);
  });
  page.on('pageerror', (error) => complain(`exception: ${error.stack ?? error.message}`));
  page.on('dialog', (dialog) => {
    complain(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  await page.exposeFunction('holdfastComplain', complain);
  await page.addInitScript(() => {
    addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI, sourceFile }) => {
      const { holdfastComplain } = globalThis as unknown as { holdfastComplain: (text: string) => void };
      holdfastComplain(`policy: ${violatedDirective} ${blockedURI} ${sourceFile}`);
    });
  });
  return { page, complaints, close: () => own.close() };
}
