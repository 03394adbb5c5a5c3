// Takes the pictures of docs/images from a dashboard that is served: `node packages/dashboard/scripts/screenshots.ts URL`.
// With the data of the demo (`npm run demo -- --serve`), so that they show real orders.
import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { launchChromium } from '../test/chromium.ts';

interface Picture {
  name: string;
  path: string;
  scheme?: 'dark';
  isPhone?: boolean;
  /** For figures that need a few samples. */
  settleMs?: number;
  /** What is done before it is taken. */
  act?: (page: Page) => Promise<void>;
}

const OUT = fileURLToPath(new URL('../../../docs/images/', import.meta.url));
const DESKTOP = { width: 1280, height: 800 };
const PHONE = { width: 390, height: 780 };
/** For the charts, and for what is live. */
const SETTLE_MS = 2_500;

const address = process.argv[2];
if (address === undefined) {
  console.error('usage: node packages/dashboard/scripts/screenshots.ts http://127.0.0.1:8080 [sku]');
  process.exit(2);
}
const sku = process.argv[3] ?? (await busiestProduct(address));
const product = `/inventory/${encodeURIComponent(sku)}`;

const PICTURES: Picture[] = [
  { name: 'home', path: '/' },
  { name: 'home-dark', path: '/', scheme: 'dark' },
  { name: 'home-phone', path: '/', isPhone: true },
  { name: 'inventory', path: '/inventory?sort=-onHand' },
  { name: 'product', path: product },
  { name: 'product-dark', path: product, scheme: 'dark' },
  {
    name: 'adjust',
    path: product,
    act: async (page) => {
      await page.getByRole('button', { name: 'Adjust', exact: true }).first().click();
      const dialog = page.getByRole('dialog');
      await dialog.getByText('Take out').click();
      await dialog.getByRole('textbox', { name: 'Units' }).fill('3');
    },
  },
  { name: 'reservations', path: '/reservations' },
  { name: 'alerts', path: '/alerts' },
  { name: 'events', path: '/events', scheme: 'dark' },
  { name: 'jobs', path: '/jobs' },
  { name: 'jobs-dark', path: '/jobs', scheme: 'dark' },
  { name: 'jobs-phone', path: '/jobs', isPhone: true },
  {
    name: 'job-form',
    path: '/jobs',
    act: async (page) => {
      await page.getByRole('button', { name: 'New job' }).click();
      const dialog = page.getByRole('dialog');
      await dialog.getByLabel('Name').fill('Nightly snapshot');
      await dialog.getByRole('combobox', { name: 'What it does' }).click();
      await page.getByRole('option', { name: 'Take a snapshot of the stock' }).click();
      await dialog.getByText('Workdays at 6').click();
    },
  },
  { name: 'jobs-timeline', path: '/jobs/next' },
  { name: 'jobs-graph', path: '/jobs/graph', scheme: 'dark' },
  { name: 'runs', path: '/jobs/runs' },
  { name: 'system', path: '/system', settleMs: 15_000 },
];

await mkdir(OUT, { recursive: true });
const browser = await launchChromium();
try {
  for (const { name, path, scheme = 'light', isPhone = false, settleMs = SETTLE_MS, act } of PICTURES) {
    const context = await browser.newContext({
      baseURL: address,
      colorScheme: scheme,
      viewport: isPhone ? PHONE : DESKTOP,
      locale: 'en-GB',
      reducedMotion: 'reduce',
    });
    // The offer of the first run is for who has just begun.
    await context.addInitScript(() => sessionStorage.setItem('holdfast.firstRun.putOff', 'yes'));
    const page = await context.newPage();
    await page.goto(path);
    await page.locator('#main h1').first().waitFor();
    await act?.(page);
    await page.waitForTimeout(settleMs);
    await page.screenshot({ path: `${OUT}dashboard-${name}.png` });
    await context.close();
    console.log(`docs/images/dashboard-${name}.png`);
  }
} finally {
  await browser.close();
}

/** One that was reserved a moment ago: its page shows the most. */
async function busiestProduct(base: string): Promise<string> {
  const answer = await fetch(`${base}/api/v1/ledger?limit=200`);
  const { items } = (await answer.json()) as { items: { sku: string }[] };
  const counts = new Map<string, number>();
  for (const item of items) counts.set(item.sku, (counts.get(item.sku) ?? 0) + 1);
  const [busiest] = [...counts].sort(([, left], [, right]) => right - left);
  if (busiest === undefined) throw new Error('nothing ever moved there: begin with the demo');
  return busiest[0];
}
