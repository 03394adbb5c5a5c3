import { markup } from './markup.ts';

/** The dashboard's colours and patterns, for a page that stands alone: on a screen in either theme, and on paper. */
export const PAGE_STYLE = markup`
:root {
  color-scheme: light dark;
  --ground: #ffffff; --sunken: #f6f7f9; --track: #f0f2f5; --line: #e1e4e9; --text: #1b1f24; --dim: #5b6470;
  --bad: #b42318; --warn: #8a4b00;
  --committed: #2f6fd6; --reserved: #c26a14; --safety: #a55ba8; --available: #12897a; --shortage: #d13d32;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #14161a; --sunken: #1b1e24; --track: #20242b; --line: #2b3038; --text: #e4e7eb; --dim: #9aa3af;
    --bad: #ff9d92; --warn: #f0b25c;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; padding: 24px; max-width: 1280px; background: var(--ground); color: var(--text);
  font: 13px/1.45 system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif;
}
.brand { display: flex; gap: 8px; align-items: center; font-size: 15px; font-weight: 600; }
h1 { margin: 16px 0 2px; font-size: 20px; font-weight: 600; }
.dim, caption, dt { color: var(--dim); }
p { margin: 4px 0; max-width: 80ch; }
dl { display: flex; flex-wrap: wrap; gap: 8px; margin: 16px 0; }
dl div { flex: 1 1 140px; padding: 8px 12px; border: 1px solid var(--line); border-radius: 6px; background: var(--sunken); }
dd { margin: 0; font-size: 20px; font-weight: 600; font-variant-numeric: tabular-nums; }
.wide { overflow-x: auto; }
table { width: 100%; border-collapse: collapse; }
caption { padding: 4px 0 8px; text-align: left; }
th, td { padding: 6px 8px; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; }
thead th { color: var(--dim); font-size: 12px; font-weight: 600; vertical-align: bottom; white-space: nowrap; }
tbody th { min-width: 180px; font-weight: 400; overflow-wrap: anywhere; }
tbody th b { display: block; font-weight: 600; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.out { color: var(--bad); font-weight: 600; white-space: nowrap; }
.low { color: var(--warn); font-weight: 600; white-space: nowrap; }
.bar { display: flex; width: 120px; height: 10px; margin-top: 4px; overflow: hidden; border-radius: 3px; background: var(--track); }
.bar span, .key { flex: none; background-color: var(--part); print-color-adjust: exact; -webkit-print-color-adjust: exact; }
.bar span + span { box-shadow: inset 1px 0 0 var(--ground); }
.committed { --part: var(--committed); }
.reserved { --part: var(--reserved); background-image: repeating-linear-gradient(135deg, transparent 0 3px, rgb(255 255 255 / 55%) 3px 4.5px); }
.safety { --part: var(--safety); background-image: radial-gradient(rgb(255 255 255 / 75%) 1px, transparent 1.3px); background-size: 5px 5px; }
.available { --part: var(--available); }
.incoming { --part: transparent; border: 1.5px dashed var(--available); }
.shortage { --part: var(--shortage); background-image: repeating-linear-gradient(45deg, transparent 0 2px, rgb(255 255 255 / 60%) 2px 3px); border-right: 2px solid var(--text); }
.legend { display: flex; flex-wrap: wrap; gap: 4px 16px; margin: 12px 0; padding: 0; color: var(--dim); font-size: 12px; list-style: none; }
.legend li { display: inline-flex; gap: 6px; align-items: center; }
.key { width: 12px; height: 12px; border-radius: 3px; }
@media (max-width: 700px) { body { padding: 12px; } }
@media print {
  @page { margin: 12mm; size: landscape; }
  :root {
    --ground: #ffffff; --sunken: #ffffff; --track: #f0f2f5; --line: #c6ccd5; --text: #000000; --dim: #444c58;
    --bad: #b42318; --warn: #8a4b00; color-scheme: light;
  }
  body { max-width: none; padding: 0; font-size: 10pt; }
  .wide { overflow: visible; }
  thead { display: table-header-group; }
  tr, dl div { break-inside: avoid; }
}
`;
