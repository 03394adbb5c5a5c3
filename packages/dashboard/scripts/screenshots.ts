// Takes the pictures of docs/images from a dashboard that is served: `node packages/dashboard/scripts/screenshots.ts URL`.
// With the data of the demo (`npm run demo -- --serve`), so that they show real orders. It makes some holds and jobs there.
import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { launchChromium } from '../test/chromium.ts';

interface Picture {
  name: string;
  path: string;
  isPhone?: boolean;
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
const sku = process.argv[3] ?? (await busiestProduct());
const product = `/inventory/${encodeURIComponent(sku)}`;

const PICTURES: Picture[] = [
  { name: 'home', path: '/' },
  { name: 'home-phone', path: '/', isPhone: true },
  { name: 'product', path: product },
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
  { name: 'jobs', path: '/jobs' },
];

await makeHolds();
await makeJobs();
await mkdir(OUT, { recursive: true });
const browser = await launchChromium();
try {
  for (const { name, path, isPhone = false, act } of PICTURES) {
    const context = await browser.newContext({
      baseURL: address,
      colorScheme: 'light',
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
    await page.waitForTimeout(SETTLE_MS);
    await page.screenshot({ path: `${OUT}dashboard-${name}.png` });
    await context.close();
    console.log(`docs/images/dashboard-${name}.png`);
  }
} finally {
  await browser.close();
}

/** One that has moved a lot: its page shows the most. */
async function busiestProduct(): Promise<string> {
  const { items } = await get<{ items: { sku: string }[] }>('/ledger?limit=200');
  const counts = new Map<string, number>();
  for (const item of items) counts.set(item.sku, (counts.get(item.sku) ?? 0) + 1);
  const [busiest] = [...counts].sort(([, left], [, right]) => right - left);
  if (busiest === undefined) throw new Error('nothing ever moved there: begin with the demo');
  return busiest[0];
}

/** Orders that are under way: held for some minutes, every third of them confirmed. */
async function makeHolds(): Promise<void> {
  const { items } = await get<{ items: { sku: string; available: number }[] }>('/inventory?sort=-available&limit=100');
  const skus = [sku, sku, sku, ...items.filter(({ available }) => available > 50).map((item) => item.sku)];
  for (const [index, each] of skus.entries()) {
    const lines = [{ sku: each, quantity: 2 + ((index * 7) % 11) }];
    const ttlSeconds = 40 + ((index * 37) % 860);
    const { id } = await post('/reservations', { lines, orderId: String(538_000 + index), ttlSeconds });
    if (index % 3 === 1) await post(`/reservations/${id}/confirm`, {});
  }
}

/** Jobs as a shop has them, once, each with a run. */
async function makeJobs(): Promise<void> {
  const { items } = await get<{ items: object[] }>('/jobs?search=night');
  if (items.length > 0) return;
  const timeZone = 'Europe/Berlin';
  const snapshot = await post('/jobs', {
    name: 'Stock of the night',
    type: 'stock_snapshot',
    schedule: '30 2 * * *',
    timeZone,
  });
  await post('/jobs', { name: 'What to order', type: 'reorder_report', dependencies: [snapshot.id] });
  const jobs = [
    { name: 'Counts of the week', type: 'cycle_count_plan', schedule: '0 5 * * 1', timeZone },
    { name: 'Ledger for the accountants', type: 'export_ledger', schedule: '0 4 1 * *', timeZone, priority: 'low' },
  ];
  for (const job of jobs) await post(`/jobs/${(await post('/jobs', job)).id}/run`, {});
  await post(`/jobs/${snapshot.id}/run`, {});
}

async function get<Body>(path: string): Promise<Body> {
  return (await (await fetch(`${address}/api/v1${path}`)).json()) as Body;
}

async function post(path: string, body: object): Promise<{ id: string }> {
  const headers = { 'content-type': 'application/json' };
  const answer = await fetch(`${address}/api/v1${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(`POST ${path}: ${answer.status} ${await answer.text()}`);
  return (await answer.json()) as { id: string };
}
