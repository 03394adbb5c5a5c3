import { shortageOf } from '../../engine/index.ts';
import { toRfc3339 } from '../../kernel/clock.ts';
import { markup, type Markup } from './markup.ts';
import { PAGE_STYLE } from './page.style.ts';
import type { ReorderLine, ReorderTotals } from './reorder.lines.ts';

export interface ReorderPage {
  jobName: string;
  atMs: number;
  days: number;
  coverDays: number;
  currency: string;
  totals: ReorderTotals;
  /** The first of them, the most urgent first. */
  lines: readonly ReorderLine[];
}

/** Nothing from elsewhere is loaded, and nothing runs: the page may be sent by mail, and opened from a disk. */
const POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

const BRAND = markup`<div class="brand"><svg width="22" height="22" viewBox="0 0 32 32" aria-hidden="true">
<rect width="32" height="32" rx="7" fill="#2457c5"/>
<path d="M9 7v18M23 7v18M9 16h14" fill="none" stroke="#fff" stroke-width="3.4" stroke-linecap="round"/>
<circle cx="16" cy="16" r="3.6" fill="#2457c5" stroke="#fff" stroke-width="2.6"/></svg>Holdfast</div>`;

/** The report as a page that stands alone, piece by piece. */
export function* reorderPage(page: ReorderPage): Generator<string, void> {
  const { totals, lines } = page;
  yield documentHead(page).text;
  yield heading(page).text;
  if (lines.length === 0) {
    yield '<p>Nothing is at or below its reorder point.</p>\n';
  } else {
    yield tableHead(page).text;
    for (const line of lines) yield rowOf(line).text;
    yield '</tbody>\n</table>\n</div>\n';
    yield legend().text;
  }
  const more = totals.levels - lines.length;
  if (more > 0) yield markup`<p class="dim">${grouped(more)} more are in the CSV file of this run.</p>\n`.text;
  yield '</main>\n</body>\n</html>\n';
}

function documentHead({ jobName, atMs }: ReorderPage): Markup {
  return markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>To reorder: ${jobName}, ${timeText(atMs)}</title>
<style>${PAGE_STYLE}</style>
</head>
<body>
<main>
`;
}

function heading({ jobName, atMs, days, coverDays, currency, totals }: ReorderPage): Markup {
  const figures: [string, string][] = [
    ['Levels', grouped(totals.levels)],
    ['Out of stock', grouped(totals.outOfStock)],
    ['To order', grouped(totals.toOrder)],
    ['Units to order', grouped(totals.suggestedUnits)],
    [`Cost, ${currency}`, money(totals.suggestedCost)],
  ];
  const tiles = figures.map(([name, value]) => markup`<div><dt>${name}</dt><dd>${value}</dd></div>`);
  return markup`<header>
${BRAND}
<h1>To reorder</h1>
<p class="dim"><bdi>${jobName}</bdi> · ${timeText(atMs)}</p>
</header>
<dl>${tiles}</dl>
<p class="dim">Levels at or below their reorder point, and those without one that ran out and sold in the last
${grouped(days)} days. What is suggested covers ${grouped(coverDays)} days of such sales, counts what is incoming, and
keeps to reorder quantity and maximum level.</p>
`;
}

function tableHead({ totals, lines, currency }: ReorderPage): Markup {
  const { length } = lines;
  const shown = length < totals.levels ? `The ${grouped(length)} most urgent of ${grouped(totals.levels)}` : 'All';
  const numbers = ['Available', 'Incoming', 'Reorder point', 'Sold per day', 'Days of supply', 'Order'];
  const columns = [...numbers, `Cost, ${currency}`].map((name) => markup`<th scope="col" class="number">${name}</th>`);
  return markup`<div class="wide" role="region" aria-label="Levels to reorder" tabindex="0">
<table>
<caption>${shown}, those that are gone soonest first.</caption>
<thead>
<tr><th scope="col">Product</th><th scope="col">Location</th><th scope="col">Level</th>${columns}</tr>
</thead>
<tbody>
`;
}

function rowOf(line: ReorderLine): Markup {
  const { sku, name, location, available, incoming, reorderPoint, soldPerDay, daysOfSupply, suggested, cost } = line;
  const state = available <= 0 ? markup`<span class="out">● out</span>` : markup`<span class="low">◐ low</span>`;
  const numbers: (string | Markup)[] = [
    grouped(available),
    grouped(incoming),
    orDash(reorderPoint),
    grouped(soldPerDay),
    orDash(daysOfSupply),
    markup`<b>${grouped(suggested)}</b>`,
    cost === null ? '–' : money(cost),
  ];
  const cells = numbers.map((number) => markup`<td class="number">${number}</td>`);
  return markup`<tr><th scope="row"><b>${sku}</b><bdi>${name}</bdi></th><td>${location}</td>
<td>${state}${barOf(line)}</td>${cells}</tr>
`;
}

/** Committed, reserved, safety and available fill what is on hand, in this order: the picture of the dashboard. */
function barOf(line: ReorderLine): Markup {
  let left = line.onHand;
  const take = (units: number): number => {
    const taken = Math.min(left, Math.max(0, units));
    left -= taken;
    return taken;
  };
  const parts: [string, number][] = [
    ['shortage', shortageOf(line)],
    ['committed', take(line.committed)],
    ['reserved', take(line.reserved)],
    ['safety', take(line.safetyStock)],
    ['available', left],
    ['incoming', line.incoming],
  ];
  const seen = parts.filter(([, units]) => units > 0);
  const whole = Math.max(
    seen.reduce((sum, [, units]) => sum + units, 0),
    line.reorderPoint ?? 0,
  );
  const label = seen.length === 0 ? 'nothing' : seen.map(([part, units]) => `${part} ${grouped(units)}`).join(', ');
  // Something that is there is seen, however small its share.
  const percent = (units: number): number => Math.max(2, Math.round((units / whole) * 100));
  const spans = seen.map(([part, units]) => markup`<span class="${part}" style="width:${percent(units)}%"></span>`);
  return markup`<div class="bar" role="img" aria-label="${label}" title="${label}">${spans}</div>`;
}

function legend(): Markup {
  const parts = ['committed', 'reserved', 'safety', 'available', 'incoming', 'shortage'];
  const items = parts.map((part) => markup`<li><span class="key ${part}" aria-hidden="true"></span>${part}</li>`);
  return markup`<ul class="legend" aria-label="Legend">${items}</ul>\n`;
}

function grouped(value: number): string {
  return value.toLocaleString('en');
}

function money(value: number): string {
  return value.toLocaleString('en', { minimumFractionDigits: 2, maximumFractionDigits: 2 });
}

function orDash(value: number | null): string {
  return value === null ? '–' : grouped(value);
}

/** 2026-11-20 10:00 UTC */
function timeText(epochMs: number): string {
  return `${toRfc3339(epochMs).slice(0, 16).replace('T', ' ')} UTC`;
}
