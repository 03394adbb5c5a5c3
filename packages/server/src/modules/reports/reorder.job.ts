import { Type, type Static } from 'typebox';
import { toRfc3339 } from '../../kernel/clock.ts';
import type { Database } from '../../platform/database/index.ts';
import { Shape, text, Whole } from '../../platform/http/schemas.ts';
import { defineJobType, type JobType, type RunContext } from '../../platform/jobs/index.ts';
import { requireNames, streamRows } from '../exports/index.ts';
import { csvHead, csvRows, keepText } from '../run.files.ts';
import { REORDER_COLUMNS, ReorderTally, type ReorderLine } from './reorder.lines.ts';
import { reorderPage } from './reorder.page.ts';
import { selectReorder } from './reorder.sql.ts';
import { LOCATIONS } from './report.config.ts';

export interface ReportJobDeps {
  database: Database;
  /** ISO 4217, for the page. */
  currency: string;
}

const DAY_MS = 86_400_000;

const Config = Shape({
  locations: LOCATIONS,
  categories: Type.Optional(
    Type.Array(text(200), {
      minItems: 1,
      maxItems: 1_000,
      uniqueItems: true,
      description: 'Only products of these categories. Absent: of all.',
      examples: [['kitchen']],
    }),
  ),
  days: Whole(1, 365, {
    default: 30,
    description: 'Sales of so many days of 24 hours, up to the time of the run, count.',
  }),
  coverDays: Whole(1, 365, { default: 30, description: 'What is suggested should last so many days of such sales.' }),
  pageRows: Whole(1, 2_000, { default: 500, description: 'The page shows so many levels; the CSV file has all.' }),
});

export function reorderReportJob(deps: ReportJobDeps): JobType {
  return defineJobType({
    name: 'reorder_report',
    title: 'Report what to reorder',
    description:
      'Lists the levels at or below their reorder point with what they sold, how long they last and how much to order, ' +
      'as a CSV file and as a page. The result counts them and sums what is suggested.',
    config: Config,
    concurrency: 2,
    defaults: { timeoutMs: 3_600_000, retries: 3 },
    run: (context) => reportReorder(context, deps),
  });
}

async function reportReorder(
  context: RunContext<Static<typeof Config>>,
  { database, currency }: ReportJobDeps,
): Promise<object> {
  const { jobName, config } = context;
  const { locations, categories, days, coverDays, pageRows } = config;
  await requireNames(database, { locations });
  // Every attempt looks at the sales that the first would have.
  const { at } = await context.once('window', (_tx, nowMs) => Promise.resolve({ at: nowMs }));
  const fromMs = at - days * DAY_MS;
  const tally = new ReorderTally({ days, coverDays });
  const first: ReorderLine[] = [];

  async function* csv(): AsyncGenerator<string, void> {
    yield csvHead(REORDER_COLUMNS);
    const query = selectReorder({ locations, categories, fromMs, toMs: at });
    for await (const rows of streamRows(database, query, { isReport: true, signal: context.signal })) {
      const lines = rows.map((row) => tally.take(row));
      first.push(...lines.slice(0, pageRows - first.length));
      yield csvRows(REORDER_COLUMNS, lines);
      context.progress(null, `${tally.totals().levels} levels`);
    }
  }

  const table = await keepText(context, { name: 'reorder', format: 'csv' }, csv());
  const totals = tally.totals();
  const page = { jobName, atMs: at, days, coverDays, currency, totals, lines: first };
  const shown = await keepText(context, { name: 'reorder', format: 'html' }, reorderPage(page));
  return { at: toRfc3339(at), from: toRfc3339(fromMs), days, coverDays, ...totals, files: [table.name, shown.name] };
}
