import { grouped } from '../figures.ts';
import type { DemoClient } from './demo.client.ts';
import type { DemoDataset } from './demo.dataset.ts';
import type { ReplayFigures } from './demo.replay.ts';

/** The figures of a demo, as --json prints them. */
export interface DemoSummary extends ReplayFigures {
  linesRead: number;
  skipped: Record<string, number>;
  skippedLines: number;
  products: number;
  shortProducts: number;
  alertsOpened: Record<string, number>;
  apiCalls: number;
  apiCallsPerSecond: number;
  ordersPerSecond: number;
  /** By command, in milliseconds. */
  latencyMs: Record<string, { count: number; p50: number; p99: number }>;
  /** null: the server's database is out of reach from here. */
  verifiedClean: boolean | null;
}

interface AlertPage {
  items: { type: string; openedAt: string }[];
  nextCursor: string | null;
}

/** How many alerts opened from an instant on, by type. */
export async function countAlerts(client: DemoClient, sinceMs: number): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  let cursor = '';
  for (;;) {
    const page = (await client.get(`/alerts?limit=200${cursor}`)) as AlertPage;
    for (const { type, openedAt } of page.items) {
      if (Date.parse(openedAt) < sinceMs) return counts;
      counts[type] = (counts[type] ?? 0) + 1;
    }
    if (page.nextCursor === null) return counts;
    cursor = `&cursor=${page.nextCursor}`;
  }
}

export function summarize(
  client: DemoClient,
  data: DemoDataset,
  figures: ReplayFigures,
  rest: Pick<DemoSummary, 'apiCalls' | 'alertsOpened' | 'shortProducts' | 'verifiedClean'>,
): DemoSummary {
  const seconds = figures.durationMs / 1000;
  return {
    ...figures,
    linesRead: data.linesRead,
    skipped: data.skipped,
    skippedLines: Object.values(data.skipped).reduce((sum, lines) => sum + lines, 0),
    products: data.products.length,
    ...rest,
    apiCallsPerSecond: Math.round(rest.apiCalls / seconds),
    ordersPerSecond: Math.round((figures.orders.asked / seconds) * 10) / 10,
    latencyMs: Object.fromEntries([...client.durations].map(([what, durations]) => [what, percentiles(durations)])),
  };
}

function percentiles(durations: readonly number[]): { count: number; p50: number; p99: number } {
  const sorted = durations.toSorted((left, right) => left - right);
  const at = (share: number): number => {
    const value = sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
    return Math.round(value * 10) / 10;
  };
  return { count: sorted.length, p50: at(0.5), p99: at(0.99) };
}

/** The figures for people. */
export function inWords(summary: DemoSummary): string {
  const { orders, units, returns, writeOffs } = summary;
  const latency = Object.entries(summary.latencyMs).map(([what, { p50, p99 }]) => `${what} ${p50} / ${p99}`);
  const alerts = Object.values(summary.alertsOpened).reduce((sum, value) => sum + value, 0);
  return [
    '',
    `Orders      ${grouped(orders.asked)} with ${grouped(orders.lines)} lines: ${grouped(orders.whole)} whole, ` +
      `${grouped(orders.partial)} refused for lack of stock and taken in part, ${grouped(orders.refused)} refused altogether`,
    `Units       ${grouped(units.ordered)} ordered, ${grouped(units.shipped)} shipped, ${grouped(units.short)} were not there`,
    `Shipped     ${list(units.byWarehouse)}`,
    `Returns     ${grouped(returns.units)} units in ${grouped(returns.lines)} lines`,
    `Write-offs  ${grouped(writeOffs.units)} units in ${grouped(writeOffs.lines)} lines` +
      (writeOffs.refused > 0 ? `; ${grouped(writeOffs.refused)} refused: more than was on hand` : ''),
    `Catalog     ${grouped(summary.products)} products, ${grouped(summary.shortProducts)} of them received too little of`,
    `Alerts      ${grouped(alerts)} opened${alerts > 0 ? `: ${list(summary.alertsOpened)}` : ''}`,
    `Left out    ${grouped(summary.skippedLines)} of ${grouped(summary.linesRead)} lines that are no goods: ` +
      list(summary.skipped),
    `Speed       ${grouped(summary.ordersPerSecond)} orders/s, ${grouped(summary.apiCallsPerSecond)} API calls/s, ` +
      `${(summary.durationMs / 1000).toFixed(1)} s`,
    `Latency     in ms, median / 99th: ${latency.join(', ')}`,
    '',
  ].join('\n');
}

function list(counts: Record<string, number>): string {
  const parts = Object.entries(counts).map(([name, value]) => `${name} ${grouped(value)}`);
  return parts.join(', ');
}
