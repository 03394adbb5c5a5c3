import { shortageOf } from '../../engine/index.ts';
import { toRfc3339 } from '../../kernel/clock.ts';
import { html, type Html } from './html.text.ts';
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

/** The report as a page that stands alone, piece by piece. */
export function* reorderPage(page: ReorderPage): Generator<string, void> {
  const { jobName, atMs, totals, lines } = page;
  const at = timeText(atMs);
  yield html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta http-equiv="Content-Security-Policy" content="${POLICY}" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="robots" content="noindex" />
        <title>To reorder: ${jobName}, ${at}</title>
      </head>
    </html> `.text;
  yield `<style>${PAGE_STYLE}</style>\n</head>\n<body>\n`;
  yield headOf(page, at).text;
  if (lines.length === 0) {
    yield '<p>Nothing is at or below its reorder point.</p>\n';
  } else {
    yield tableHead(page).text;
    for (const line of lines) yield rowOf(line).text;
    yield '</tbody>\n</table>\n</div>\n';
    yield LEGEND.text;
  }
  if (totals.levels > lines.length) {
    yield html`<p class="dim">${grouped(totals.levels - lines.length)} more are in the CSV file of this run.</p> `.text;
  }
  yield '</body>\n</html>\n';
}

function headOf({ jobName, days, coverDays, currency, totals }: ReorderPage, at: string): Html {
  const figures: [string, string][] = [
    ['Levels', grouped(totals.levels)],
    ['Out of stock', grouped(totals.outOfStock)],
    ['To order', grouped(totals.toOrder)],
    ['Units to order', grouped(totals.suggestedUnits)],
    [`Cost, ${currency}`, money(totals.suggestedCost)],
  ];
  return html`<header>
      <div class="brand">
        <svg width="22" height="22" viewBox="0 0 32 32" aria-hidden="true">
          <rect width="32" height="32" rx="7" fill="#2457c5" />
          <path d="M9 7v18M23 7v18M9 16h14" fill="none" stroke="#fff" stroke-width="3.4" stroke-linecap="round" />
          <circle cx="16" cy="16" r="3.6" fill="#2457c5" stroke="#fff" stroke-width="2.6" /></svg
        >Holdfast
      </div>
      <h1>To reorder</h1>
      <p class="dim"><bdi>${jobName}</bdi> · ${at}</p>
    </header>
    <dl>
      ${figures.map(
        ([name, value]) =>
          html`<div>
            <dt>${name}</dt>
            <dd>${value}</dd>
          </div>`,
      )}
    </dl>
    <p class="dim">
      Levels at or below their reorder point, and those without one that ran out and sold in the last ${grouped(days)}
      days. What is suggested covers ${grouped(coverDays)} days of such sales, counts what is incoming, and keeps to
      reorder quantity and maximum level.
    </p> `;
}

function tableHead({ totals, lines, currency }: ReorderPage): Html {
  const shown =
    lines.length < totals.levels ? `The ${grouped(lines.length)} most urgent of ${grouped(totals.levels)}` : 'All';
  return html`<div class="wide">
    <table>
      <caption>
        ${shown}, those that are gone soonest first.
      </caption>
      <thead>
        <tr>
          <th scope="col">Product</th>
          <th scope="col">Location</th>
          <th scope="col">Level</th>
          <th scope="col" class="number">Available</th>
          <th scope="col" class="number">Incoming</th>
          <th scope="col" class="number">Reorder point</th>
          <th scope="col" class="number">Sold per day</th>
          <th scope="col" class="number">Days of supply</th>
          <th scope="col" class="number">Order</th>
          <th scope="col" class="number">Cost, ${currency}</th>
        </tr>
      </thead>
      <tbody></tbody>
    </table>
  </div> `;
}

function rowOf(line: ReorderLine): Html {
  const { sku, name, location, available, incoming, reorderPoint, soldPerDay, daysOfSupply, suggested, cost } = line;
  const state = available <= 0 ? html`<span class="out">● out</span>` : html`<span class="low">◐ low</span>`;
  return html`<tr>
    <th scope="row"><b>${sku}</b><bdi>${name}</bdi></th>
    <td>${location}</td>
    <td>${state}${barOf(line)}</td>
    <td class="number">${grouped(available)}</td>
    <td class="number">${grouped(incoming)}</td>
    <td class="number">${orDash(reorderPoint)}</td>
    <td class="number">${grouped(soldPerDay)}</td>
    <td class="number">${orDash(daysOfSupply)}</td>
    <td class="number suggested">${grouped(suggested)}</td>
    <td class="number">${cost === null ? '–' : money(cost)}</td>
  </tr> `;
}

/** Committed, reserved, safety and available fill what is on hand, in this order: the picture of the dashboard. */
function barOf(line: ReorderLine): Html {
  let left = line.onHand;
  const take = (units: number): number => {
    const taken = Math.min(left, Math.max(0, units));
    left -= taken;
    return taken;
  };
  const shortage = shortageOf(line);
  const parts: [string, number][] = [
    ['shortage', shortage],
    ['committed', take(line.committed)],
    ['reserved', take(line.reserved)],
    ['safety', take(line.safetyStock)],
    ['available', left],
    ['incoming', line.incoming],
  ];
  const whole = Math.max(1, line.onHand + shortage + line.incoming, line.reorderPoint ?? 0);
  const seen = parts.filter(([, units]) => units > 0);
  const label = seen.map(([part, units]) => `${part} ${grouped(units)}`).join(', ');
  const spans = seen.map(
    ([part, units]) =>
      html`<span class="${part}" style="width:${Math.max(2, Math.round((units / whole) * 100))}%"></span>`,
  );
  return html`<div class="bar" role="img" aria-label="${label === '' ? 'nothing' : label}" title="${label}">
    ${spans}
  </div>`;
}

const LEGEND = html`<ul class="legend" aria-label="Legend">
  ${['committed', 'reserved', 'safety', 'available', 'incoming', 'shortage'].map(
    (part) => html`<li><span class="key ${part}" aria-hidden="true"></span>${part}</li>`,
  )}
</ul> `;

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
